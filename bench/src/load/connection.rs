//! One kept-alive connection: writes a request, reads one response, and looks at no more of it than its length.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use httparse::{EMPTY_HEADER, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Target;

/// Large enough for every head and most of a large body in one read.
const BUFFER_BYTES: usize = 256 * 1024;
const HEADERS_MAX: usize = 48;

/// A connection that is idle, or waits for one response.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The names of its headers, in lower case.
    pub(crate) headers: BTreeSet<String>,
    pub(crate) body: Vec<u8>,
}

/// What has to be known of a response to find its end.
struct Head {
    status: u16,
    head_bytes: usize,
    body_bytes: usize,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await.with_context(|| format!("cannot connect to {}", target.address))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a request and reads its response to the end. `part` is given the status and the body, piece by piece.
    pub(crate) async fn exchange(&mut self, request: &[u8], part: impl FnMut(u16, &[u8])) -> Result<u16> {
        self.stream.write_all(request).await.context("the connection was lost while sending")?;
        let (head, filled) = self.read_head().await?;
        self.read_body(&head, filled, part).await?;
        Ok(head.status)
    }

    /// Sends a request and keeps its response.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await.context("the connection was lost while sending")?;
        let (head, filled) = self.read_head().await?;
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&self.buffer[..head.head_bytes])?;
        let headers = response.headers.iter().map(|header| header.name.to_ascii_lowercase()).collect();
        let mut body = Vec::with_capacity(head.body_bytes);
        self.read_body(&head, filled, |_, part| body.extend_from_slice(part)).await?;
        Ok(Answer { status: head.status, headers, body })
    }

    async fn read_body(&mut self, head: &Head, filled: usize, mut part: impl FnMut(u16, &[u8])) -> Result<()> {
        let whole = head.head_bytes + head.body_bytes;
        ensure!(filled <= whole, "more bytes than the announced length");
        part(head.status, &self.buffer[head.head_bytes..filled]);
        let mut left = whole - filled;
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await.context("the connection was lost while reading")?;
            ensure!(read > 0 && read <= left, "the body has another length than announced");
            part(head.status, &self.buffer[..read]);
            left -= read;
        }
        Ok(())
    }

    async fn read_head(&mut self) -> Result<(Head, usize)> {
        let mut filled = 0;
        loop {
            ensure!(filled < self.buffer.len(), "the response's head is too long");
            let read = self.stream.read(&mut self.buffer[filled..]).await.context("the connection was lost while waiting")?;
            ensure!(read > 0, "the connection was closed without a response");
            filled += read;
            if let Some(head) = parse(&self.buffer[..filled])? {
                return Ok((head, filled));
            }
        }
    }
}

/// `None` while the head is incomplete.
fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(head_bytes) = response.parse(bytes).context("not an HTTP response")? else { return Ok(None) };
    let status = response.code.context("a response without a status")?;
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    // Chunks would have to be counted, and cost 40 ms on a kept connection: a finding, not a case.
    let Some(length) = length else { bail!("answered {status} without content-length") };
    let body_bytes = std::str::from_utf8(length.value)?.parse().context("an unreadable content-length")?;
    Ok(Some(Head { status, head_bytes, body_bytes }))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_end_of_a_response_is_known_from_its_head() {
        let response = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhel";
        let head = parse(response).unwrap().unwrap();
        assert_eq!((head.status, head.head_bytes, head.body_bytes), (201, 43, 5));
        assert!(parse(&response[..30]).unwrap().is_none());
        for bad in
            [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", b"x\r\n\r\n"]
        {
            assert!(parse(bad).is_err());
        }
    }
}
