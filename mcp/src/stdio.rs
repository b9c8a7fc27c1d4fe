//! A server behind that speaks stdio: a process for each session, through `rmcp`.
//!
//! What comes over HTTP is handed to the process, and what the process asks or tells is handed back,
//! as it is: nothing here knows a tool.

use std::{
    borrow::Cow,
    collections::HashMap,
    io,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use rmcp::{
    ErrorData, RoleClient, RoleServer, ServerHandler, Service, ServiceError, ServiceExt as _,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResponse, CallToolResult, ClientConfig,
        ClientNotification, ClientRequest, ClientResult, CompleteRequest, CompleteRequestParams,
        CompleteResult, CustomNotification, CustomRequest, CustomResult, Extensions,
        GetPromptRequest, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
        InitializeRequestParams, InitializeResult, ListPromptsRequestMethod, ListPromptsResult,
        ListResourceTemplatesRequestMethod, ListResourceTemplatesResult,
        ListResourcesRequestMethod, ListResourcesResult, ListToolsRequestMethod, ListToolsResult,
        PaginatedRequestParams, ProgressNotification, ProgressNotificationParam, ProgressToken,
        ProtocolVersion, ReadResourceRequest, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, RequestOptionalParam, RootsListChangedNotification, ServerNotification,
        ServerRequest, SetLevelRequest, SetLevelRequestParams, SubscribeRequest,
        SubscribeRequestParams, UnsubscribeRequest, UnsubscribeRequestParams,
    },
    service::{NotificationContext, Peer, PeerRequestOptions, RequestContext, RunningService},
    transport::{
        TokioChildProcess,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
        },
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    process::Command,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// How many processes run at once.
const MOST_PROCESSES: usize = 64;
/// How long a process may take to begin.
const START: Duration = Duration::from_secs(30);

/// How the variables of our settings begin.
const SETTINGS: &[u8] = b"VESTIBULE_";

/// How long the last progress of a request may take to pass.
const GRACE: Duration = Duration::from_millis(10);

/// The service that gives each session a process of this program with these arguments. A message has
/// at most `largest_message` bytes. Sessions without requests end after five minutes. Host and Origin
/// must be checked in front of it.
pub fn service(command: &[String], largest_message: usize) -> Router {
    let command: Arc<[String]> = command.into();
    let room = Arc::new(Semaphore::new(MOST_PROCESSES));
    let bridge = move || {
        let permit = Arc::clone(&room).try_acquire_owned();
        let permit = permit.map_err(|_| io::Error::other("there are too many sessions"))?;
        Ok(Bridge {
            command: Arc::clone(&command),
            has_begun: AtomicBool::new(false),
            process: OnceLock::new(),
            progress: Arc::default(),
            _permit: permit,
        })
    };
    let configuration = StreamableHttpServerConfig::default()
        .with_allowed_hosts(["localhost"])
        .with_max_request_body_bytes(largest_message);
    let sessions = Arc::<LocalSessionManager>::default();
    let service = StreamableHttpService::new(bridge, sessions, configuration);
    Router::new().fallback_service(service)
}

/// The tokens by which a process tells its progress, and those by which the client knows it.
type Progress = Arc<Mutex<HashMap<ProgressToken, ProgressToken>>>;

/// A session over HTTP, and its process.
struct Bridge {
    command: Arc<[String]>,
    /// Whether the client has begun: a session has one process.
    has_begun: AtomicBool,
    /// The process, once the client has begun.
    process: OnceLock<RunningService<RoleClient, Backward>>,
    progress: Progress,
    _permit: OwnedSemaphorePermit,
}

impl Bridge {
    /// Starts the process in the name of the client.
    async fn begin(
        &self,
        client: InitializeRequestParams,
        peer: Peer<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.has_begun.swap(true, Ordering::SeqCst) {
            return Err(ErrorData::invalid_request(
                "the session was already initialized",
                None,
            ));
        }
        let backward = Backward {
            client,
            peer,
            progress: Arc::clone(&self.progress),
        };
        let started = async {
            let process = TokioChildProcess::builder(self.command()).stderr(Stdio::inherit());
            let (transport, _) = process.spawn().map_err(|error| error.to_string())?;
            let served = backward.serve(transport).await;
            served.map_err(|error| error.to_string())
        };
        let process = match timeout(START, started).await {
            Ok(Ok(process)) => process,
            Ok(Err(error)) => {
                tracing::warn!(%error, program = ?self.command.first(), "the MCP server does not start");
                return Err(failed());
            }
            Err(_) => {
                tracing::warn!(program = ?self.command.first(), "the MCP server takes too long to start");
                return Err(failed());
            }
        };
        let info = process.peer_info().ok_or_else(failed)?;
        let mut result = InitializeResult::new(info.capabilities.clone())
            .with_protocol_version(info.protocol_version.clone());
        if let Some(server) = &info.server_info {
            result = result.with_server_info(server.clone());
        }
        result.instructions.clone_from(&info.instructions);
        result.meta.clone_from(&info.meta);
        self.process.set(process).map_err(|_| failed())?;
        Ok(result)
    }

    fn command(&self) -> Command {
        let mut parts = self.command.iter();
        let mut command = Command::new(parts.next().map(String::as_str).unwrap_or_default());
        command.args(parts).kill_on_drop(true);
        // Our settings may have secrets: the sealing key, the password of the store.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.as_encoded_bytes().starts_with(SETTINGS)) {
            command.env_remove(name);
        }
        command
    }

    fn process(&self) -> Result<&Peer<RoleClient>, ErrorData> {
        let process = self.process.get();
        process
            .map(RunningService::peer)
            .ok_or_else(|| ErrorData::invalid_request("the session has not been initialized", None))
    }
}

impl Bridge {
    /// Sends a request to the process, and waits for its result.
    async fn ask<T: DeserializeOwned>(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<T, ErrorData> {
        let asked = context.meta.get_progress_token();
        let mut options = PeerRequestOptions::no_options();
        options.meta = Some(context.meta);
        let process = self.process()?;
        let sent = process.send_cancellable_request(request, options).await;
        let mut sent = sent.map_err(|error| unsent(&error))?;
        let own = sent.progress_token.clone();
        let tells = asked.is_some();
        if let Some(asked) = asked {
            self.progress().insert(own.clone(), asked);
        }
        let result = tokio::select! {
            result = &mut sent.rx => result.unwrap_or(Err(ServiceError::TransportClosed)),
            () = context.ct.cancelled() => {
                let _ = sent.cancel(None).await;
                Err(ServiceError::Cancelled { reason: None })
            }
        };
        if tells {
            // What the process told before its result is still on its way: rmcp hands each message
            // to a task of its own.
            sleep(GRACE).await;
            self.progress().remove(&own);
        }
        let result = result.map_err(|error| unsent(&error))?;
        let result = serde_json::to_value(result).and_then(serde_json::from_value);
        result.map_err(|_| {
            ErrorData::internal_error("the MCP server sent an unexpected response", None)
        })
    }

    async fn tell(&self, notification: ClientNotification) {
        if let Ok(process) = self.process() {
            let _ = process.send_notification(notification).await;
        }
    }
}

/// Methods of [`ServerHandler`] that hand a request on: name, parameters, how they become the
/// request, result of the process, result of the method.
macro_rules! hand_on {
    ($($method:ident($params:ty) by $request:expr, $result:ty => $answer:ty;)+) => { $(
        async fn $method(
            &self,
            params: $params,
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            let request = $request(params);
            let result: $result = self.ask(request.into(), context).await?;
            Ok(result.into())
        }
    )+ };
}

/// A request whose parameters may be absent.
fn optional<M: Default, P>(params: Option<P>) -> RequestOptionalParam<M, P> {
    RequestOptionalParam {
        method: M::default(),
        params,
        extensions: Extensions::default(),
    }
}

/// The answer to a request that is only acknowledged.
#[derive(Deserialize)]
struct Done {}

impl From<Done> for () {
    fn from(_: Done) {}
}

impl ServerHandler for Bridge {
    async fn initialize(
        &self,
        client: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(client.clone());
        self.begin(client, context.peer).await
    }

    hand_on! {
        complete(CompleteRequestParams) by CompleteRequest::new, CompleteResult => CompleteResult;
        set_level(SetLevelRequestParams) by SetLevelRequest::new, Done => ();
        get_prompt(GetPromptRequestParams) by GetPromptRequest::new, GetPromptResult => GetPromptResponse;
        list_prompts(Option<PaginatedRequestParams>)
            by optional::<ListPromptsRequestMethod, _>, ListPromptsResult => ListPromptsResult;
        list_resources(Option<PaginatedRequestParams>)
            by optional::<ListResourcesRequestMethod, _>, ListResourcesResult => ListResourcesResult;
        list_resource_templates(Option<PaginatedRequestParams>)
            by optional::<ListResourceTemplatesRequestMethod, _>,
            ListResourceTemplatesResult => ListResourceTemplatesResult;
        read_resource(ReadResourceRequestParams)
            by ReadResourceRequest::new, ReadResourceResult => ReadResourceResponse;
        subscribe(SubscribeRequestParams) by SubscribeRequest::new, Done => ();
        unsubscribe(UnsubscribeRequestParams) by UnsubscribeRequest::new, Done => ();
        call_tool(CallToolRequestParams) by CallToolRequest::new, CallToolResult => CallToolResponse;
        list_tools(Option<PaginatedRequestParams>)
            by optional::<ListToolsRequestMethod, _>, ListToolsResult => ListToolsResult;
        on_custom_request(CustomRequest) by std::convert::identity, CustomResult => CustomResult;
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleServer>,
    ) {
        self.tell(ProgressNotification::new(params).into()).await;
    }

    async fn on_roots_list_changed(&self, _: NotificationContext<RoleServer>) {
        self.tell(RootsListChangedNotification::default().into())
            .await;
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        _: NotificationContext<RoleServer>,
    ) {
        self.tell(notification.into()).await;
    }

    /// Without revisions that have no sessions, in which each request would get a process.
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let versions = ProtocolVersion::KNOWN_VERSIONS.iter();
        let with_sessions = versions.filter(|version| version.has_initialize());
        with_sessions.cloned().collect()
    }
}

impl Bridge {
    fn progress(&self) -> MutexGuard<'_, HashMap<ProgressToken, ProgressToken>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the process asks and tells, on its way to the client.
struct Backward {
    client: ClientConfig,
    peer: Peer<RoleServer>,
    progress: Progress,
}

impl Backward {
    /// A notification as the client understands it; `None` for one that is not for it.
    fn for_client(&self, notification: ServerNotification) -> Option<ServerNotification> {
        match notification {
            // The client gives up its own requests, by its own numbers.
            ServerNotification::CancelledNotification(_) => None,
            ServerNotification::ProgressNotification(mut progress) => {
                let tokens = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
                let asked = tokens.get(&progress.params.progress_token)?;
                progress.params.progress_token = asked.clone();
                Some(ServerNotification::ProgressNotification(progress))
            }
            other => Some(other),
        }
    }
}

impl Service<RoleClient> for Backward {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        let mut options = PeerRequestOptions::no_options();
        options.meta = Some(context.meta);
        let sent = self.peer.send_cancellable_request(request, options).await;
        let mut sent = sent.map_err(|error| unsent(&error))?;
        let result = tokio::select! {
            result = &mut sent.rx => result.unwrap_or(Err(ServiceError::TransportClosed)),
            () = context.ct.cancelled() => {
                let _ = sent.cancel(None).await;
                Err(ServiceError::Cancelled { reason: None })
            }
        };
        result.map_err(|error| unsent(&error))
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        let Some(notification) = self.for_client(notification) else {
            return Ok(());
        };
        let sent = self.peer.send_notification(notification).await;
        sent.map_err(|error| unsent(&error))
    }

    fn get_info(&self) -> ClientConfig {
        self.client.clone()
    }
}

fn failed() -> ErrorData {
    ErrorData::internal_error("the MCP server does not start", None)
}

/// An error of the other side goes on as it is.
fn unsent(error: &ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error.clone(),
        ServiceError::Cancelled { .. } => {
            ErrorData::internal_error("the request was canceled", None)
        }
        _ => ErrorData::internal_error("the MCP server does not respond", None),
    }
}
