//! What the host answers when a server turns to it.
#![expect(
    deprecated,
    reason = "servers of older protocol versions still ask for roots and write logs"
)]

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ErrorCode, ErrorData,
    Implementation, ListRootsResult, LoggingMessageNotificationParam,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use tokio::sync::Notify;

use crate::scrubbing::Scrubber;

/// The longest message of a server that goes to the host's log.
const LOG_MESSAGE_MAX_BYTES: usize = 4 << 10;

/// The host as servers see it: it offers nothing. What is not answered here,
/// sampling above all, the library answers as unsupported.
pub(super) struct Handler {
    pub(super) server: Arc<str>,
    /// Told when the server's tools have changed.
    pub(super) changed: Arc<Notify>,
    pub(super) scrubber: Arc<Scrubber>,
}

fn unsupported(method: &'static str) -> ErrorData {
    ErrorData::new(
        ErrorCode::METHOD_NOT_FOUND,
        format!("{method} is not supported by this client"),
        None,
    )
}

impl ClientHandler for Handler {
    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Err(unsupported("roots/list"))
    }

    async fn create_elicitation(
        &self,
        _params: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Err(unsupported("elicitation/create"))
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let mut text = params.data.to_string();
        self.scrubber.text(&mut text);
        let end = text.floor_char_boundary(LOG_MESSAGE_MAX_BYTES);
        text.truncate(end);
        tracing::info!(target: "memex::mcp", server = %self.server, "{text}");
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("memex", env!("CARGO_PKG_VERSION")),
        )
    }
}
