//! The state of a session at rest, and as a snapshot.

use super::lifecycle::{LOST, Session};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::state::RestState;

impl Session {
    /// Takes the state to return to if the turn has to be rolled back.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.rest.current {
            return Ok(());
        }
        let live = self.live.as_mut().ok_or(LOST)?;
        live.refresh(&mut self.rest.heap, self.sandbox.memory_image())?;
        self.rest.files = live.store.data().files_ref().checkpoint();
        self.rest.current = true;
        self.rest.seeded = true;
        Ok(())
    }

    /// A state of this session, with what else a snapshot holds.
    pub(super) fn as_snapshot(&self, state: RestState) -> Result<Snapshot, Error> {
        let host = self.live.as_ref().ok_or(LOST)?.store.data();
        Ok(Snapshot {
            image: self.sandbox.image().name_bytes(),
            turn: self.turns,
            monotonic_ns: host.clock.reading_ns(),
            random_position: host.random.position(),
            awaits_calls: host.calls.pending() > 0,
            streak: self.streak,
            state,
        })
    }
}
