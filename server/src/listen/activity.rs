//! What a connection is doing: whether it can be closed without interrupting a request.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{sync::Notify, time::Instant};

/// A peer that neither sends nor reads for as long delays only itself.
const STALLED: Duration = Duration::from_secs(1);

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    dismissed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// Since when it has been in its phase, or when the last bytes of a body came.
    since: Instant,
    /// Since when the peer takes nothing of what is sent.
    stuck_since: Option<Instant>,
    leaving: bool,
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
            leaving: false,
        };
        Self {
            state: Mutex::new(state),
            dismissed: Notify::new(),
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
            leaving,
        } = *self.state();
        let stalled = |since: Instant| {
            (now.duration_since(since) >= STALLED).then_some((Expendable::Stalled, since))
        };
        match (leaving, stuck_since, phase) {
            (true, ..) | (_, None, Phase::Working) => None,
            (_, Some(stuck_since), _) => stalled(stuck_since),
            (_, None, Phase::Waiting) => Some((Expendable::Idle, since)),
            (_, None, Phase::Receiving) => stalled(since),
        }
    }

    /// Whether it was told to close already.
    pub(super) fn is_leaving(&self) -> bool {
        self.state().leaving
    }

    /// Tells the connection to close.
    pub(super) fn dismiss(&self) {
        self.state().leaving = true;
        self.dismissed.notify_one();
    }

    /// Waits until it is told to close.
    pub(super) async fn dismissed(&self) {
        self.dismissed.notified().await;
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
