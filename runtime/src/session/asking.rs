//! Questions to the guest: calls that are no turns.

use super::lifecycle::{LOST, Session, SessionState};
use super::live::CallError;
use super::reply::INSPECTION_BYTES_MAX;
use crate::error::Error;
use crate::host::Apart;

impl Session {
    /// Asks the guest about its scope: names, completions, whether a block
    /// is complete. Request and reply are JSON; see `docs/dispatcher.md`.
    ///
    /// Runs guest code (a class can define how its attributes are listed), so
    /// the policy's limits apply, and nothing outside of the session happens meanwhile:
    /// output is dropped, calls but those of natives are refused, host directories are
    /// read-only. `None` when a limit was met or no answer came; the session is as before
    /// then. What code changes in the session while it answers stays otherwise. Nothing in the
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
    /// answer. `None` when the guest's side went wrong, or was interrupted; the session is as
    /// before then.
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
        let host = live.store.data_mut();
        host.begin_turn();
        host.set_apart(Some(Apart::Question));
        let result = self.call(entry, payload, bytes_max, <[u8]>::to_vec)?;
        let report = self.disarm();
        let live = self.live.as_mut().ok_or(LOST)?;
        let host = live.store.data_mut();
        host.set_apart(None);
        host.forget_turn();
        match result {
            Ok(answer) if report.soft.is_none() => Ok(Some(answer)),
            // Nothing ran.
            Err(CallError::NoRoom) => Ok(None),
            // Code may have caught the interrupt, and answered with half of what it had begun.
            _ => {
                self.go_back()?;
                Ok(None)
            }
        }
    }
}
