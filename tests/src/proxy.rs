//! A wire that can be cut: connections to it are passed on, until it is told to swallow what it gets.
//!
//! It stands for a network that goes silent: nobody is told that the other side is gone. What was swallowed is delivered late, as after a
//! partition, so that a server may still carry out what its client has given up. And it stands for a server that is down: every connection
//! ends at once.

mod faulty;

pub use faulty::FaultyWire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running proxy; dropping it closes its door.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    gate: Arc<watch::Sender<Gate>>,
    refused: Arc<AtomicUsize>,
    door: JoinHandle<()>,
}

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// It is passed on.
    Open,
    /// It is kept.
    Silent,
    /// Connections end.
    Shut,
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to `target`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (gate, refused) = (Arc::new(watch::Sender::new(Gate::Open)), Arc::new(AtomicUsize::new(0)));
        let (state, counter) = (Arc::clone(&gate), Arc::clone(&refused));
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() == Gate::Shut {
                    counter.fetch_add(1, Ordering::Relaxed);
                } else {
                    tokio::spawn(serve(client, target, state.subscribe()));
                }
            }
        });
        Ok(Self { address, gate, refused, door })
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on nothing gets through, in either direction.
    pub fn swallow(&self) {
        self.gate.send_replace(Gate::Silent);
    }

    /// From now on everything gets through again, what was swallowed first.
    pub fn deliver(&self) {
        self.gate.send_replace(Gate::Open);
    }

    /// From now on there is no connection, as with a server that is down.
    pub fn shut(&self) {
        self.gate.send_replace(Gate::Shut);
    }

    /// How many connections there would have been while it was shut.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Ends when either side has ended the connection, or is gone, or the gate is shut.
async fn serve(mut client: TcpStream, target: SocketAddr, gate: watch::Receiver<Gate>) {
    let mut own_gate = gate.clone();
    if own_gate.wait_for(|&gate| gate == Gate::Open).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::select! {
        _ = pass_on(from_client, to_server, gate.clone()) => {}
        _ = pass_on(from_server, to_client, gate) => {}
        _ = own_gate.wait_for(|&gate| gate == Gate::Shut) => {}
    }
}

async fn pass_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut gate: watch::Receiver<Gate>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        gate.wait_for(|&gate| gate == Gate::Open).await.map_err(io::Error::other)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
