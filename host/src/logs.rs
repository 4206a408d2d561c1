//! Where a guest's standard output and error go: one file each per component, and the host's own standard error unless it is quiet.
//!
//! A write happens at once and in full, so that a line is there when the guest goes on, and lines of two instances do not mix.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// What a guest may write in one call.
const CHUNK_BYTES: usize = 64 * 1024;

/// The two streams of one component.
#[derive(Clone)]
pub(crate) struct Logs {
    pub(crate) stdout: LogStream,
    pub(crate) stderr: LogStream,
}

/// One stream, shared by all instances of a component.
#[derive(Clone)]
pub(crate) struct LogStream {
    file: Option<Arc<File>>,
    echo: bool,
}

impl Logs {
    /// Opens `<folder>/<component>_stdout.txt` and `_stderr.txt` for appending. Without a folder there are no files.
    pub(crate) fn open(folder: Option<&Path>, component: &str, echo: bool) -> Result<Self> {
        let open = |name: &str| -> Result<LogStream> {
            let path = folder.map(|folder| folder.join(format!("{component}_{name}.txt")));
            let file = path.map(|path| {
                let file = OpenOptions::new().create(true).append(true).open(&path);
                file.with_context(|| format!("opening the log file {}", path.display()))
            });
            Ok(LogStream { file: file.transpose()?.map(Arc::new), echo })
        };
        Ok(Self { stdout: open("stdout")?, stderr: open("stderr")? })
    }
}

impl LogStream {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.as_ref().write_all(bytes)?;
        }
        if self.echo {
            io::stderr().write_all(bytes)?;
        }
        Ok(())
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    /// A full disk must not fail the guest's request, so an error is not passed on.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if let Err(error) = self.append(&bytes) {
            tracing::warn!("a guest's output could not be written: {error}");
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.append(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_appended_to_the_components_files() {
        let folder = tempfile::tempdir().unwrap();
        for line in [b"one\n", b"two\n"] {
            let mut logs = Logs::open(Some(folder.path()), "shop", false).unwrap();
            logs.stdout.write(Bytes::from_static(line)).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join("shop_stdout.txt")).unwrap();
        assert_eq!(text, "one\ntwo\n");
        assert!(folder.path().join("shop_stderr.txt").exists());
    }
}
