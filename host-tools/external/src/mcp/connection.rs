//! One connection to a server, and when a new one may be tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, CancelledNotificationParam,
    ClientRequest, JsonObject, RequestId, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, Peer, PeerRequestOptions, RequestHandle, RoleClient, RunningService,
};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, Transport};
use rmcp::{ServiceError, ServiceExt};
use tokio::runtime::Handle;

use super::super::client::ReqwestClient;
use super::super::host::Surroundings;
use super::super::process::{Process, RunningProcess};
use super::super::trees::Room;
use super::declaration::{Address, ServerPlan};
use super::guarded::{Breach, Breached, Claims, Guarded};
use super::handler::Handler;
use super::http::Client;
use super::repairing::Repaired;
use super::resuming::{self, BACKOFF_MAX};
use super::streams::{BoundedLines, Log};

const BACKOFF_START: Duration = Duration::from_secs(1);
/// How long a server may take for being told that a call is given up.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a server may take to end by itself.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection on which the handshake is done.
pub(super) struct Connection {
    service: RunningService<RoleClient, Handler>,
    /// Ended, with what it has started, when the connection is dropped.
    process: Option<RunningProcess>,
    log: Arc<Log>,
    /// Whether the host has ended it.
    breached: Breached,
    claims: Claims,
    broken: AtomicBool,
}

/// Why a call on a connection has no result.
pub(super) enum CallFailure {
    /// The server refuses the call.
    Refused(String),
    /// The server answers something else.
    Unexpected,
    /// There is no connection any more.
    Lost {
        /// Why, if the host has ended it.
        breach: Option<Breach>,
        /// For the host's log: it may name addresses.
        detail: String,
    },
}

/// A server's text as a part of a line: it can begin no line of a message.
fn in_a_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

impl Connection {
    pub(super) async fn open(
        plan: &ServerPlan,
        surroundings: &Surroundings,
        handler: Handler,
    ) -> Result<Self, String> {
        match &plan.address {
            Address::Process(process) => Self::start(plan, process, surroundings, handler).await,
            Address::Endpoint { url, headers } => {
                let client = ReqwestClient::new().map_err(|error| error.to_string())?;
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .custom_headers(headers.clone())
                    .max_sse_event_size(plan.message_max_bytes);
                // Messages wait in the servers' streams, not here.
                config.channel_buffer_capacity = 1;
                config.retry_config = resuming::policy();
                let breached = Breached::default();
                let client = Client::new(client.inner(), plan.message_max_bytes, breached.clone());
                let transport = StreamableHttpClientTransport::with_client(client, config);
                Self::serve(plan, transport, surroundings, handler, breached)
                    .await
                    .map_err(|error| {
                        format!("the handshake failed: {}", in_a_line(&error.to_string()))
                    })
            }
        }
    }

    async fn serve(
        plan: &ServerPlan,
        transport: impl Transport<RoleClient> + 'static,
        surroundings: &Surroundings,
        handler: Handler,
        breached: Breached,
    ) -> Result<Self, ClientInitializeError> {
        let transport = Guarded::new(
            transport,
            plan.name.as_str().into(),
            surroundings.scrubber.clone(),
            surroundings.trees.clone(),
            breached.clone(),
        );
        let claims = transport.claims();
        Ok(Self {
            service: handler.serve(transport).await?,
            process: None,
            log: Arc::default(),
            breached,
            claims,
            broken: AtomicBool::new(false),
        })
    }

    async fn start(
        plan: &ServerPlan,
        process: &Process,
        surroundings: &Surroundings,
        handler: Handler,
    ) -> Result<Self, String> {
        let mut running = process
            .start()
            .map_err(|error| format!("the process cannot be started: {error}"))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = running.streams() else {
            return Err("the process has no standard streams".to_owned());
        };
        let log = Arc::new(Log::default());
        let (follower, name) = (log.clone(), plan.name.clone());
        let scrubber = surroundings.scrubber.clone();
        let following = tokio::spawn(async move {
            follower.follow(&name, stderr, &scrubber).await;
        });
        let breached = Breached::default();
        let lines = BoundedLines::new(stdout, plan.message_max_bytes, breached.clone());
        let transport =
            AsyncRwTransport::new(Repaired::new(lines), stdin).with_max_line_length(usize::MAX);
        match Self::serve(plan, transport, surroundings, handler, breached).await {
            Ok(connection) => Ok(Self {
                process: Some(running),
                log,
                ..connection
            }),
            Err(error) => {
                drop(running);
                // What it wrote before it ended says why.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, following).await;
                let written = log.text();
                let separator = if written.is_empty() {
                    ""
                } else {
                    "; it wrote: "
                };
                Err(format!(
                    "the handshake failed: {}{separator}{}",
                    in_a_line(&error.to_string()),
                    in_a_line(&written)
                ))
            }
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.service.peer().is_transport_closed()
    }

    pub(super) fn peer(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }

    /// Calls a tool: its result, with the room that it takes. The server is told when the
    /// future is dropped.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<(CallToolResult, Room), CallFailure> {
        let parameters = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(parameters));
        let sent = self
            .peer()
            .send_cancellable_request(request, PeerRequestOptions::no_options())
            .await;
        let RequestHandle { rx, id, peer, .. } = sent.map_err(|error| self.failure(error))?;
        let mut notice = CancelNotice {
            call: Some((peer, id.clone())),
        };
        let result = rx.await.unwrap_or(Err(ServiceError::TransportClosed));
        notice.call = None;
        let room = self.claims.take(&id);
        match result {
            Ok(ServerResult::CallToolResult(result)) => Ok((result, room)),
            Ok(_) => Err(CallFailure::Unexpected),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn failure(&self, error: ServiceError) -> CallFailure {
        match error {
            ServiceError::McpError(error) => CallFailure::Refused(error.message.into_owned()),
            ServiceError::UnexpectedResponse => CallFailure::Unexpected,
            other => {
                self.broken.store(true, Ordering::Relaxed);
                CallFailure::Lost {
                    breach: self.breached.get().copied(),
                    detail: format!("{other}\n{}", self.log.text()),
                }
            }
        }
    }

    /// Ends the connection; a process has a moment to end by itself.
    pub(super) async fn close(mut self) {
        // Dropping ends what does not end by itself.
        let _ = self.service.close_with_timeout(CLOSE_TIMEOUT).await;
        if let Some(process) = &mut self.process {
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, process.wait()).await;
        }
    }
}

/// Tells the server that nobody waits for a call, unless it was answered.
struct CancelNotice {
    call: Option<(Peer<RoleClient>, RequestId)>,
}

impl Drop for CancelNotice {
    fn drop(&mut self) {
        let (Some((peer, id)), Ok(runtime)) = (self.call.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            let parameters =
                CancelledNotificationParam::new(Some(id), Some("the call was given up".to_owned()));
            // A server that is gone needs no notice.
            let _ = tokio::time::timeout(CANCEL_TIMEOUT, peer.notify_cancelled(parameters)).await;
        });
    }
}

/// When a new connection may be tried: at once after the first loss, later and
/// later when it keeps failing.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// How long nothing is to be tried.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.not_before?
            .checked_duration_since(Instant::now())
            .filter(|wait| !wait.is_zero())
    }

    pub(super) fn failed(&mut self) {
        let wait = match self.failures {
            0 => Duration::ZERO,
            n => BACKOFF_START
                .saturating_mul(1 << (n - 1).min(16))
                .min(BACKOFF_MAX),
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(Instant::now() + wait);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}
