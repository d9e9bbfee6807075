//! One client: a TCP stream, a handshake, frames. All clients of the generator read into one buffer.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    task::ready,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::{
        TcpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{
    frames::{self, Frame, Scanner},
    house::{House, Room},
};

/// Addresses that clients come from: one address has ports for some ten thousand connections only.
const ADDRESSES: usize = 16;
const READ_BYTES: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

pub struct Socket {
    pub read: Reader,
    pub write: Writer,
}

pub struct Reader {
    stream: OwnedReadHalf,
    scanner: Scanner,
}

pub struct Writer(OwnedWriteHalf);

impl Socket {
    /// Client number `n`, signed in as one of the people of the house.
    pub async fn open(house: &House, n: usize) -> io::Result<Self> {
        let tcp = TcpSocket::new_v4()?;
        let from = Ipv4Addr::new(127, 0, 0, 2 + (n % ADDRESSES) as u8);
        tcp.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        tcp.set_nodelay(true)?;
        // A client that goes is gone: no port waits for it.
        tcp.set_zero_linger()?;
        let (read, write) = tcp.connect(house.addr).await?.into_split();
        let mut socket = Self { read: Reader { stream: read, scanner: Scanner::default() }, write: Writer(write) };
        socket.write.0.write_all(house.handshake(n).as_bytes()).await?;
        socket.read.upgraded().await?;
        Ok(socket)
    }

    /// Stands in the room from `after` on; returns its head, and whether the server says that nothing is missing.
    pub async fn subscribe(
        &mut self,
        room: &Room,
        after: u64,
        on: &mut impl FnMut(Frame<'_>),
    ) -> io::Result<(u64, bool)> {
        let id = &room.id;
        let frame =
            format!(r#"{{"type":"subscribe","payload":{{"conversations":[{{"id":"{id}","after":{after}}}]}}}}"#);
        self.write.send(&frame).await?;
        let mut answer = None;
        while answer.is_none() {
            self.read
                .read(&mut |frame| match frame {
                    Frame::Subscribed(frame) => {
                        let is_current = frames::has(frame, r#""mode":"current""#);
                        answer = frames::number(frame, "\"head\":").map(|head| (head, is_current));
                    }
                    Frame::Error(error) => eprintln!("{}", String::from_utf8_lossy(error)),
                    frame => on(frame),
                })
                .await?;
        }
        Ok(answer.unwrap_or_default())
    }
}

impl Reader {
    /// Reads what there is, at least something.
    pub async fn read(&mut self, on: &mut impl FnMut(Frame<'_>)) -> io::Result<()> {
        let Self { stream, scanner } = self;
        let mut pings = 0;
        poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
                let read = buffer.filled();
                if read.is_empty() {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof)).into();
                }
                let on = &mut |frame: Frame<'_>| match frame {
                    Frame::Ping => pings += 1,
                    frame => on(frame),
                };
                scanner.scan(read, on).into()
            })
        })
        .await?;
        for _ in 0..pings {
            // A few bytes: they have a place, or the server has other worries.
            let _ = self.stream.as_ref().try_write(&frames::PONG);
        }
        Ok(())
    }

    /// The end of the handshake; what comes behind it is kept for the first read.
    async fn upgraded(&mut self) -> io::Result<()> {
        let mut head = Vec::with_capacity(512);
        loop {
            self.stream.read_buf(&mut head).await?;
            if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                if !head.starts_with(b"HTTP/1.1 101") {
                    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    return Err(io::Error::other(format!("refused: {}", String::from_utf8_lossy(line))));
                }
                return self.scanner.scan(&head[end + 4..], &mut |_| {});
            }
            if head.len() == head.capacity() {
                head.reserve(512);
            }
        }
    }
}

impl Writer {
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(&frames::text(text)).await
    }
}
