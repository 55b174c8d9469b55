//! One thing that happened.

use memex_trajectories::Timestamp;
use serde_json::{Value, json};

use crate::names::Id;

/// Kinds of things that happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Created,
    Woken,
    Slept,
    Ended,
    LimitHit,
    RunEnded,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Created,
        Self::Woken,
        Self::Slept,
        Self::Ended,
        Self::LimitHit,
        Self::RunEnded,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "sandbox.created",
            Self::Woken => "sandbox.woken",
            Self::Slept => "sandbox.slept",
            Self::Ended => "sandbox.ended",
            Self::LimitHit => "sandbox.limit-hit",
            Self::RunEnded => "run.ended",
        }
    }
}

/// One thing that happened. It holds no code, no output and no key.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) kind: Kind,
    pub(crate) tenant: String,
    /// The sandbox or the run.
    pub(crate) subject: String,
    /// The reason of an end, the name of a limit, how a run ended.
    pub(crate) detail: Option<String>,
}

impl Notice {
    /// The body of its request.
    pub(super) fn body(&self, id: &Id, at_ms: u64) -> Value {
        json!({
            "id": id.as_str(),
            "at": Timestamp::from_unix_ms(at_ms),
            "event": self.kind.name(),
            "tenant": self.tenant,
            "subject": self.subject,
            "detail": self.detail,
        })
    }
}
