//! What a client asks for when it makes a sandbox.

use std::collections::BTreeMap;
use std::time::Duration;

use memex_host_tools::ToolSpec;
use memex_sessions::LimitValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::Id;

/// A sandbox that is to be made. By default: the tenant's policy and image, no tools,
/// inputs or variables, a lifetime of the tenant's default, and what is acknowledged
/// survives the end of the process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Create {
    /// What it starts from.
    pub origin: Origin,
    /// What its code may do less than the tenant's policy permits.
    pub narrowing: Narrowing,
    /// Environment variables of the guest.
    pub environment: BTreeMap<String, String>,
    /// Tools that the client answers.
    pub tools: Vec<ToolSpec>,
    /// Values that the code finds under these names.
    pub inputs: BTreeMap<String, Value>,
    /// What the client wants to know it by.
    pub metadata: BTreeMap<String, String>,
    /// How long it lives. None: the tenant's default.
    pub lifetime: Option<Duration>,
    /// What happens then.
    pub on_timeout: OnTimeout,
    /// When a turn is acknowledged.
    pub durability: Option<Durability>,
    /// Equal requests with the same key make one sandbox.
    pub idempotency_key: Option<String>,
}

/// What a sandbox starts from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The image of the tenant.
    #[default]
    Default,
    /// An image that the tenant may use, by its name.
    Image(String),
    /// A snapshot of the same tenant.
    Snapshot(Id),
}

/// What a sandbox may do less than the policy of its tenant permits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Narrowing {
    /// An overlay, in the shape of a policy file.
    pub policy: Option<toml::Table>,
    /// Limits by name: a number in the limit's unit, or a text such as `"2s"`.
    pub limits: BTreeMap<String, LimitValue>,
}

/// What happens to a sandbox when its lifetime is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It ends.
    #[default]
    Delete,
    /// It sleeps, and its lifetime stands still, until it is resumed.
    Pause,
}

/// What an acknowledged turn survives.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Nothing: it is saved when the sandbox sleeps in the store.
    Memory,
    /// The end of the process, `kill -9` included.
    #[default]
    Process,
    /// The loss of power.
    Power,
}
