//! Reading a body: plain or gzip, up to a cap, not too slowly, and together never more than an instance can hold.
//!
//! What is unpacked is counted while it is unpacked, so that a few bytes cannot become more than the cap. Up to 16 requests share an instance
//! and its memory, and one that runs out of it would take the others along: what does not fit now is refused with the request to come again,
//! before it is read where its length is known. A sender who stops sending gives its place back after [`limits::BODY_WINDOW`].

use super::held::Held;
use crate::error::Error;
use crate::limits;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use futures::future::{Either, select};
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    /// Reads the header `Content-Encoding`.
    pub(super) fn parse(header: &str) -> Result<Self, Error> {
        match header.trim() {
            "" => Ok(Self::Plain),
            name if name.eq_ignore_ascii_case("identity") => Ok(Self::Plain),
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => Ok(Self::Gzip),
            _ => Err(Error::Encoding),
        }
    }
}

/// What is known of a body before it is read.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) encoding: Encoding,
    /// Its length as it travels, where the sender says it.
    pub(super) bytes: Option<usize>,
    /// How large it may be once it is unpacked; what lies beyond stays unread, and is `too_large`.
    pub(super) bytes_max: usize,
    pub(super) too_large: Error,
}

impl Announced {
    /// Whether reading it costs so little that it may be done for a stranger.
    pub(super) fn is_small(&self) -> bool {
        self.encoding == Encoding::Plain && self.bytes.is_some_and(|bytes| bytes <= limits::STRANGERS_BODY_BYTES_MAX)
    }

    /// Whether it is too large whatever it turns out to hold.
    pub(super) fn is_too_large(&self) -> bool {
        self.bytes.is_some_and(|bytes| bytes > self.bytes_max)
    }
}

/// Reads a body into the place that is `held` for it.
pub(super) async fn read(body: IncomingRequestBody, announced: Announced, held: &mut Held) -> Result<Bytes, Error> {
    let length = announced.bytes.unwrap_or(0);
    // Before a byte is read: what has no room now is not begun.
    held.cover(length)?;
    let mut chunks = body.stream();
    let whole = if announced.encoding == Encoding::Plain { Vec::with_capacity(length) } else { Vec::new() };
    let unpacked = Unpacked { whole, bytes_max: announced.bytes_max, too_large: announced.too_large, held, refused: None };
    let mut sink = match announced.encoding {
        Encoding::Plain => Sink::Plain(unpacked),
        Encoding::Gzip => Sink::Gzip(Box::new(MultiGzDecoder::new(unpacked))),
    };
    let mut pace = Pace::new();
    while let Either::Left((chunk, _)) = select(chunks.next(), pin!(spin_sdk::time::sleep(pace.patience()))).await {
        let Some(chunk) = chunk else { return sink.finish() };
        let chunk = chunk.map_err(|_| Error::NotJson("the body ended too early".to_owned()))?;
        sink.add(&chunk)?;
        pace.arrived(chunk.len());
    }
    Err(Error::BodyTooSlow)
}

fn damaged() -> Error {
    Error::NotJson("its gzip encoding is damaged".to_owned())
}

/// Holds a sender to a least speed: a certain number of bytes in each window of time, and all of them in the time for a whole body.
struct Pace {
    began: Instant,
    window_began: Instant,
    window_bytes: usize,
}

impl Pace {
    fn new() -> Self {
        let now = Instant::now();
        Self { began: now, window_began: now, window_bytes: 0 }
    }

    /// How much longer the next bytes may take.
    fn patience(&self) -> Duration {
        let of_window = limits::BODY_WINDOW.saturating_sub(self.window_began.elapsed());
        of_window.min(limits::BODY_TIMEOUT.saturating_sub(self.began.elapsed()))
    }

    fn arrived(&mut self, bytes: usize) {
        self.window_bytes += bytes;
        if self.window_bytes >= limits::BODY_WINDOW_BYTES_MIN {
            (self.window_began, self.window_bytes) = (Instant::now(), 0);
        }
    }
}

enum Sink<'a> {
    Plain(Unpacked<'a>),
    Gzip(Box<MultiGzDecoder<Unpacked<'a>>>),
}

impl Sink<'_> {
    fn add(&mut self, chunk: &[u8]) -> Result<(), Error> {
        match self {
            Self::Plain(unpacked) => unpacked.add(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk).map_err(|_| decoder.get_mut().refused()),
        }
    }

    fn finish(self) -> Result<Bytes, Error> {
        match self {
            Self::Plain(unpacked) => Ok(unpacked.whole.into()),
            Self::Gzip(mut decoder) => {
                decoder.try_finish().map_err(|_| decoder.get_mut().refused())?;
                decoder.finish().map(|unpacked| unpacked.whole.into()).map_err(|_| damaged())
            }
        }
    }
}

/// A body as it is once unpacked.
#[derive(Debug)]
struct Unpacked<'a> {
    whole: Vec<u8>,
    bytes_max: usize,
    too_large: Error,
    held: &'a mut Held,
    /// Why it stopped growing.
    refused: Option<Error>,
}

impl Unpacked<'_> {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let length = self.whole.len() + bytes.len();
        if length > self.bytes_max {
            return Err(self.too_large.clone());
        }
        self.held.cover(length)?;
        self.whole.extend_from_slice(bytes);
        Ok(())
    }

    /// Why unpacking stopped: the body was refused, or is no gzip.
    fn refused(&mut self) -> Error {
        self.refused.take().unwrap_or_else(damaged)
    }
}

impl Write for Unpacked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes).map(|()| bytes.len()).map_err(|refused| {
            self.refused = Some(refused);
            io::ErrorKind::OutOfMemory.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
