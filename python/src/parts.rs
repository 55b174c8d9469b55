//! What a sandbox is made of.

use std::sync::atomic::{AtomicU64, Ordering};

use memex_runtime::SessionOptions;
use memex_sessions::{Resolved, Tools, options};

use crate::sink::Listener;

/// What a sandbox is made of.
pub(crate) struct Parts {
    pub(crate) sandbox: memex_runtime::Sandbox,
    pub(crate) resolved: Resolved,
    pub(crate) tools: Option<Tools>,
    pub(crate) host: memex_sessions::Host,
    /// Whether calls of some tools wait for the client.
    pub(crate) suspends: bool,
}

impl Parts {
    /// The options of a session called `name`.
    pub(crate) fn options(&self, name: &str, listener: &Listener) -> SessionOptions {
        let sink = Box::new(listener.clone());
        let mut made = options(None, Some(sink));
        if let Some(tools) = &self.tools {
            made.calls = Some(Box::new(tools.broker(name)));
        }
        made
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A name that audit records and tools know a session by.
pub(crate) fn new_name() -> String {
    format!("session-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
