//! What all connections of a server share: script, options, and what was heard.

use std::collections::VecDeque;

use memex_models::{Protocol, Script, ScriptPlayer};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

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

/// State shared by all connections.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) player: ScriptPlayer,
    pub(crate) options: MockServerOptions,
    pub(crate) received: Mutex<VecDeque<Received>>,
    /// How many requests their clients gave up.
    pub(crate) abandoned: watch::Sender<usize>,
}

impl Shared {
    pub(crate) fn new(script: Script, options: MockServerOptions) -> Self {
        Self {
            player: ScriptPlayer::new(script),
            options,
            received: Mutex::default(),
            abandoned: watch::Sender::new(0),
        }
    }

    /// Notes a request, and forgets the oldest if there are too many.
    pub(crate) fn note(&self, request: Received) {
        let mut received = self.received.lock();
        if received.len() >= RECEIVED_MAX {
            received.pop_front();
        }
        received.push_back(request);
    }
}
