//! What a waiting turn takes along when its session leaves its slot or is
//! forked: everything of the turn that is not in the heap.

use super::in_progress::TurnInProgress;
use super::lifecycle::{LOST, Session, SessionState};
use crate::channel::Display;
use crate::error::Error;
use crate::host::{Buffer, TurnLedger};
use crate::snapshot::Snapshot;
use crate::state::RestState;
use std::time::Instant;

/// A turn that waits, without its heap.
#[derive(Debug, Clone)]
pub(super) struct PausedTurn {
    pub(super) progress: TurnInProgress,
    pub(super) until: Option<Instant>,
    pub(super) ledger: TurnLedger,
    pub(super) stdout: Buffer,
    pub(super) stderr: Buffer,
}

impl PausedTurn {
    /// When the guest wants to go on by itself.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Bytes of what the turn has said and shown so far.
    pub(super) fn bytes(&self) -> u64 {
        let displays = self.ledger.displays.iter().map(Display::len);
        (self.stdout.held() + self.stderr.held() + displays.sum::<usize>()) as u64
    }
}

impl Session {
    /// Takes the state of a session whose turn waits: its heap and files as
    /// they are now, and the turn. The state to roll back to stays
    /// `self.rest`.
    pub(super) fn pause(&mut self) -> Result<(Snapshot, PausedTurn), Error> {
        let (SessionState::Waiting { until }, Some(progress)) = (self.state, self.turn) else {
            return Err(LOST);
        };
        let live = self.live.as_mut().ok_or(LOST)?;
        let mut heap = self.rest.heap.clone();
        live.refresh(&mut heap, self.sandbox.memory_image())?;
        let host = live.store.data();
        let state = RestState {
            heap,
            files: host.files_ref().checkpoint(),
            seeded: true,
            current: true,
        };
        let paused = PausedTurn {
            progress,
            until,
            ledger: host.turn.clone(),
            stdout: host.stdout.clone(),
            stderr: host.stderr.clone(),
        };
        Ok((self.as_snapshot(state)?, paused))
    }

    /// Makes a session that was restored from a paused one wait like it.
    /// `start` is the state before the turn.
    pub(super) fn unpause(
        &mut self,
        paused: PausedTurn,
        mut start: RestState,
    ) -> Result<(), Error> {
        let host = self.live.as_mut().ok_or(LOST)?.store.data_mut();
        host.turn = paused.ledger;
        host.stdout = paused.stdout;
        host.stderr = paused.stderr;
        start.current = false;
        self.rest = start;
        self.turns = paused.progress.number;
        self.turn = Some(paused.progress);
        self.state = SessionState::Waiting {
            until: paused.until,
        };
        Ok(())
    }
}
