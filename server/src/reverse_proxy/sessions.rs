//! Whose session is whose, in front of a server that is not told: one user cannot use the session of
//! another (R-P12), nor take all the room.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use access_token::{Bearer, Claims};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::answer::Fault;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";
/// How many sessions a user may have at once.
const MOST_OF_ONE: usize = 8;
/// A session without requests has ended by then.
const IDLE: Duration = Duration::from_mins(5);

/// The sessions of a server, with their owners. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Vec<Session>>>);

struct Session {
    id: String,
    /// The user and the client.
    owner: [String; 2],
    used: Instant,
}

/// Lets a request through that begins a session, or is for one of its sender.
pub(super) async fn of_their_own(
    State(sessions): State<Sessions>,
    Bearer(claims): Bearer,
    request: Request,
    next: Next,
) -> Response {
    let owner = owner(&claims);
    let ends = request.method() == Method::DELETE;
    let Some(id) = session(request.headers()) else {
        if sessions.count(&owner, Instant::now()) >= MOST_OF_ONE {
            return Fault::Busy.response();
        }
        let response = next.run(request).await;
        if let Some(id) = session(response.headers()) {
            sessions.begin(id, owner, Instant::now());
        }
        return response;
    };
    if !sessions.use_by(&id, &owner, Instant::now()) {
        return Fault::NoSession.response();
    }
    let response = next.run(request).await;
    if ends && response.status().is_success() {
        sessions.end(&id, Instant::now());
    }
    response
}

fn owner(claims: &Claims) -> [String; 2] {
    [claims.sub.clone(), claims.client_id.clone()]
}

fn session(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION)?.to_str().ok().map(str::to_owned)
}

impl Sessions {
    /// Those that have not ended.
    fn live(&self, now: Instant) -> MutexGuard<'_, Vec<Session>> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| now.duration_since(session.used) < IDLE);
        sessions
    }

    /// How many a user has, whatever the client.
    fn count(&self, [user, _]: &[String; 2], now: Instant) -> usize {
        let sessions = self.live(now);
        let own = sessions.iter().filter(|session| session.owner[0] == *user);
        own.count()
    }

    fn begin(&self, id: String, owner: [String; 2], used: Instant) {
        self.live(used).push(Session { id, owner, used });
    }

    /// Whether a session may be used: one that is unknown is for the server to refuse.
    fn use_by(&self, id: &str, owner: &[String; 2], now: Instant) -> bool {
        let mut sessions = self.live(now);
        let Some(session) = sessions.iter_mut().find(|session| session.id == id) else {
            return true;
        };
        let is_own = session.owner == *owner;
        if is_own {
            session.used = now;
        }
        is_own
    }

    fn end(&self, id: &str, now: Instant) {
        self.live(now).retain(|session| session.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: &str) -> [String; 2] {
        [user.to_owned(), "client".to_owned()]
    }

    #[test]
    fn a_session_is_its_owners_until_it_ends() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let almost = start + IDLE - Duration::from_secs(1);
        sessions.begin("one".to_owned(), of("alice"), start);
        assert!(sessions.use_by("one", &of("alice"), start));
        assert!(!sessions.use_by("one", &of("bob"), start));
        let other_client = ["alice".to_owned(), "other".to_owned()];
        assert!(!sessions.use_by("one", &other_client, start));
        assert!(sessions.use_by("unknown", &of("bob"), start));
        assert!(sessions.use_by("one", &of("alice"), almost));
        let end = almost + IDLE;
        assert_eq!(
            sessions.count(&of("alice"), end - Duration::from_secs(1)),
            1
        );
        assert_eq!(sessions.count(&of("bob"), start), 0);
        assert_eq!(sessions.count(&of("alice"), end), 0);
        sessions.begin("two".to_owned(), of("alice"), end);
        sessions.end("two", end);
        assert_eq!(sessions.count(&of("alice"), end), 0);
    }
}
