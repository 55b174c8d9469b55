//! Listening, and what was heard.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use memex_models::{Protocol, Script, ScriptPlayer};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::connection;

/// How many requests are remembered.
const RECEIVED_MAX: usize = 10_000;

/// How the server answers, beside what its script says.
#[derive(Debug, Clone, Default)]
pub struct MockServerOptions {
    /// The key that it wants; others are answered with 401. Default: any.
    pub key: Option<String>,
    /// How many bytes of a streamed answer it writes at once, so that events
    /// and characters are split. Default (0): whole events.
    pub write_bytes: usize,
    /// Whether it sends comments between events, as servers do to keep
    /// connections alive. Default: no.
    pub comments: bool,
    /// Whether its lines end in CRLF. Default: no.
    pub crlf: bool,
    /// Whether it keeps the figures of usage to itself. Default: no.
    pub without_usage: bool,
    /// Further headers of every answer.
    pub headers: Vec<(String, String)>,
}

/// A request that the server was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// The protocol that its path belongs to.
    pub protocol: Protocol,
    /// Its path.
    pub path: String,
    /// Its headers, names in lower case, without those that carry keys.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Value,
}

/// A running server. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// State shared by all connections.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) player: ScriptPlayer,
    pub(crate) options: MockServerOptions,
    pub(crate) received: Mutex<VecDeque<Received>>,
    /// How many requests their clients gave up.
    pub(crate) abandoned: watch::Sender<usize>,
}

impl MockServer {
    /// Starts on a free port of the loopback address.
    ///
    /// # Errors
    /// If the system gives no port.
    pub async fn start(script: Script, options: MockServerOptions) -> io::Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into(), script, options).await
    }

    /// Starts at an address.
    ///
    /// # Errors
    /// If the system does not give it.
    pub async fn start_at(
        address: SocketAddr,
        script: Script,
        options: MockServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            player: ScriptPlayer::new(script),
            options,
            received: Mutex::default(),
            abandoned: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// The base URL to give to a model.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was sent so far, the last ten thousand requests of it.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().iter().cloned().collect()
    }

    /// Waits until clients gave up so many requests before their answers ended.
    pub async fn abandoned(&self, count: usize) {
        let mut abandoned = self.shared.abandoned.subscribe();
        // The sender lives as long as this does.
        let _ = abandoned.wait_for(|number| *number >= count).await;
    }
}

impl Shared {
    /// Notes a request, and forgets the oldest if there are too many.
    pub(crate) fn note(&self, request: Received) {
        let mut received = self.received.lock();
        if received.len() >= RECEIVED_MAX {
            received.pop_front();
        }
        received.push_back(request);
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(connection::serve(socket, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}
