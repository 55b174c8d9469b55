//! The host as servers see it.

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{NotificationContext, RoleClient};
use tokio::sync::Notify;

/// It offers nothing; what a server asks is answered before it comes here
/// ([`Guarded`](super::guarded::Guarded)).
pub(super) struct Handler {
    /// Told when the server's tools have changed.
    pub(super) changed: Arc<Notify>,
}

impl ClientHandler for Handler {
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
