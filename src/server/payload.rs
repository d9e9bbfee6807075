//! A frame's text as it goes over the wire: made once, shared by everyone who reads it, and, where it is
//! large, deflated once for all who asked for that when they connected.

use std::{
    io::Write,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use axum::extract::ws::{Message as WsMessage, Utf8Bytes};
use bytes::Bytes;
use flate2::{Compression, write::ZlibEncoder};

use crate::protocol::limits;

/// What a client asked for by `?compress=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Plain,
    /// Frames above [`limits::COMPRESS_BYTES`] as binary messages: zlib (RFC 1950) around the JSON.
    Deflate,
}

/// One frame. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Payload(Text);

#[derive(Clone, Debug)]
enum Text {
    Small(Utf8Bytes),
    Large(Arc<Large>),
}

#[derive(Debug)]
struct Large {
    text: Utf8Bytes,
    /// `None`: deflating made it no smaller.
    deflated: OnceLock<Option<Bytes>>,
}

impl Payload {
    /// As this client reads it. The first who wants it deflated does the work, in its own writer; the others
    /// share what came of it.
    pub fn message(&self, encoding: Encoding) -> WsMessage {
        match (&self.0, encoding) {
            (Text::Large(large), Encoding::Deflate) => match large.deflated() {
                Some(bytes) => WsMessage::Binary(bytes.clone()),
                None => WsMessage::Text(large.text.clone()),
            },
            (Text::Large(large), Encoding::Plain) => WsMessage::Text(large.text.clone()),
            (Text::Small(text), _) => WsMessage::Text(text.clone()),
        }
    }

    fn text(&self) -> &Utf8Bytes {
        match &self.0 {
            Text::Small(text) => text,
            Text::Large(large) => &large.text,
        }
    }
}

impl Large {
    fn deflated(&self) -> Option<&Bytes> {
        self.deflated.get_or_init(|| deflate(self.text.as_bytes())).as_ref()
    }
}

fn deflate(text: &[u8]) -> Option<Bytes> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(text.len() / 2), Compression::fast());
    // Into memory: it cannot fail, and if it did the plain text would do.
    encoder.write_all(text).ok()?;
    let deflated = encoder.finish().ok()?;
    (deflated.len() < text.len()).then(|| deflated.into())
}

impl From<Utf8Bytes> for Payload {
    fn from(text: Utf8Bytes) -> Self {
        if text.len() > limits::COMPRESS_BYTES {
            Self(Text::Large(Arc::new(Large { text, deflated: OnceLock::new() })))
        } else {
            Self(Text::Small(text))
        }
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Utf8Bytes::from(text).into()
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Utf8Bytes::from(text).into()
    }
}

impl Deref for Payload {
    type Target = str;

    fn deref(&self) -> &str {
        self.text().as_str()
    }
}

impl Eq for Payload {}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn inflate(bytes: &[u8]) -> String {
        let mut text = String::new();
        ZlibDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_large_frame_is_deflated_once_for_all_who_asked() {
        let text = "many a word, ".repeat(200);
        let payload = Payload::from(text.as_str());
        let WsMessage::Binary(first) = payload.message(Encoding::Deflate) else { panic!("not binary") };
        assert!(first.len() < text.len() / 4);
        assert_eq!(inflate(&first), text);
        let WsMessage::Binary(second) = payload.clone().message(Encoding::Deflate) else { panic!("not binary") };
        assert_eq!(first.as_ptr(), second.as_ptr(), "the same bytes, not made again");
        assert_eq!(payload.message(Encoding::Plain), WsMessage::text(text));
    }

    #[test]
    fn what_is_small_stays_text() {
        let at_the_bound = "x".repeat(limits::COMPRESS_BYTES);
        assert!(matches!(Payload::from(at_the_bound.as_str()).message(Encoding::Deflate), WsMessage::Text(_)));
        let above = "x".repeat(limits::COMPRESS_BYTES + 1);
        assert!(matches!(Payload::from(above.as_str()).message(Encoding::Deflate), WsMessage::Binary(_)));
    }

    #[test]
    fn what_gets_no_smaller_is_not_deflated() {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let noise: Vec<_> = (0..limits::COMPRESS_BYTES * 2).map(|_| noise()).collect();
        assert_eq!(deflate(&noise), None);
    }
}
