//! Connections from outside: how many there are, how long one may be silent, and which one goes when there are too many.
//!
//! A client that says nothing costs a file descriptor and nothing else, so it is the first to go: beyond the limit, whether of all
//! connections or of one address, the one that has been silent for longest makes room for the newcomer. Only when all of them wait for an
//! answer is the newcomer refused. So silence starves nobody, from however many connections it comes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How many connections there may be, and how long one may be silent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ConnectionLimits {
    pub(crate) all: usize,
    /// Of one address; of IPv6 addresses, of one network of 64 bits, which is what one customer is given.
    pub(crate) of_address: usize,
    /// How long a connection may be without a request: before the head of its first one is complete, or after an answer.
    pub(crate) silence: Duration,
}

/// The open connections.
pub(crate) struct Connections {
    limits: ConnectionLimits,
    started: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Arc<Activity>>,
    of_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// What one connection is doing.
pub(crate) struct Activity {
    address: IpAddr,
    silence_max: Duration,
    started: Instant,
    requests: AtomicUsize,
    /// In milliseconds since `started`; of no meaning while there are requests.
    silent_since: AtomicU64,
    evicted: Notify,
}

/// A place among the connections, given back when dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    activity: Arc<Activity>,
}

/// A request that is under way on a connection, until its answer was sent or given up.
pub(crate) struct UnderWay(Arc<Activity>);

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, started: Instant::now(), open: Mutex::default() })
    }

    /// A place for a connection, if there is one or a silent connection makes room.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut open = self.open();
        if open.of_address.get(&address).is_some_and(|&count| count >= self.limits.of_address) {
            open.evict(|activity| activity.address == address)?;
        } else if open.connections.len() >= self.limits.all {
            open.evict(|_| true)?;
        }
        let activity = Arc::new(Activity {
            address,
            silence_max: self.limits.silence,
            started: self.started,
            requests: AtomicUsize::new(0),
            silent_since: AtomicU64::new(milliseconds_since(self.started)),
            evicted: Notify::new(),
        });
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, Arc::clone(&activity));
        *open.of_address.entry(address).or_default() += 1;
        Some(Place { connections: Arc::clone(self), number, activity })
    }

    /// Ends the connection that has been silent for longest, for a process that is out of file descriptors.
    pub(crate) fn evict_one(&self) {
        // Nothing to evict: the next answer that ends gives something back.
        let _ = self.open().evict(|_| true);
    }

    /// The lock is held for a few instructions that cannot panic, so what a poisoned one protects is whole.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Tells the longest silent of these connections to end. It gives up its place at once, so that the limits hold.
    fn evict(&mut self, among: impl Fn(&Activity) -> bool) -> Option<()> {
        let silent = self.connections.iter().filter(|(_, activity)| among(activity) && activity.is_silent());
        let (&number, _) = silent.min_by_key(|(number, activity)| (activity.silent_since.load(Ordering::Relaxed), **number))?;
        let activity = self.remove(number)?;
        activity.evicted.notify_one();
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Activity>> {
        let activity = self.connections.remove(&number)?;
        if let Some(count) = self.of_address.get_mut(&activity.address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&activity.address);
            }
        }
        Some(activity)
    }
}

impl Place {
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(self.number);
    }
}

impl Activity {
    /// Counts a request for as long as what this returns lives.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Resolves when the connection has been silent for too long, or has to make room. One timer serves a connection for its life,
    /// however many requests it brings.
    pub(crate) async fn must_end(&self) {
        let silent_for_too_long = async {
            loop {
                let left = self.silence_left();
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            }
        };
        tokio::select! {
            () = silent_for_too_long => {}
            () = self.evicted.notified() => {}
        }
    }

    fn silence_left(&self) -> Duration {
        if !self.is_silent() {
            return self.silence_max;
        }
        let silent_ms = milliseconds_since(self.started).saturating_sub(self.silent_since.load(Ordering::Relaxed));
        self.silence_max.saturating_sub(Duration::from_millis(silent_ms))
    }

    fn is_silent(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // First the time, then the count: whoever sees a silent connection sees since when.
        self.0.silent_since.store(milliseconds_since(self.0.started), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Release);
    }
}

fn milliseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: usize, of_address: usize) -> Arc<Connections> {
        Connections::new(ConnectionLimits { all, of_address, silence: Duration::from_millis(20) })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn is_evicted(place: &Place) -> bool {
        !place.connections.open().connections.contains_key(&place.number)
    }

    #[test]
    fn the_connection_that_was_silent_for_longest_makes_room() {
        let connections = connections(10, 2);
        let places: Vec<_> = (0..3).map(|_| connections.admit(address(1)).unwrap()).collect();
        assert_eq!(places.iter().map(is_evicted).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(connections.open().of_address[&address(1)], 2);
    }

    #[test]
    fn a_connection_that_waits_for_an_answer_stays() {
        let connections = connections(10, 2);
        let busy = connections.admit(address(1)).unwrap();
        let under_way = busy.activity().begin();
        let silent = connections.admit(address(1)).unwrap();
        let _third = connections.admit(address(1)).unwrap();
        assert_eq!([is_evicted(&busy), is_evicted(&silent)], [false, true]);
        drop(under_way);
        assert!(busy.activity().is_silent());
    }

    #[test]
    fn where_all_wait_for_answers_the_newcomer_is_refused() {
        let connections = connections(2, 2);
        let places: Vec<_> = (1..3).map(|last| connections.admit(address(last)).unwrap()).collect();
        let _under_way: Vec<_> = places.iter().map(|place| place.activity().begin()).collect();
        assert!(connections.admit(address(3)).is_none());
        drop(places);
        assert!(connections.admit(address(3)).is_some());
        assert!(connections.open().connections.is_empty() && connections.open().of_address.is_empty());
    }

    #[test]
    fn one_address_takes_no_place_of_another() {
        let connections = connections(4, 2);
        let others: Vec<_> = (0..2).map(|_| connections.admit(address(1)).unwrap()).collect();
        let _many: Vec<_> = (0..20).map(|_| connections.admit(address(2)).unwrap()).collect();
        assert!(!others.iter().any(is_evicted));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let in_network = |text: &str| network(text.parse().unwrap());
        assert_eq!(in_network("2001:db8:1:2::3"), in_network("2001:db8:1:2:ffff::4"));
        assert_ne!(in_network("2001:db8:1:2::3"), in_network("2001:db8:1:3::3"));
        assert_eq!(in_network("::ffff:10.0.0.1"), address(1));
    }

    #[tokio::test]
    async fn silence_ends_a_connection_and_a_request_keeps_it() {
        let connections = connections(2, 2);
        let silent = connections.admit(address(1)).unwrap();
        let busy = connections.admit(address(1)).unwrap();
        let _under_way = busy.activity().begin();
        silent.activity().must_end().await;
        assert_eq!(busy.activity().silence_left(), busy.activity().silence_max);
        busy.activity().evicted.notify_one();
        busy.activity().must_end().await;
    }
}
