//! Instances of one component: made on demand, used for many requests, several at once, and dropped when they idle.
//!
//! A guest that traps takes all requests of its instance with it. Which of them was computing then is written down at each entry into the
//! guest, so that this one alone is said to have failed, and the others may be tried again.

use crate::component::Component;
use crate::engine::new_store;
use crate::memory::{Budget, Memory};
use crate::outbound_http::Hooks;
use crate::problem::Problem;
use crate::server::Application;
use crate::state::{Running, State};
use anyhow::{Context as _, Result};
use http::{Request, Response};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, InstancePre};
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{
    ExpirationError, HandlerState, Instance, InstantiationError, ProxyHandler, ProxyPre, ShouldAccept, TrapOrPanicError, WorkerExpiration,
    WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

/// A number or, as on Spin, a range from which each instance draws its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drawn<T> {
    pub(crate) from: T,
    /// Excluded, unless it is `from`.
    pub(crate) to: T,
}

/// How instances are used and when they end.
#[derive(Clone, Debug)]
pub(crate) struct InstanceLimits {
    pub(crate) reuse_count: Drawn<usize>,
    pub(crate) concurrent_count: Drawn<usize>,
    /// Until an answer begins.
    pub(crate) request_timeout: Drawn<Duration>,
    pub(crate) idle_timeout: Drawn<Duration>,
    pub(crate) memory_bytes_max: usize,
    /// What all instances of all components share.
    pub(crate) budget: Arc<Budget>,
}

/// What an instance knows about a request: its task, and which task of the instance ran last.
type Ticket = Arc<OnceLock<(GuestTaskId, Running)>>;

/// Answers requests with a component.
pub(crate) struct Handler(ProxyHandler<Factory>);

/// Makes instances.
struct Factory {
    code: ProxyPre<State>,
    component: Arc<Component>,
    application: OnceLock<Weak<Application>>,
    limits: InstanceLimits,
}

impl Handler {
    /// A handler for loaded code, which must export WASI's HTTP handler of version 0.3.
    pub(crate) fn new(code: InstancePre<State>, component: Arc<Component>, limits: InstanceLimits) -> Result<Self> {
        let service = ServicePre::new(code).map_err(anyhow::Error::from);
        let service = service.with_context(|| format!("component {:?} exports no HTTP handler of WASI 0.3", component.id))?;
        let code = ProxyPre::P3(service);
        Ok(Self(ProxyHandler::new(Factory { code, component, application: OnceLock::new(), limits })))
    }

    /// Tells the instances to come which application they belong to.
    pub(crate) fn belongs_to(&self, application: Weak<Application>) {
        self.0.state().application.get_or_init(|| application);
    }

    /// The component behind this handler.
    pub(crate) fn component(&self) -> &Component {
        &self.0.state().component
    }

    /// Answers a request. Whatever goes wrong in the guest is logged here, and outside only of what kind it is.
    pub(crate) async fn handle(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Problem> {
        let limits = &self.0.state().limits;
        if !limits.budget.has_room(limits.memory_bytes_max) {
            tracing::warn!("component {:?}: a request was refused, the memory of all instances is nearly used up", self.component().id);
            return Err(Problem::Full);
        }
        let ticket = Ticket::default();
        self.0.handle(Arc::clone(&ticket), request).await.map_err(|error| {
            tracing::error!("component {:?}: the request failed: {error:#}", self.component().id);
            problem(&error, &ticket)
        })
    }
}

fn problem(error: &wasmtime::Error, ticket: &Ticket) -> Problem {
    if error.is::<InstantiationError<Ticket>>() {
        Problem::Full
    } else if error.is::<ExpirationError>() {
        Problem::TimedOut
    } else if error.is::<TrapOrPanicError>() && ticket.get().is_none_or(|(task, running)| !running.is(*task)) {
        Problem::Interrupted
    } else {
        Problem::Failed
    }
}

impl HandlerState for Factory {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let application = self.application.get().cloned().unwrap_or_default();
        let hooks = Hooks::new(Arc::clone(&self.component), application.clone());
        let memory = Memory::new(self.limits.memory_bytes_max, Arc::clone(&self.limits.budget));
        let state = State::new(Arc::clone(&self.component), hooks, memory)?;
        let ProxyPre::P3(code) = &self.code;
        let mut store = new_store(code.engine(), state);
        let proxy = self.code.instantiate_async(&mut store).await?;
        let (request_timeout, timed_out) = (self.limits.request_timeout.draw(), Arc::new(AtomicBool::new(false)));
        Ok(Instance {
            store,
            proxy,
            view: State::http_view,
            expiration: Expiration::new(self.limits.idle_timeout.draw(), request_timeout, Arc::clone(&timed_out)),
            state: Worker {
                component: Arc::clone(&self.component),
                application,
                reuse_count: self.limits.reuse_count.draw(),
                concurrent_count: self.limits.concurrent_count.draw(),
                request_timeout,
                timed_out,
            },
        })
    }
}

/// Decides how many requests one instance takes.
struct Worker {
    component: Arc<Component>,
    application: Weak<Application>,
    reuse_count: usize,
    concurrent_count: usize,
    request_timeout: Duration,
    timed_out: Arc<AtomicBool>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Ticket;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse_count {
            ShouldAccept::Never
        } else if concurrent >= self.concurrent_count {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        store: StoreContextMut<'_, State>,
        ticket: Ticket,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync + 'static>> {
        ticket.get_or_init(|| (task, store.data().running.clone()));
        let (timeout, timed_out) = (self.request_timeout, Arc::clone(&self.timed_out));
        Box::pin(async move {
            tokio::time::sleep(timeout).await;
            timed_out.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        let stopping = self.application.upgrade().is_none_or(|application| application.is_stopping());
        if let (Err(error), false) = (result, stopping) {
            tracing::error!("component {:?}: an instance ended: {error:?}", self.component.id);
        }
        drop(store);
    }
}

/// Ends an instance that idles, or whose requests have all timed out.
///
/// An answer that has begun may go on for as long as it is read. But where a request has timed out, the guest may wait for ever for what
/// did not come, and nobody else could tell it to stop.
struct Expiration {
    idle_timeout: Duration,
    request_timeout: Duration,
    timed_out: Arc<AtomicBool>,
    alarm: Pin<Box<Sleep>>,
}

impl Expiration {
    fn new(idle_timeout: Duration, request_timeout: Duration, timed_out: Arc<AtomicBool>) -> Self {
        Self { idle_timeout, request_timeout, timed_out, alarm: Box::pin(tokio::time::sleep(idle_timeout)) }
    }

    /// When an instance ends that has been in this state since `start`.
    fn deadline(&self, status: WorkerStatus, start: Instant) -> Option<Instant> {
        let timeout = match status {
            WorkerStatus::Idle => self.idle_timeout,
            WorkerStatus::Requests => self.request_timeout,
            WorkerStatus::PostReturn if self.timed_out.load(Ordering::Relaxed) => self.request_timeout,
            WorkerStatus::PostReturn => return None,
        };
        start.checked_add(timeout)
    }
}

impl WorkerExpiration for Expiration {
    /// Setting a timer for each request would cost more than a trivial request does. So an alarm that is set too early stays, and
    /// only when it goes off is it found out whether time is really up.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let Some(deadline) = self.deadline(status, start).map(tokio::time::Instant::from) else {
            return Poll::Pending;
        };
        if deadline < self.alarm.deadline() {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if tokio::time::Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl Drawn<usize> {
    fn draw(self) -> usize {
        if self.from == self.to { self.from } else { fastrand::usize(self.from..self.to) }
    }
}

impl Drawn<Duration> {
    fn draw(self) -> Duration {
        let spread = self.to.saturating_sub(self.from);
        self.from + spread.mul_f64(fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_lies_in_its_range() {
        for _ in 0..100 {
            assert!((3..5).contains(&Drawn { from: 3, to: 5 }.draw()));
        }
        let second = Duration::from_secs(1);
        assert_eq!(Drawn { from: second, to: second }.draw(), second);
    }

    #[tokio::test]
    async fn an_instance_ends_when_it_idles_or_its_requests_take_too_long_and_not_while_it_sends() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        let start = Instant::now();
        let cases = [
            (false, WorkerStatus::Idle, Some(second)),
            (false, WorkerStatus::Requests, Some(minute)),
            (false, WorkerStatus::PostReturn, None),
            (true, WorkerStatus::PostReturn, Some(minute)),
        ];
        for (timed_out, status, expected) in cases {
            let deadline = Expiration::new(second, minute, Arc::new(timed_out.into())).deadline(status, start);
            assert_eq!(deadline, expected.map(|timeout| start + timeout), "{timed_out} {status:?}");
        }
    }

    #[tokio::test]
    async fn an_alarm_that_was_set_too_early_is_set_again() {
        let mut expiration = Box::pin(Expiration::new(Duration::ZERO, Duration::from_secs(60), Arc::default()));
        let now = Instant::now();
        let busy = std::future::poll_fn(|cx| Poll::Ready(expiration.as_mut().poll(cx, WorkerStatus::Requests, now))).await;
        assert!(busy.is_pending());
        std::future::poll_fn(|cx| expiration.as_mut().poll(cx, WorkerStatus::Idle, now)).await;
    }
}
