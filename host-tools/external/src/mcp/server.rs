//! A server: its connection, kept alive, and its tools, kept current.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use rmcp::model::{CallToolResult, JsonObject};
use tokio::sync::{Mutex, Notify};

use super::super::answers;
use super::super::error::OutsideError;
use super::super::host::{OutsideProgress, ProgressCallback, Surroundings};
use super::super::trees::{Held, Room, message_tree_max};
use super::connection::{Backoff, CallFailure, Connection};
use super::content;
use super::declaration::ServerPlan;
use super::handler::Handler;
use super::listing::{self, Listed, Listing};
use memex_host_tools::{Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};

/// The shortest time between two looks at a server's list of tools.
const REFRESH_PAUSE: Duration = Duration::from_millis(500);

/// A server in use.
pub(in super::super) struct Server {
    plan: ServerPlan,
    surroundings: Surroundings,
    link: Mutex<Link>,
    listed: RwLock<Vec<Listed>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    backoff: Backoff,
    closed: bool,
}

impl Server {
    /// Connects and lists the tools.
    pub(in super::super) async fn start(
        plan: ServerPlan,
        surroundings: Surroundings,
        progress: ProgressCallback,
    ) -> Result<Arc<Self>, OutsideError> {
        let name = plan.name.clone();
        progress(OutsideProgress::Connecting {
            server: name.clone(),
        });
        let begun = Instant::now();
        let server = Arc::new(Self {
            plan,
            surroundings,
            link: Mutex::new(Link::default()),
            listed: RwLock::new(Vec::new()),
            changed: Arc::new(Notify::new()),
        });
        let limit = server.plan.start_timeout;
        let opened = tokio::time::timeout(limit, server.open())
            .await
            .unwrap_or_else(|_| Err(format!("it was not ready within {} ms", limit.as_millis())));
        let (connection, listing) = opened.map_err(|mut reason| {
            server.surroundings.scrubber.text(&mut reason);
            OutsideError::Server {
                place: server.plan.place.clone(),
                reason,
            }
        })?;
        for (tool, reason) in &listing.skipped {
            progress(OutsideProgress::Skipped {
                server: name.clone(),
                tool: tool.clone(),
                reason: reason.clone(),
            });
        }
        progress(OutsideProgress::Connected {
            server: name,
            tools: listing.tools.len(),
            elapsed: begun.elapsed(),
        });
        server.link.lock().await.connection = Some(connection);
        server.offer(listing);
        tokio::spawn(refresh(Arc::downgrade(&server), server.changed.clone()));
        Ok(server)
    }

    /// The tools as the server lists them now.
    pub(in super::super) fn tools(self: &Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let listed = self.listed.read();
        let tools = listed.iter().map(|listed| {
            let tool: Arc<dyn Tool> = Arc::new(McpTool {
                server: self.clone(),
                listed: listed.clone(),
            });
            tool
        });
        tools.collect()
    }

    /// Ends the connection; later calls fail.
    pub(in super::super) async fn close(&self) {
        let connection = {
            let mut link = self.link.lock().await;
            link.closed = true;
            link.connection.take()
        };
        if let Some(connection) = connection.and_then(Arc::into_inner) {
            connection.close().await;
        }
    }

    async fn open(&self) -> Result<(Arc<Connection>, Listing), String> {
        let handler = Handler {
            changed: self.changed.clone(),
        };
        let connection = Connection::open(&self.plan, &self.surroundings, handler).await?;
        let listing = self.list(&connection).await?;
        Ok((Arc::new(connection), listing))
    }

    /// The server's tools, with nothing of the secrets that it was given.
    async fn list(&self, connection: &Connection) -> Result<Listing, String> {
        let mut listing = listing::list(connection.peer(), &self.plan).await?;
        listing.scrub(&self.surroundings.scrubber);
        Ok(listing)
    }

    fn offer(&self, listing: Listing) {
        *self.listed.write() = listing.tools;
    }

    /// The connection; a new one if it broke, tried once.
    async fn connection(&self, tool: &str) -> Result<Arc<Connection>, ToolError> {
        let mut link = self.link.lock().await;
        match &link.connection {
            Some(connection) if !connection.is_broken() => return Ok(connection.clone()),
            Some(_) => {
                link.connection = None;
                link.backoff.failed();
            }
            None => {}
        }
        let name = &self.plan.name;
        if link.closed {
            return Err(ToolError::new(
                "ConnectionError",
                format!("{tool}: the server `{name}` has been closed"),
            ));
        }
        if let Some(wait) = link.backoff.wait() {
            return Err(ToolError::new(
                "ConnectionError",
                format!(
                    "{tool}: the server `{name}` is not there; it is tried again in {} s",
                    wait.as_secs() + 1
                ),
            ));
        }
        // Counted before it is tried, so that an attempt given up counts too.
        link.backoff.failed();
        let opened = tokio::time::timeout(self.plan.start_timeout, self.open()).await;
        let reason = match opened {
            Ok(Ok((connection, listing))) => {
                link.connection = Some(connection.clone());
                self.offer(listing);
                return Ok(connection);
            }
            Ok(Err(reason)) => reason,
            Err(_) => "it was not ready in time".to_owned(),
        };
        Err(ToolError::new(
            "ConnectionError",
            format!("{tool}: the server `{name}` cannot be reached"),
        )
        .with_detail(reason))
    }

    async fn call(
        self: Arc<Self>,
        tool: &str,
        remote: &str,
        arguments: JsonObject,
    ) -> Result<(CallToolResult, Room), ToolError> {
        let connection = self.connection(tool).await?;
        match connection.call(remote, arguments).await {
            Ok(result) => {
                let mut link = self.link.lock().await;
                link.backoff.succeeded();
                Ok(result)
            }
            Err(CallFailure::Refused(message)) => {
                Err(ToolError::new("RuntimeError", format!("{tool}: {message}")))
            }
            Err(CallFailure::Unexpected) => Err(ToolError::new(
                "RuntimeError",
                format!("{tool}: the server's answer is no result of a tool"),
            )),
            Err(CallFailure::Lost { breach, detail }) => {
                let reason = breach.map_or_else(String::new, |breach| format!(": {breach}"));
                Err(ToolError::new(
                    "ConnectionError",
                    format!(
                        "{tool}: the connection to the server `{}` was lost{reason}",
                        self.plan.name
                    ),
                )
                .with_detail(detail))
            }
        }
    }

    async fn renew(&self) {
        let Some(connection) = self.link.lock().await.connection.clone() else {
            return;
        };
        match tokio::time::timeout(self.plan.start_timeout, self.list(&connection)).await {
            Ok(Ok(listing)) => self.offer(listing),
            Ok(Err(reason)) => {
                tracing::warn!(target: "memex::mcp", server = %self.plan.name, "{reason}");
            }
            Err(_) => {
                tracing::warn!(target: "memex::mcp", server = %self.plan.name, "its tools were not listed in time");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Wakes the task below, which finds nothing and ends.
        self.changed.notify_one();
    }
}

/// Lists the tools anew whenever the server says that they have changed.
async fn refresh(server: Weak<Server>, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        match server.upgrade() {
            Some(server) => server.renew().await,
            None => return,
        }
        tokio::time::sleep(REFRESH_PAUSE).await;
    }
}

/// A tool of a server.
struct McpTool {
    server: Arc<Server>,
    listed: Listed,
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.listed.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let server = self.server.clone();
        let Listed {
            remote,
            spec,
            reading,
        } = self.listed.clone();
        let name: Arc<str> = spec.name.as_str().into();
        let tool = name.clone();
        let message_max_bytes = server.plan.message_max_bytes;
        let work = async move {
            let arguments = answers::plain(&tool, arguments)?;
            let surroundings = server.surroundings.clone();
            let (result, mut room) = server.call(&tool, &remote, arguments).await?;
            let max = message_tree_max(message_max_bytes);
            if let Some(taken) = content::text_bytes(&tool, reading, &result, max)? {
                // Of the two, so that no two calls wait for each other.
                drop(room);
                room = surroundings.trees.room(taken).await;
            }
            let answer = content::answer(&tool, reading, result)?;
            Ok(Held { answer, room })
        };
        self.server
            .surroundings
            .run(context, name, self.server.plan.timeout, work)
    }
}
