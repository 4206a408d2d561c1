//! A wire that goes wrong all the time: it delays, cuts requests and answers in the middle, and delivers requests twice.
//!
//! What goes wrong follows from a seed and the number of the connection. Every connection ends before long, so that what goes wrong on the
//! next one comes soon.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The longest delay of what is passed on at once.
const DELAY_MS_MAX: u64 = 8;
/// What a connection carries at most in one direction: a few requests.
const BYTES_MAX: u64 = 6_000;
/// The longest wait for the answer to a request that is delivered a second time.
const SECOND_ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// A running wire; dropping it closes its door.
#[derive(Debug)]
pub struct FaultyWire {
    address: SocketAddr,
    door: JoinHandle<()>,
    /// Requests that are just being delivered a second time.
    repeating: Arc<AtomicUsize>,
}

/// What goes wrong on one connection.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Bytes to the server before the connection is cut.
    request_bytes: u64,
    /// Bytes to the client before the connection is cut: the rest of an answer never comes.
    answer_bytes: u64,
    delay: Duration,
    repeats: bool,
}

impl FaultyWire {
    /// Listens on a port of its own and passes on to `target`, as well as it does.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(target: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let repeating = Arc::new(AtomicUsize::new(0));
        let (numbers, count) = (AtomicU64::new(seed), Arc::clone(&repeating));
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let plan = Plan::of(numbers.fetch_add(1, Ordering::Relaxed));
                tokio::spawn(serve(client, target, plan, Arc::clone(&count)));
            }
        });
        Ok(Self { address, door, repeating })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until nothing is on its way to the server any more.
    pub async fn quiet(&self) {
        while self.repeating.load(Ordering::Acquire) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for FaultyWire {
    fn drop(&mut self) {
        self.door.abort();
    }
}

impl Plan {
    fn of(number: u64) -> Self {
        let mut bits = mixed(number);
        let mut below = |limit: u64| {
            bits = mixed(bits);
            bits % limit
        };
        let (cut, bytes) = (below(4), 50 + below(1_500));
        Self {
            request_bytes: if cut == 0 { bytes } else { BYTES_MAX },
            answer_bytes: if cut == 1 { bytes } else { BYTES_MAX },
            delay: if below(3) == 0 { Duration::from_millis(below(DELAY_MS_MAX)) } else { Duration::ZERO },
            repeats: below(4) == 0,
        }
    }
}

/// A number that looks like chance: the finaliser of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Ends when either side has ended the connection, or when it is cut.
async fn serve(mut client: TcpStream, target: SocketAddr, plan: Plan, repeating: Arc<AtomicUsize>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let mut sent = Vec::new();
    {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            _ = pass_on(from_client, to_server, plan.request_bytes, plan.delay, Some(&mut sent)) => {}
            _ = pass_on(from_server, to_client, plan.answer_bytes, plan.delay, None) => {}
        }
    }
    drop((client, server));
    if plan.repeats && !sent.is_empty() {
        repeating.fetch_add(1, Ordering::AcqRel);
        let repeated = tokio::time::timeout(SECOND_ANSWER_PATIENCE, repeat(target, &sent));
        // Nobody waits for this answer, whatever it is.
        let _ = repeated.await;
        repeating.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes_max: u64,
    delay: Duration,
    mut copy: Option<&mut Vec<u8>>,
) -> io::Result<()> {
    let mut left = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let length = from.read(&mut buffer).await?.min(left);
        if length == 0 {
            break;
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        left -= length;
        if let Some(copy) = &mut copy {
            copy.extend_from_slice(&buffer[..length]);
        }
        to.write_all(&buffer[..length]).await?;
    }
    Ok(())
}

/// Sends the same bytes once more, and reads what is answered until the server has no more to say.
async fn repeat(target: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    server.write_all(bytes).await?;
    server.shutdown().await?;
    tokio::io::copy(&mut server, &mut tokio::io::sink()).await.map(drop)
}
