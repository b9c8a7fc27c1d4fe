//! What a connection is doing: whether it can be closed without interrupting a request.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

/// A peer that neither sends nor reads for as long delays only itself.
const STALLED: Duration = Duration::from_secs(1);

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    /// Whether an order is to be looked for.
    ordered: AtomicBool,
    /// The task of the connection.
    task: AtomicWaker,
}

/// What a connection is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Close at once.
    Close,
    /// Answer the request under way, then close.
    Finish,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// Since when it has been in its phase, or when the last bytes of a body came.
    since: Instant,
    /// Since when the peer takes nothing of what is sent.
    stuck_since: Option<Instant>,
    order: Option<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No request has come whole, up to its body.
    Waiting,
    /// The body of a request is coming.
    Receiving,
    /// A request is answered.
    Working,
}

/// How readily a connection is closed to make room; the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expendable {
    /// No request is under way.
    Idle,
    /// Its peer has stopped while sending or reading.
    Stalled,
}

impl Default for Activity {
    fn default() -> Self {
        let state = State {
            phase: Phase::Waiting,
            since: Instant::now(),
            stuck_since: None,
            order: None,
        };
        Self {
            state: Mutex::new(state),
            ordered: AtomicBool::new(false),
            task: AtomicWaker::new(),
        }
    }
}

impl Activity {
    /// How readily it can be closed, and since when that is so; `None` while a request is under
    /// way.
    pub(super) fn expendable(&self, now: Instant) -> Option<(Expendable, Instant)> {
        let State {
            phase,
            since,
            stuck_since,
            order,
        } = *self.state();
        let stalled = |since: Instant| {
            (now.duration_since(since) >= STALLED).then_some((Expendable::Stalled, since))
        };
        match (order, stuck_since, phase) {
            (Some(Order::Close), ..) | (_, None, Phase::Working) => None,
            (_, Some(stuck_since), _) => stalled(stuck_since),
            (_, None, Phase::Waiting) => Some((Expendable::Idle, since)),
            (_, None, Phase::Receiving) => stalled(since),
        }
    }

    /// Whether it was told to close at once.
    pub(super) fn is_leaving(&self) -> bool {
        self.state().order == Some(Order::Close)
    }

    /// Tells the connection to close at once.
    pub(super) fn dismiss(&self) {
        self.give(Order::Close, |_| true);
    }

    /// Tells the connection to close once no request is under way.
    pub(super) fn finish(&self) {
        self.give(Order::Finish, |state| state.order.is_none());
    }

    /// Tells the connection to close if it has waited for a request since `time` or longer. One
    /// whose request comes at the same moment is still answered.
    pub(super) fn hurry(&self, time: Instant) {
        self.give(Order::Finish, |state| {
            state.order.is_none() && state.phase == Phase::Waiting && state.since <= time
        });
    }

    fn give(&self, order: Order, applies: impl FnOnce(&State) -> bool) {
        let mut state = self.state();
        if applies(&state) {
            state.order = Some(order);
            drop(state);
            self.ordered.store(true, Ordering::Release);
            self.task.wake();
        }
    }

    /// The order, once there is one. It is looked for each time the task of the connection runs, so
    /// it must cost next to nothing.
    pub(super) fn poll_order(&self, context: &Context<'_>) -> Poll<Order> {
        self.task.register(context.waker());
        if !self.ordered.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.state().order.map_or(Poll::Pending, Poll::Ready)
    }

    /// The peer takes nothing since `now`.
    pub(super) fn is_stuck(&self, now: Instant) {
        self.state().stuck_since = Some(now);
    }

    /// The peer reads again.
    pub(super) fn moves_on(&self) {
        self.state().stuck_since = None;
    }

    /// A request has begun; its body, as the router takes it.
    pub(super) fn request(self: &Arc<Self>, body: Incoming) -> Body {
        if body.is_end_stream() {
            self.enter(Phase::Working);
            return Body::new(body);
        }
        self.enter(Phase::Receiving);
        Body::new(RequestBody {
            body,
            activity: Arc::clone(self),
        })
    }

    /// The body of the answer, after which the connection waits for another request.
    pub(super) fn answer(self: &Arc<Self>, body: Body) -> AnswerBody {
        AnswerBody {
            body,
            activity: Arc::clone(self),
        }
    }

    /// A request is under way.
    #[cfg(test)]
    pub(super) fn working(&self) {
        self.enter(Phase::Working);
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request.
struct RequestBody {
    body: Incoming,
    activity: Arc<Activity>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.activity.enter(if frame.is_some() {
            Phase::Receiving
        } else {
            Phase::Working
        });
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        // The answer may have been sent before.
        if state.phase == Phase::Receiving {
            (state.phase, state.since) = (Phase::Working, Instant::now());
        }
    }
}

/// The body of an answer.
pub(super) struct AnswerBody {
    body: Body,
    activity: Arc<Activity>,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.activity.enter(Phase::Waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_expendable_unless_a_request_is_under_way() {
        let activity = Activity::default();
        let how = || activity.expendable(Instant::now()).map(|(how, _)| how);
        let later = || {
            activity
                .expendable(Instant::now() + STALLED)
                .map(|(how, _)| how)
        };
        assert_eq!(how(), Some(Expendable::Idle));
        activity.enter(Phase::Receiving);
        assert_eq!((how(), later()), (None, Some(Expendable::Stalled)));
        activity.enter(Phase::Working);
        assert_eq!((how(), later()), (None, None));
        activity.is_stuck(Instant::now());
        assert_eq!((how(), later()), (None, Some(Expendable::Stalled)));
        activity.moves_on();
        assert_eq!((how(), later()), (None, None));
        activity.enter(Phase::Waiting);
        activity.dismiss();
        assert_eq!(how(), None, "it is leaving already");
    }
}
