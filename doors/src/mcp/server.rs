//! The server: which tools there are, and who answers them.

use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::mpsc;

use super::calls::{Call, result};
use super::definitions::{instructions, tools};
use super::progress::{PIECES_MAX, tell};
use crate::scopes::Scopes;

/// The name of the server.
pub const SERVER_NAME: &str = "memex";
/// The session of a client of standard streams that names none.
const MAIN: &str = "main";

/// What answers one client.
pub struct Server {
    scopes: Scopes,
    session: String,
    /// The session has a name that the client did not choose, and was not told.
    is_untold: AtomicBool,
}

impl Server {
    /// Answers the only client; calls that name no session are for the session `main`.
    #[must_use]
    pub fn alone(scopes: Scopes) -> Self {
        Self {
            scopes,
            session: MAIN.to_owned(),
            is_untold: AtomicBool::new(false),
        }
    }

    /// Answers one client of many, whose calls that name no session are for one that nobody
    /// else can name. Its first result says the name, for protocols in which every request
    /// is a connection.
    #[must_use]
    pub fn among_others(scopes: Scopes) -> Self {
        let mut bytes = [0; 12];
        let session = match getrandom::fill(&mut bytes) {
            Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            // A system without random bytes: the client has to name a session.
            Err(_) => String::new(),
        };
        Self {
            scopes,
            session,
            is_untold: AtomicBool::new(true),
        }
    }

    fn note(&self) -> Option<String> {
        let is_untold = self.is_untold.swap(false, Ordering::SeqCst);
        is_untold.then(|| format!("[session_id: {}]", self.session))
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(SERVER_NAME, env!("CARGO_PKG_VERSION")))
            .with_instructions(instructions(&self.scopes))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools(&self.scopes)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let arguments = request.arguments.unwrap_or_default();
        let names_none = name == "python"
            && arguments
                .get("session_id")
                .is_none_or(|session| session.is_null());
        let call = Call {
            scopes: &self.scopes,
            session: &self.session,
            note: names_none.then(|| self.note()).flatten(),
            arguments,
        };
        let told = match name {
            "python" => match context.meta.get_progress_token() {
                None => call.python(None, context.ct).await,
                Some(token) => {
                    let (sender, receiver) = mpsc::channel(PIECES_MAX);
                    let telling = tell(context.peer.clone(), token, receiver);
                    tokio::join!(call.python(Some(sender), context.ct), telling).0
                }
            },
            "fork" => call.fork().await,
            "reset" => call.reset().await,
            "list_files" => call.list_files().await,
            "read_file" => call.read_file().await,
            "write_file" => call.write_file().await,
            other => {
                let other: String = other.chars().take(100).collect();
                let what = format!("there is no tool {other:?}");
                return Err(ErrorData::invalid_params(what, None));
            }
        };
        Ok(result(told).into())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
