//! A wire that can be cut: connections to it are passed on, until it is told to swallow what it gets.
//!
//! It stands for a network that goes silent: nobody is told that the other side is gone. What was swallowed is delivered late, as after a
//! partition, so that a server may still carry out what its client has given up.

mod faulty;

pub use faulty::FaultyWire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running proxy; dropping it closes its door.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    is_open: Arc<watch::Sender<bool>>,
    door: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to `target`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let is_open = Arc::new(watch::Sender::new(true));
        let gate = Arc::clone(&is_open);
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target, gate.subscribe()));
            }
        });
        Ok(Self { address, is_open, door })
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on nothing gets through, in either direction.
    pub fn swallow(&self) {
        self.is_open.send_replace(false);
    }

    /// From now on everything gets through again, what was swallowed first.
    pub fn deliver(&self) {
        self.is_open.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Ends when either side has ended the connection, or is gone.
async fn serve(mut client: TcpStream, target: SocketAddr, gate: watch::Receiver<bool>) {
    let mut own_gate = gate.clone();
    if own_gate.wait_for(|&is_open| is_open).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::select! {
        _ = pass_on(from_client, to_server, gate.clone()) => {}
        _ = pass_on(from_server, to_client, gate) => {}
    }
}

async fn pass_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut gate: watch::Receiver<bool>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        gate.wait_for(|&is_open| is_open).await.map_err(io::Error::other)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
