//! Many histories from one seed, on all processors, against any server; the first that fails is made short.
//!
//! No failure in n histories bounds the rate of failing ones at 3/n with 95 % confidence. It proves nothing.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use noted::local::stack::LocalDatabase;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::postgres::{Postgres, Station};
use super::{Http, Length, Operation, Server, operations, run};
use crate::world::World;

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// Everything follows from it, and from how many threads there are.
    pub seed: u64,
    /// How many histories, all threads together.
    pub histories: u32,
    /// How long they are.
    pub length: Length,
    /// How often a failing history may be run again to make it shorter.
    pub shrinks_max: u32,
}

/// All histories were as they must be.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// How many there were.
    pub histories: usize,
    /// Requests that clients sent.
    pub requests: usize,
    /// Conflicts that were noticed.
    pub conflicts: usize,
    /// How long it took.
    pub took: Duration,
}

/// A history was not as it must be.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its number.
    pub history: usize,
    /// What was wrong, in one line.
    pub reason: String,
    /// The shortest history that still fails.
    pub operations: String,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, requests, conflicts, took } = self;
        write!(f, "{histories} histories, {requests} requests, {conflicts} conflicts in {:.1} s", took.as_secs_f64())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "history {}: {}\n{}", self.history, self.reason, self.operations)
    }
}

/// Makes a server for each history of one thread.
pub type Servers = Box<dyn Fn() -> Result<Server, String>>;

/// Servers in memory.
#[must_use]
pub fn in_memory() -> Servers {
    Box::new(|| Ok(Server::model()))
}

/// Workspaces of a database, over connections of this thread.
///
/// # Errors
/// When the database cannot be reached.
pub fn in_database(database: &LocalDatabase) -> Result<Servers, String> {
    let station = Station::connect(database).map_err(|error| format!("{error:#}"))?;
    let station = Rc::new(RefCell::new(station));
    Ok(Box::new(move || Postgres::server(&station)))
}

/// Workspaces of a running bundle, over wires that go wrong all the time.
///
/// # Errors
/// When the database cannot be reached.
pub fn over_http(world: &'static World) -> Result<Servers, String> {
    let station = Station::connect(&world.database).map_err(|error| format!("{error:#}"))?;
    let (station, wires) = (Rc::new(RefCell::new(station)), Cell::new(0));
    Ok(Box::new(move || {
        wires.set(wires.get() + 1);
        Http::server(world, &station, wires.get() << 32)
    }))
}

/// The seed of a test run: the same every time, so that a change is judged by what it changed. `cargo xtask prove` looks further.
const SEED: u64 = 31;

/// The seed that `NOTED_SEED` asks for, or the one of every test run.
#[must_use]
pub fn seed() -> u64 {
    asked_seed().unwrap_or(SEED)
}

/// The seed that `NOTED_SEED` asks for, or a new one.
#[must_use]
pub fn new_seed() -> u64 {
    asked_seed().unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0)
}

fn asked_seed() -> Option<u64> {
    std::env::var("NOTED_SEED").ok().and_then(|seed| seed.parse().ok())
}

struct Counters {
    done: AtomicUsize,
    requests: AtomicUsize,
    conflicts: AtomicUsize,
    has_failed: AtomicBool,
}

impl Proof {
    /// Runs the histories; `servers` is asked once by each thread, and `tell` is called after each history that was as it must be.
    ///
    /// # Errors
    /// The first history that fails.
    pub fn run(&self, servers: impl Fn() -> Result<Servers, String> + Sync, tell: impl Fn() + Sync) -> Result<Passed, Failed> {
        let started = Instant::now();
        let threads = std::thread::available_parallelism().map_or(2, |number| u32::try_from(number.get()).unwrap_or(2));
        let zero = || AtomicUsize::new(0);
        let counters = Counters { done: zero(), requests: zero(), conflicts: zero(), has_failed: AtomicBool::new(false) };
        let failures: Vec<Failed> = std::thread::scope(|scope| {
            let (servers, counters, tell) = (&servers, &counters, &tell);
            let run = |thread| scope.spawn(move || self.run_thread(thread, self.histories.div_ceil(threads), servers, counters, tell));
            let running: Vec<_> = (0..threads).map(run).collect();
            running.into_iter().filter_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        match failures.into_iter().min_by_key(|failed| failed.history) {
            Some(failed) => Err(failed),
            None => Ok(Passed {
                histories: counters.done.into_inner(),
                requests: counters.requests.into_inner(),
                conflicts: counters.conflicts.into_inner(),
                took: started.elapsed(),
            }),
        }
    }

    fn run_thread(
        &self,
        thread: u32,
        cases: u32,
        servers: &(impl Fn() -> Result<Servers, String> + Sync),
        counters: &Counters,
        tell: &(impl Fn() + Sync),
    ) -> Option<Failed> {
        let servers = match servers() {
            Ok(servers) => servers,
            Err(reason) => return Some(Failed { history: 0, reason, operations: String::new() }),
        };
        let mut bytes = [0_u8; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&thread.to_le_bytes());
        let config = Config { cases, failure_persistence: None, max_shrink_iters: self.shrinks_max, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        // The number of this thread's first failure; what follows is the same history made shorter.
        let first = Cell::new(None);
        let outcome = runner.run(&operations(self.length), |(clients, operations)| {
            if first.get().is_none() && counters.has_failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let outcome = servers().and_then(|server| run(server, clients, &operations));
            let outcome = outcome.map_err(|wrong| {
                counters.has_failed.store(true, Ordering::Relaxed);
                first.set(first.get().or_else(|| Some(counters.done.load(Ordering::Relaxed) + 1)));
                TestCaseError::fail(wrong)
            })?;
            if first.get().is_none() {
                counters.done.fetch_add(1, Ordering::Relaxed);
                counters.conflicts.fetch_add(outcome.conflicts, Ordering::Relaxed);
                counters.requests.fetch_add(outcome.requests, Ordering::Relaxed);
                tell();
            }
            Ok(())
        });
        let history = first.get().unwrap_or_default();
        outcome.err().map(|error| match error {
            TestError::Fail(reason, shortest) => Failed { history, reason: reason.to_string(), operations: shown(&shortest) },
            TestError::Abort(reason) => Failed { history, reason: reason.to_string(), operations: String::new() },
        })
    }
}

fn shown((clients, operations): &(usize, Vec<Operation>)) -> String {
    format!("{clients} clients: {operations:?}")
}
