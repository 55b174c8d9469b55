//! Questions to the guest: calls that are no turns.

use super::lifecycle::{LOST, Session, SessionState};
use super::live::CallError;
use super::reply::INSPECTION_BYTES_MAX;
use crate::error::Error;

impl Session {
    /// Asks the guest about its scope: names, completions, whether a block
    /// is complete. Request and reply are JSON; see `docs/dispatcher.md`.
    ///
    /// Runs guest code (a class can define how its attributes are listed), so
    /// the policy's limits apply; `None` when that went wrong. Nothing in the
    /// answer can be trusted but its length: at most 8 MiB.
    ///
    /// # Errors
    /// When the session is not ready or the host fails.
    pub fn inspect(&mut self, request: &str) -> Result<Option<String>, Error> {
        let entry = self.sandbox.image().map().entries.inspect;
        let answer = self.ask(entry, &[request.as_bytes()], INSPECTION_BYTES_MAX)?;
        Ok(answer.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Calls an entry point that is no turn with these pieces, for at most `bytes_max` bytes of
    /// answer. `None` when the guest's side went wrong; the session is as before
    /// then.
    pub(super) fn ask(
        &mut self,
        entry: u32,
        payload: &[&[u8]],
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.caught(|session| session.question(entry, payload, bytes_max))
    }

    fn question(
        &mut self,
        entry: u32,
        payload: &[&[u8]],
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        match self.state {
            SessionState::Ready => {}
            SessionState::Lost => return Err(LOST),
            SessionState::Waiting { .. } => {
                return Err(Error::State {
                    state: "waiting",
                    remedy: "finish its turn first",
                });
            }
        }
        self.settle()?;
        self.rest.current = false;
        self.refuel()?;
        self.arm()?;
        let live = self.live.as_mut().ok_or(LOST)?;
        live.store.data_mut().begin_turn();
        let result = self.call(entry, payload, bytes_max, <[u8]>::to_vec)?;
        self.disarm();
        if let Err(CallError::Trap(_)) = result {
            self.go_back()?;
        }
        let live = self.live.as_mut().ok_or(LOST)?;
        live.store.data_mut().forget_turn();
        Ok(result.ok())
    }
}
