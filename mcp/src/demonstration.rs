//! The demonstration MCP server: two tools, built as any Rust MCP server would be.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use access_token::Claims;
use axum::Router;
use http::request::Parts;
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{
        common::Extension,
        wrapper::{Json, Parameters},
    },
    model::{Implementation, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::{Deserialize, Serialize};
use url::Url;

/// What every request needs.
pub const READ: &str = "notes:read";
/// What `add_note` needs besides.
pub const WRITE: &str = "notes:write";

/// The largest message, in bytes.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
const MAX_NOTE_BYTES: usize = 1000;
const MAX_NOTES: usize = 50;
const MAX_USERS: usize = 200;

/// The server at the root of a router. The hosts of `issuer` and of this machine may be named in Host
/// and Origin. [`Claims`] are expected among the extensions of a request, as the layer
/// `access_token::RequireToken` leaves them.
pub fn service(issuer: &Url) -> Router {
    let notes = Arc::new(Notes::default());
    let new_server = move || {
        Ok(Demonstration {
            notes: Arc::clone(&notes),
        })
    };
    let service = StreamableHttpService::new(
        new_server,
        Arc::new(NeverSessionManager::default()),
        transport(issuer),
    );
    Router::new().route_service("/", service)
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const LOOPBACK_ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

/// No sessions: nothing here outlives a request, and a session id that is no authentication cannot
/// be taken for one (R-P12).
fn transport(issuer: &Url) -> StreamableHttpServerConfig {
    let loopback = LOOPBACK.map(str::to_owned);
    let loopback_origins = LOOPBACK_ORIGINS.map(str::to_owned);
    let host = issuer
        .host_str()
        .map(|host| host.trim_matches(['[', ']']).to_owned());
    let origin = origin_with_port(issuer);
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_REQUEST_BYTES)
        .with_allowed_hosts(loopback.into_iter().chain(host))
        .with_allowed_origins(loopback_origins.into_iter().chain(origin))
}

fn origin_with_port(issuer: &Url) -> Option<String> {
    let (host, port) = issuer.host_str().zip(issuer.port_or_known_default())?;
    Some(format!("{}://{host}:{port}", issuer.scheme()))
}

#[derive(Clone)]
struct Demonstration {
    notes: Arc<Notes>,
}

/// Who is calling, as the access token says.
#[derive(Serialize, JsonSchema)]
struct Caller {
    /// The user.
    sub: String,
    /// The client that holds the token.
    client_id: String,
    /// The scopes, with spaces between them.
    scope: String,
}

/// A note to keep.
#[derive(Deserialize, JsonSchema)]
struct NewNote {
    /// What to remember, at most 1000 bytes.
    text: String,
}

/// What became of the note.
#[derive(Serialize, JsonSchema)]
struct Noted {
    /// The number of notes of the user. Beyond 50, the oldest is removed.
    notes: usize,
}

#[tool_router]
impl Demonstration {
    #[tool(
        description = "Shows how this server identifies you: your account, the client and the scopes of your access token."
    )]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> Result<Json<Caller>, ErrorData> {
        let Claims {
            sub,
            client_id,
            scope,
            ..
        } = claims(parts)?;
        Ok(Json(Caller {
            sub,
            client_id,
            scope,
        }))
    }

    #[tool(
        description = "Saves a note until the server stops, and returns how many notes you have. Requires the scope notes:write."
    )]
    async fn add_note(
        &self,
        Extension(parts): Extension<Parts>,
        Parameters(NewNote { text }): Parameters<NewNote>,
    ) -> Result<Result<Json<Noted>, String>, ErrorData> {
        let caller = claims(parts)?;
        // The step-up layer already refused such a call; this check does not rely on it.
        if !caller.has_scope(WRITE) {
            let have = caller.scope;
            return Ok(Err(format!(
                "Adding a note requires the scope {WRITE}. Your access token has: {have}."
            )));
        }
        if text.len() > MAX_NOTE_BYTES {
            return Ok(Err(format!(
                "A note can have at most {MAX_NOTE_BYTES} bytes."
            )));
        }
        Ok(Ok(Json(Noted {
            notes: self.notes.add(caller.sub, text),
        })))
    }
}

#[tool_handler]
impl ServerHandler for Demonstration {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("vestibule-demonstration", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(about.with_title("Vestibule demonstration"))
            .with_instructions("A demonstration server with two tools: whoami, and add_note, which requires the scope notes:write.")
    }
}

/// What the layer that checks tokens left in the request.
fn claims(mut parts: Parts) -> Result<Claims, ErrorData> {
    parts
        .extensions
        .remove()
        .ok_or_else(|| ErrorData::internal_error("the request was not authenticated", None))
}

/// Notes by user, bounded in every direction (10 MB in all).
#[derive(Default)]
struct Notes(Mutex<NotesByUser>);

#[derive(Default)]
struct NotesByUser {
    additions: u64,
    users: HashMap<String, UserNotes>,
}

#[derive(Default)]
struct UserNotes {
    last: u64,
    notes: VecDeque<String>,
}

impl Notes {
    /// How many notes the user has then. Beyond the maximum number of users, the one whose last note is the
    /// oldest is forgotten.
    fn add(&self, user: String, text: String) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.users.len() >= MAX_USERS && !all.users.contains_key(&user) {
            let oldest = all
                .users
                .iter()
                .min_by_key(|(_, own)| own.last)
                .map(|(user, _)| user.clone());
            oldest.map(|user| all.users.remove(&user));
        }
        all.additions += 1;
        let now = all.additions;
        let own = all.users.entry(user).or_default();
        own.last = now;
        own.notes.push_back(text);
        if own.notes.len() > MAX_NOTES {
            own.notes.pop_front();
        }
        own.notes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stay_bounded() {
        let notes = Notes::default();
        for _ in 0..MAX_NOTES {
            notes.add("ada".into(), "one".into());
        }
        assert_eq!(notes.add("ada".into(), "more".into()), MAX_NOTES);
        for user in 0..MAX_USERS {
            notes.add(user.to_string(), "one".into());
        }
        assert_eq!(notes.0.lock().expect("whole").users.len(), MAX_USERS);
        assert_eq!(
            notes.add("ada".into(), "again".into()),
            1,
            "the one silent for longest was forgotten"
        );
    }
}
