//! Nodes, and how long what they say counts.

use crate::Name;
use std::time::Duration;

/// Whether a node takes sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeState {
    /// It does.
    Ready,
    /// It gives its sessions away and will end.
    Draining,
}

impl NodeState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }

    /// What a text says; a word of another version is a node that takes nothing new.
    pub(crate) fn of_text(text: &[u8]) -> Self {
        match text {
            b"ready" => Self::Ready,
            _ => Self::Draining,
        }
    }
}

/// A node that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// Whether it takes sessions.
    pub state: NodeState,
}

/// How a placement keeps time and space.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Stands before all that is kept, so that clusters can share a server.
    pub cluster: Name,
    /// How long a node is alive after it last said so. It should say so three times
    /// as often.
    pub node_lifetime: Duration,
    /// How many entries of a session's log are kept.
    pub entries_kept: u32,
    /// On how many servers of a NATS cluster things are kept.
    pub replicas: usize,
}

impl Settings {
    /// The usual settings: 3 s, 64 entries, one server.
    #[must_use]
    pub fn new(cluster: Name) -> Self {
        Self {
            cluster,
            node_lifetime: Duration::from_secs(3),
            entries_kept: 64,
            replicas: 1,
        }
    }
}
