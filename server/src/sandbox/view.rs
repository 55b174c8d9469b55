//! What is told of a sandbox.

use std::collections::BTreeMap;

use memex_host_tools::ClientCall;
use serde::{Deserialize, Serialize};

use super::request::{Durability, OnTimeout};
use crate::names::Id;

/// What is told of a sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxView {
    /// Its name.
    pub id: Id,
    /// Where it is in its life.
    pub state: State,
    /// What the client wants to know it by.
    pub metadata: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When its lifetime is over, in milliseconds since 1970; none while it is paused.
    pub expires_ms: Option<u64>,
    /// What happens then.
    pub on_timeout: OnTimeout,
    /// What its acknowledged turns survive.
    pub durability: Durability,
    /// The image that it runs on, by its name.
    pub image: String,
    /// The sandbox or snapshot that it was made from.
    pub parent: Option<Id>,
    /// Turns so far, as far as that is known without waking it.
    pub turns: Option<u64>,
    /// The bound of its guest's memory.
    pub memory_bytes_max: u64,
    /// The bound of what its files hold.
    pub file_bytes_max: u64,
    /// Bytes that it takes in the store.
    pub stored_bytes: u64,
}

/// Where a sandbox is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It holds a slot, or a request wakes it without delay.
    Live,
    /// It sleeps; any request wakes it.
    Asleep,
    /// It sleeps, its lifetime stands still, and `resume` wakes it.
    Paused,
    /// It has ended.
    Gone(Ended),
}

/// When and why a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// A client deleted it.
    Deleted,
    /// Its lifetime was over.
    Expired,
    /// It had slept for longer than the server keeps sleepers.
    Unused,
    /// A fault of the server lost it.
    Fault,
}

impl EndReason {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Unused => "unused",
            Self::Fault => "fault",
        }
    }
}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// What is told of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotView {
    /// Its name.
    pub id: Id,
    /// What the client calls it.
    pub name: Option<String>,
    /// The sandbox that it was taken of.
    pub sandbox: Id,
    /// The turn after which it was taken.
    pub turn: u64,
    /// When, in milliseconds since 1970.
    pub created_ms: u64,
}

/// One turn of a sandbox's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// Its number, from 1.
    pub turn: u64,
    /// How it ended.
    pub status: String,
    /// The first line of its code.
    pub first_line: String,
    /// When it was saved, in milliseconds since 1970.
    pub saved_ms: u64,
}

/// A turn that waits for the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its open calls, in the order they were made.
    pub calls: Vec<ClientCall>,
}
