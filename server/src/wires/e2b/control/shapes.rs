//! What is told of sandboxes, in the clients' words.

use std::collections::BTreeMap;

use memex_trajectories::Timestamp;
use serde::Serialize;

use crate::sandbox::{OnTimeout, SandboxView, State};
use crate::wires::reserved;

/// The version of the daemon whose behaviour this is: clients choose by it what they
/// send.
const ENVD_VERSION: &str = "0.6.3";
const CLIENT: &str = "memex";
const MIB: u64 = 1 << 20;

/// A sandbox that was made or connected to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sandbox {
    #[serde(rename = "templateID")]
    template_id: String,
    #[serde(rename = "sandboxID")]
    sandbox_id: String,
    #[serde(rename = "clientID")]
    client_id: &'static str,
    envd_version: &'static str,
    envd_access_token: String,
    traffic_access_token: String,
    /// Where its ports are, if the client called a name of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

impl Sandbox {
    pub(super) fn new(view: &SandboxView, token: String, domain: Option<String>) -> Self {
        Self {
            template_id: template_of(view),
            sandbox_id: view.id.to_string(),
            client_id: CLIENT,
            envd_version: ENVD_VERSION,
            envd_access_token: token.clone(),
            traffic_access_token: token,
            domain,
        }
    }
}

/// A sandbox in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'a> {
    #[serde(rename = "templateID")]
    template_id: String,
    #[serde(rename = "sandboxID")]
    sandbox_id: String,
    #[serde(rename = "clientID")]
    client_id: &'static str,
    envd_version: &'static str,
    started_at: Timestamp,
    end_at: Timestamp,
    cpu_count: u32,
    #[serde(rename = "memoryMB")]
    memory_mb: u64,
    #[serde(rename = "diskSizeMB")]
    disk_size_mb: u64,
    state: &'static str,
    metadata: BTreeMap<&'a str, &'a str>,
}

impl<'a> Listed<'a> {
    pub(super) fn new(view: &'a SandboxView) -> Self {
        let end = view.expires_ms.map(Timestamp::from_unix_ms);
        Self {
            template_id: template_of(view),
            sandbox_id: view.id.to_string(),
            client_id: CLIENT,
            envd_version: ENVD_VERSION,
            started_at: Timestamp::from_unix_ms(view.created_ms),
            // The time of a paused sandbox stands still: it is always now.
            end_at: end.unwrap_or_else(Timestamp::now),
            cpu_count: 1,
            memory_mb: view.memory_bytes_max / MIB,
            disk_size_mb: view.file_bytes_max / MIB,
            state: state_of(view),
            metadata: reserved::without(&view.metadata),
        }
    }
}

/// A sandbox that was asked for by name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    envd_access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    allow_internet_access: bool,
    lifecycle: Lifecycle,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_mode: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    auto_resume: bool,
    on_timeout: &'static str,
}

impl<'a> Detail<'a> {
    pub(super) fn new(view: &'a SandboxView, token: String, domain: Option<String>) -> Self {
        Self {
            listed: Listed::new(view),
            envd_access_token: token,
            domain,
            // Code in a sandbox has no network, whatever was asked for.
            allow_internet_access: false,
            lifecycle: Lifecycle {
                auto_resume: view.metadata.contains_key(reserved::AUTO_RESUME),
                on_timeout: match view.on_timeout {
                    OnTimeout::Delete => "kill",
                    OnTimeout::Pause => "pause",
                },
            },
            pause_mode: (view.state == State::Paused).then_some("full"),
        }
    }
}

/// The template that the client named when it made the sandbox.
pub(super) fn template_of(view: &SandboxView) -> String {
    match view.metadata.get(reserved::TEMPLATE) {
        Some(template) => template.clone(),
        None => view.image.clone(),
    }
}

fn state_of(view: &SandboxView) -> &'static str {
    match view.state {
        State::Paused => "paused",
        // A sleeper runs as far as clients can tell: any request wakes it.
        State::Live | State::Asleep | State::Gone(_) => "running",
    }
}
