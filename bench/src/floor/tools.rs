//! An MCP server with one tool: rmcp by streamable HTTP, without sessions, as it comes.

use std::sync::Arc;

use rmcp::{
    ServerHandler,
    handler::server::wrapper::Parameters,
    model::{ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    serde::{self, Deserialize},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};

#[derive(Clone)]
pub(super) struct Tools;

/// What to say again.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde")]
struct Said {
    /// A text.
    text: String,
}

#[tool_router]
impl Tools {
    #[tool(description = "Says the same.")]
    async fn echo(&self, Parameters(Said { text }): Parameters<Said>) -> String {
        text
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

pub(super) fn service() -> StreamableHttpService<Tools, NeverSessionManager> {
    StreamableHttpService::new(
        || Ok(Tools),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default().with_legacy_session_mode(false),
    )
}
