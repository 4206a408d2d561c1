//! Reading a body: plain or gzip, up to a cap, and together never more than an instance can hold.
//!
//! What is unpacked is counted while it is unpacked, so that a few bytes cannot become more than the cap. Up to 16 requests share an instance
//! and its memory, and one that runs out of it would take the others along: what does not fit now is refused with the request to come again.

use crate::error::{Error, Fault};
use crate::limits;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use std::cell::Cell;
use std::io::{self, Write};

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

/// A body as it arrives, and its place in the instance's memory, which it keeps as long as its request.
#[derive(Debug)]
pub(super) struct Body {
    whole: Vec<u8>,
    bytes_max: usize,
    too_large: Error,
    held: Held,
    /// Why it stopped growing.
    refused: Option<Error>,
}

/// Reads a body of at most `bytes_max`; what lies beyond stays unread, and is `too_large`.
pub(super) async fn read(
    body: IncomingRequestBody,
    encoding: Encoding,
    announced: usize,
    bytes_max: usize,
    too_large: Error,
) -> Result<(Bytes, Held), Error> {
    if announced > bytes_max {
        return Err(too_large);
    }
    let mut chunks = body.stream();
    let mut whole = Body { whole: Vec::new(), bytes_max, too_large, held: Held(0), refused: None };
    if encoding == Encoding::Plain {
        whole.whole.reserve_exact(announced);
        while let Some(chunk) = chunks.next().await {
            whole.add(&chunk.map_err(|_| ended_early())?)?;
        }
        return Ok((whole.whole.into(), whole.held));
    }
    let mut unpacked = MultiGzDecoder::new(whole);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ended_early())?;
        unpacked.write_all(&chunk).map_err(|_| unpacked.get_mut().refused())?;
    }
    unpacked.try_finish().map_err(|_| unpacked.get_mut().refused())?;
    let whole = unpacked.finish().map_err(|_| damaged())?;
    Ok((whole.whole.into(), whole.held))
}

fn ended_early() -> Error {
    Error::NotJson("the body ended too early".to_owned())
}

fn damaged() -> Error {
    Error::NotJson("its gzip encoding is damaged".to_owned())
}

impl Body {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.whole.len() + bytes.len() > self.bytes_max {
            return Err(self.too_large.clone());
        }
        self.held.grow(bytes.len())?;
        self.whole.extend_from_slice(bytes);
        Ok(())
    }

    /// Why unpacking stopped: the body was refused, or is no gzip.
    fn refused(&mut self) -> Error {
        self.refused.take().unwrap_or_else(damaged)
    }
}

impl Write for Body {
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

thread_local! {
    /// Bytes of the bodies of all requests that are under way in this instance.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// A place in the instance's memory, given back when its request ends.
#[derive(Debug)]
pub(super) struct Held(usize);

impl Held {
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        if HELD.get() + bytes > limits::INSTANCE_BODY_BYTES_MAX {
            return Err(Error::Unavailable(Fault::new("reading a body", "the instance holds as much as it can")));
        }
        HELD.set(HELD.get() + bytes);
        self.0 += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.set(HELD.get().saturating_sub(self.0));
    }
}
