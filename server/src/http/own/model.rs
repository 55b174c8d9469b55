//! What the own API reads and writes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_host_tools::{ClientCall, ToolSpec};
use memex_sessions::{LimitValue, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::sandbox::{Durability, OnTimeout, SandboxView, SnapshotView, State};
use crate::service::{FileEntry, FileKind};

/// A sandbox that is to be made. Every field may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CreateBody {
    /// An image that the operator permits. Default: the standard one.
    pub(super) image: Option<String>,
    /// A snapshot to start from, instead of an image.
    pub(super) snapshot: Option<String>,
    /// An overlay that narrows the tenant's policy, in the shape of a policy file.
    #[schema(value_type = Option<Object>)]
    pub(super) policy: Option<toml::Table>,
    /// Limits by name, lower than the policy's: numbers, or texts such as `"2s"`.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub(super) limits: BTreeMap<String, LimitValue>,
    /// Environment variables.
    pub(super) environment: BTreeMap<String, String>,
    /// Tools whose calls the client answers.
    pub(super) tools: Vec<ToolBody>,
    /// Values that the code finds under these names.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub(super) inputs: BTreeMap<String, Value>,
    /// What the client wants to know it by.
    pub(super) metadata: BTreeMap<String, String>,
    /// How long it lives, in seconds.
    pub(super) lifetime_s: Option<u64>,
    /// `delete` or `pause`. Default: `delete`.
    pub(super) on_timeout: Option<OnTimeoutBody>,
    /// What an acknowledged turn survives: `memory`, `process` or `power`.
    pub(super) durability: Option<DurabilityBody>,
}

/// A tool whose calls the client answers.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolBody {
    /// What code calls it.
    pub(super) name: String,
    /// What it does.
    #[serde(default)]
    pub(super) description: String,
    /// JSON Schema of the arguments.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) parameters: Option<Value>,
    /// JSON Schema of the result.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) returns: Option<Value>,
}

impl From<ToolBody> for ToolSpec {
    fn from(tool: ToolBody) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            parameters: tool
                .parameters
                .unwrap_or_else(|| serde_json::json!({ "type": "object", "properties": {} })),
            returns: tool.returns,
            timeout: None,
        }
    }
}

/// What happens when a lifetime is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnTimeoutBody {
    Delete,
    Pause,
}

/// What an acknowledged turn survives.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DurabilityBody {
    /// Nothing: it is saved when the sandbox sleeps.
    Memory,
    /// The end of the server's process.
    Process,
    /// A loss of power.
    Power,
}

impl From<OnTimeoutBody> for OnTimeout {
    fn from(body: OnTimeoutBody) -> Self {
        match body {
            OnTimeoutBody::Delete => Self::Delete,
            OnTimeoutBody::Pause => Self::Pause,
        }
    }
}

impl From<OnTimeout> for OnTimeoutBody {
    fn from(told: OnTimeout) -> Self {
        match told {
            OnTimeout::Delete => Self::Delete,
            OnTimeout::Pause => Self::Pause,
        }
    }
}

impl From<DurabilityBody> for Durability {
    fn from(body: DurabilityBody) -> Self {
        match body {
            DurabilityBody::Memory => Self::Memory,
            DurabilityBody::Process => Self::Process,
            DurabilityBody::Power => Self::Power,
        }
    }
}

impl From<Durability> for DurabilityBody {
    fn from(told: Durability) -> Self {
        match told {
            Durability::Memory => Self::Memory,
            Durability::Process => Self::Process,
            Durability::Power => Self::Power,
        }
    }
}

/// A sandbox.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SandboxBody {
    id: String,
    /// `live`, `asleep`, `paused` or `gone`. Any request wakes one that is asleep.
    state: &'static str,
    /// Why and when it ended, of one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<EndedBody>,
    metadata: BTreeMap<String, String>,
    /// In milliseconds since 1970.
    created_ms: u64,
    /// In milliseconds since 1970; null while it is paused.
    expires_ms: Option<u64>,
    on_timeout: OnTimeoutBody,
    durability: DurabilityBody,
    image: String,
    /// The sandbox or snapshot that it was made from.
    parent: Option<String>,
    /// Turns so far; null where that is not known without waking it.
    turns: Option<u64>,
    memory_bytes_max: u64,
    file_bytes_max: u64,
    stored_bytes: u64,
}

/// Why and when a sandbox ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndedBody {
    /// `deleted`, `expired`, `unused` or `fault`.
    reason: &'static str,
    /// In milliseconds since 1970.
    at_ms: u64,
}

impl From<SandboxView> for SandboxBody {
    fn from(view: SandboxView) -> Self {
        let (state, ended) = match view.state {
            State::Live => ("live", None),
            State::Asleep => ("asleep", None),
            State::Paused => ("paused", None),
            State::Gone(ended) => {
                let reason = ended.reason.name();
                let at_ms = ended.at_ms;
                ("gone", Some(EndedBody { reason, at_ms }))
            }
        };
        Self {
            id: view.id.to_string(),
            state,
            ended,
            metadata: view.metadata,
            created_ms: view.created_ms,
            expires_ms: view.expires_ms,
            on_timeout: view.on_timeout.into(),
            durability: view.durability.into(),
            image: view.image,
            parent: view.parent.map(|id| id.to_string()),
            turns: view.turns,
            memory_bytes_max: view.memory_bytes_max,
            file_bytes_max: view.file_bytes_max,
            stored_bytes: view.stored_bytes,
        }
    }
}

/// A page of sandboxes, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SandboxesBody {
    pub(super) items: Vec<SandboxBody>,
    /// The `after` of the next page; null at the end.
    pub(super) next: Option<String>,
}

/// A snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotBody {
    id: String,
    name: Option<String>,
    sandbox: String,
    turn: u64,
    created_ms: u64,
}

impl From<SnapshotView> for SnapshotBody {
    fn from(view: SnapshotView) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.name,
            sandbox: view.sandbox.to_string(),
            turn: view.turn,
            created_ms: view.created_ms,
        }
    }
}

/// What a turn came to: an outcome, or, with the status `waiting`, calls to answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum TurnBody {
    Done(Box<Outcome>),
    Waiting(WaitingBody),
}

/// A turn that waits for answers to its calls.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingBody {
    /// `waiting`.
    pub(super) status: &'static str,
    pub(super) calls: Vec<CallBody>,
}

/// A call that waits for its answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallBody {
    /// What answers name it by.
    id: String,
    tool: String,
    /// By parameter; `{"$part": n}` stands for the n-th of `parts`.
    #[schema(value_type = Object)]
    arguments: Value,
    /// Binary values, in base64.
    parts: Vec<String>,
}

impl WaitingBody {
    pub(super) fn of(calls: Vec<ClientCall>) -> Self {
        let calls = calls.into_iter().map(|call| CallBody {
            id: call.id,
            tool: call.tool,
            arguments: Value::Object(call.arguments.json),
            parts: call
                .arguments
                .parts
                .iter()
                .map(|part| STANDARD.encode(part))
                .collect(),
        });
        Self {
            status: "waiting",
            calls: calls.collect(),
        }
    }
}

/// A file, a folder or a link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileBody {
    name: String,
    path: String,
    /// `file`, `folder`, `link` or `other`.
    kind: &'static str,
    bytes: u64,
    /// In nanoseconds since 1970.
    modified_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl From<FileEntry> for FileBody {
    fn from(entry: FileEntry) -> Self {
        Self {
            name: entry.name,
            path: entry.path,
            kind: match entry.kind {
                FileKind::File => "file",
                FileKind::Folder => "folder",
                FileKind::Link => "link",
                FileKind::Other => "other",
            },
            bytes: entry.bytes,
            modified_ns: entry.modified_ns,
            target: entry.target,
        }
    }
}
