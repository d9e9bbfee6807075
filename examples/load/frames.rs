//! Frames of a WebSocket, found in what was read of the stream with as little work as there is: the payload of a
//! frame is a slice of the reader's buffer; only one that a read cut in two is copied.

use std::io;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// What came, told apart by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Of the log: it has a seq.
    Event(&'a [u8]),
    Ack(&'a [u8]),
    Subscribed(&'a [u8]),
    Error(&'a [u8]),
    /// Of the moment: typing, presence, status …
    Moment,
    Ping,
}

impl<'a> Frame<'a> {
    fn of(opcode: u8, payload: &'a [u8]) -> io::Result<Option<Self>> {
        Ok(match opcode {
            TEXT if payload.starts_with(br#"{"conversation_id"#) => Some(Self::Event(payload)),
            TEXT if payload.starts_with(br#"{"type":"ack"#) => Some(Self::Ack(payload)),
            TEXT if payload.starts_with(br#"{"type":"subscribed"#) => Some(Self::Subscribed(payload)),
            TEXT if payload.starts_with(br#"{"type":"error"#) => Some(Self::Error(payload)),
            TEXT => Some(Self::Moment),
            PING => Some(Self::Ping),
            CLOSE => {
                let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                return Err(io::Error::other(format!("closed by the server with {code}")));
            }
            _ => None,
        })
    }
}

/// The number that follows `key` in the JSON text.
pub fn number(json: &[u8], key: &str) -> Option<u64> {
    let at = json.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
    let digits = json[at..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.map(|digit| u64::from(digit - b'0')).reduce(|number, digit| number * 10 + digit)
}

pub fn has(json: &[u8], text: &str) -> bool {
    json.windows(text.len()).any(|window| window == text.as_bytes())
}

pub fn seq(event: &[u8]) -> u64 {
    number(event, "\"seq\":").unwrap_or(0)
}

#[derive(Default)]
pub struct Scanner {
    /// The beginning of a frame whose end has not come yet.
    begun: Vec<u8>,
}

impl Scanner {
    pub fn scan(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Frame<'_>)) -> io::Result<()> {
        while !self.begun.is_empty() && !bytes.is_empty() {
            let wanted = missing(&self.begun).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if let Some((opcode, payload, _)) = whole(&self.begun) {
                Frame::of(opcode, payload)?.into_iter().for_each(&mut *on);
                self.begun.clear();
            }
        }
        while let Some((opcode, payload, length)) = whole(bytes) {
            Frame::of(opcode, payload)?.into_iter().for_each(&mut *on);
            bytes = &bytes[length..];
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

/// Header and whole length of the frame that begins here, as far as they are known. A server's frames are not
/// masked.
fn lengths(bytes: &[u8]) -> Result<(usize, usize), usize> {
    let [_, short, ..] = *bytes else { return Err(2) };
    let header = match short {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    if bytes.len() < header {
        return Err(header);
    }
    let payload = match header {
        2 => usize::from(short),
        _ => bytes[2..header].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    Ok((header, header + payload))
}

fn whole(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (header, length) = lengths(bytes).ok()?;
    Some((bytes[0] & 15, bytes.get(header..length)?, length))
}

/// How many bytes the frame that was begun lacks, as far as that is known.
fn missing(begun: &[u8]) -> usize {
    match lengths(begun) {
        Ok((_, length)) => length - begun.len(),
        Err(header) => header - begun.len(),
    }
}

/// A client's text frame. Its mask is zero: that is a mask as good as any, and costs nothing.
pub fn text(payload: &str) -> Vec<u8> {
    let mut frame = vec![0x80 | TEXT];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload.as_bytes());
    frame
}

/// The answer to a ping, with a mask of zero and no payload.
pub const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
