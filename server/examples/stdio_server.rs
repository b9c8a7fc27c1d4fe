//! A small MCP server that speaks stdio, for the tests of `vestibule protect -- COMMAND`.

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    handler::server::wrapper::Parameters,
    model::{
        Implementation, ProgressNotificationParam, RequestMetaObject, ServerCapabilities,
        ServerConfig,
    },
    schemars::{self, JsonSchema},
    service::Peer,
    tool, tool_handler, tool_router,
    transport::stdio,
};
use serde::Deserialize;

#[derive(Clone)]
struct Example;

/// What to say again.
#[derive(Deserialize, JsonSchema)]
struct Said {
    /// A text.
    text: String,
}

#[tool_router]
impl Example {
    #[tool(description = "Says the same.")]
    async fn echo(&self, Parameters(Said { text }): Parameters<Said>) -> String {
        text
    }

    #[tool(description = "Says which process this is.")]
    async fn process(&self) -> String {
        std::process::id().to_string()
    }

    #[tool(description = "Tells its progress twice, and ends.")]
    async fn work(
        &self,
        meta: RequestMetaObject,
        peer: Peer<RoleServer>,
    ) -> Result<String, ErrorData> {
        for step in [1.0, 2.0] {
            if let Some(token) = meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, step);
                let _ = peer.notify_progress(progress).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok("done".to_owned())
    }
}

#[tool_handler]
impl ServerHandler for Example {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("stdio-example", "1"))
            .with_instructions("Says the same.")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Example.serve(stdio()).await?.waiting().await?;
    Ok(())
}
