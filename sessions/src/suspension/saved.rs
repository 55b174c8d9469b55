//! A session that waits, outside of the process.

use super::error::SuspensionError;
use memex_host_tools::SavedCalls;
use memex_runtime::{Encoded, Error, Generators, Sandbox, Snapshot};
use serde::{Deserialize, Serialize};

/// Version of [`SavedTurn`]'s form.
pub const SAVED_SESSION_VERSION: u32 = 1;

/// A session that waits: two snapshots for a store, and the turn.
#[derive(Debug, Clone)]
pub struct Suspension {
    /// The session's state now; none if its turn is to run again.
    pub state: Option<Encoded>,
    /// Its state before the turn.
    pub start: Encoded,
    /// The turn.
    pub turn: SavedTurn,
}

/// What a session's snapshots do not hold of a turn that waits; as JSON it goes wherever
/// they go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedTurn {
    version: u32,
    /// The block.
    pub(super) code: String,
    /// What the host knows of the turn, in Base64; empty if it is to run again.
    #[serde(with = "base64_text", default)]
    pub(super) turn: Vec<u8>,
    /// The open calls, and those that were made.
    pub(super) calls: SavedCalls,
}

impl SavedTurn {
    pub(super) fn new(code: String, turn: Vec<u8>, calls: SavedCalls) -> Self {
        Self {
            version: SAVED_SESSION_VERSION,
            code,
            turn,
            calls,
        }
    }
}

impl Suspension {
    pub(super) fn check(&self) -> Result<(), SuspensionError> {
        let refused = |reason: String| Err(SuspensionError::Saved { reason });
        if self.turn.version != SAVED_SESSION_VERSION {
            return refused(format!(
                "it has version {}, and this program reads version {SAVED_SESSION_VERSION}",
                self.turn.version
            ));
        }
        if self.turn.calls.is_stopped() != self.state.is_none() {
            return refused("its state and its turn contradict each other".to_owned());
        }
        Ok(())
    }

    pub(super) fn start(&self, sandbox: &Sandbox) -> Result<(Snapshot, Generators), Error> {
        sandbox.decode_whole(&self.start)
    }

    /// The state now, and what the host knows of the turn.
    pub(super) fn state(&self, sandbox: &Sandbox) -> Result<Option<(Snapshot, &[u8])>, Error> {
        let Some(state) = &self.state else {
            return Ok(None);
        };
        let (snapshot, _) = sandbox.decode_whole(state)?;
        Ok(Some((snapshot, &self.turn.turn)))
    }
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        STANDARD
            .decode(text.as_bytes())
            .map_err(serde::de::Error::custom)
    }
}
