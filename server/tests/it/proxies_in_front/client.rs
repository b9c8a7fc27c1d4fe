//! The official Rust client in front of the proxies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ClientHandler, RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, ClientConfig, ProgressNotificationParam,
        ProtocolVersion,
    },
    service::{
        ClientLifecycleMode, ClientServiceExt as _, NotificationContext, PeerRequestOptions,
        RunningService,
    },
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};

use super::Setting;

/// The official client, which counts what it is told of progress.
#[derive(Clone, Default)]
struct Listening(Arc<AtomicUsize>);

impl ClientHandler for Listening {
    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::default()
    }
}

type Connected = RunningService<RoleClient, Listening>;

async fn connect(
    setting: &Setting,
    token: &str,
    lifecycle: ClientLifecycleMode,
) -> Option<Connected> {
    let mcp = format!("{}/mcp", setting.front);
    let config = StreamableHttpClientTransportConfig::with_uri(mcp).auth_header(token);
    let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
    let client = Listening::default().serve_with_lifecycle(transport, lifecycle);
    client.await.ok()
}

/// By the revision that says what it calls.
async fn connected(setting: &Setting, scope: &str) -> Connected {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions };
    let tokens = setting.tokens(scope).await;
    let client = connect(setting, &tokens.access, lifecycle).await;
    client.expect("connected")
}

pub(super) async fn the_official_client_calls_tools(setting: &Setting) {
    let client = connected(setting, "notes:read").await;
    let tools = client.list_all_tools().await.expect("tools");
    assert_eq!(tools.len(), 3);
    let answer = client.call_tool(CallToolRequestParams::new("whoami")).await;
    let answer = format!("{:?}", answer.expect("an answer"));
    assert!(answer.contains("acct_"), "{answer}");
    let refused = client
        .call_tool(CallToolRequestParams::new("add_note"))
        .await;
    let refused = format!("{:?}", refused.expect_err("403"));
    assert!(
        refused.contains("InsufficientScope") && refused.contains("notes:read notes:write"),
        "{refused}"
    );
    client.cancel().await.expect("it ends");
    let client = connected(setting, "notes:read notes:write").await;
    let added = client
        .call_tool(CallToolRequestParams::new("add_note"))
        .await;
    assert!(format!("{:?}", added.expect("an answer")).contains("added"));
    client.cancel().await.expect("it ends");
    // A client of an earlier revision does not say what it calls.
    let tokens = setting.tokens("notes:read notes:write").await;
    let earlier = connect(setting, &tokens.access, ClientLifecycleMode::Initialize).await;
    assert!(earlier.is_none());
}

/// A call hears of its progress at once, and ends in the server behind when the client cancels it.
pub(super) async fn the_official_client_cancels_a_call(setting: &Setting) {
    let client = connected(setting, "notes:read").await;
    let call = CallToolRequest::new(CallToolRequestParams::new("wait"));
    let call = client.send_cancellable_request(call.into(), PeerRequestOptions::no_options());
    let call = call.await.expect("sent");
    until("progress", || {
        client.service().0.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(setting.open.load(Ordering::SeqCst), 1);
    call.cancel(None).await.expect("cancelled");
    until("the end of the call", || {
        setting.open.load(Ordering::SeqCst) == 0
    })
    .await;
    client.cancel().await.expect("it ends");
}

async fn until(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..250 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {what}");
}
