//! The server behind the proxies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header, request::Parts};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::common::Extension,
    model::{ProgressNotificationParam, ServerCapabilities, ServerConfig},
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};

/// An MCP server without any protection, and two queries that show what arrives and how.
pub(super) fn unprotected(open: &Arc<AtomicUsize>) -> Router {
    let count = Arc::clone(open);
    let service = StreamableHttpService::new(
        move || Ok(Unprotected(Arc::clone(&count))),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default().with_legacy_session_mode(false),
    );
    let behind = (service, Arc::clone(open));
    Router::new().route("/mcp", any(answer).with_state(behind))
}

type Behind = (
    StreamableHttpService<Unprotected, NeverSessionManager>,
    Arc<AtomicUsize>,
);

async fn answer(State((service, open)): State<Behind>, request: Request) -> Response {
    match request.uri().query() {
        Some("echo") => echo(request.headers()).into_response(),
        Some("stream") => slow_stream(&open).into_response(),
        _ => service.handle(request).await.into_response(),
    }
}

fn echo(headers: &HeaderMap) -> String {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = headers.iter();
    let all: Vec<_> = all
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    serde_json::to_string(&all).expect("JSON")
}

/// Counts the streams that are open.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn one(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Three events, a second apart.
fn slow_stream(open: &Arc<AtomicUsize>) -> ([(header::HeaderName, &'static str); 1], Body) {
    let open = Open::one(open);
    let events = stream::unfold((0, open), async |(count, open)| {
        if count > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let event = Bytes::from(format!("data: {count}\n\n"));
        (count < 3).then_some((Ok::<_, std::io::Error>(event), (count + 1, open)))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events))
}

/// With the number of its open streams.
#[derive(Clone)]
struct Unprotected(Arc<AtomicUsize>);

#[tool_router]
impl Unprotected {
    #[tool(description = "Says who the proxy says you are.")]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        let subject = parts.headers.get("vestibule-subject");
        let subject = subject.and_then(|subject| subject.to_str().ok());
        Ok(subject.unwrap_or("nobody").to_owned())
    }

    #[tool(description = "Adds a note.")]
    async fn add_note(&self) -> Result<String, ErrorData> {
        Ok("added".to_owned())
    }

    #[tool(description = "Tells its progress, and waits until nobody listens.")]
    async fn wait(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let _open = Open::one(&self.0);
        let token = context.meta.get_progress_token().expect("a token");
        let progress = ProgressNotificationParam::new(token, 1.0);
        context.peer.notify_progress(progress).await.expect("told");
        context.ct.cancelled().await;
        Ok("nobody reads this".to_owned())
    }
}

#[tool_handler]
impl ServerHandler for Unprotected {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}
