//! Saving and using the state of sessions: snapshot, restore, fork, rewind.

use super::lifecycle::{LOST, Session, SessionState};
use super::live::NotInstantiated;
use super::options::SessionOptions;
use super::sandbox::Sandbox;
use crate::error::Error;
use crate::host::{Equipment, Host};
use crate::snapshot::{Bounds, Encoded, Generators, Snapshot};
use crate::state::RestState;
use memex_filesystem::{FileSystem, LostFile};
use std::sync::Arc;

impl Session {
    /// Saves the session's state. The session goes on undisturbed.
    ///
    /// # Errors
    /// When a turn waits or the session is lost.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        self.expect_ready()?;
        self.settle()?;
        self.as_snapshot(self.rest.clone())
    }

    /// Starts `count` sessions from this one's state, with fresh generators
    /// each. Neither side sees what the other does from here on.
    ///
    /// Forks of a session whose turn waits wait too, each on its own. Calls
    /// that the turn awaits stay with this session; in the forks they raise
    /// `ConnectionAbortedError`.
    ///
    /// # Errors
    /// When the session is lost, and as [`Sandbox::restore`].
    pub fn fork(
        &mut self,
        count: usize,
        mut options: impl FnMut(usize) -> SessionOptions,
    ) -> Result<Vec<Session>, Error> {
        let (snapshot, paused) = if let SessionState::Waiting { .. } = self.state {
            let (snapshot, paused) = self.pause()?;
            (snapshot, Some(paused))
        } else {
            (self.snapshot()?, None)
        };
        let sandbox = self.sandbox.clone();
        (0..count)
            .map(|index| {
                let (mut fork, _) =
                    sandbox.restore(&snapshot, Generators::Fresh, options(index))?;
                if let Some(paused) = &paused {
                    fork.unpause(paused.clone(), self.rest.clone())?;
                }
                Ok(fork)
            })
            .collect()
    }

    /// Returns this session to a state it (or another session of the same
    /// image) had. Generators go on as they were then.
    ///
    /// Returns the files that were open then and cannot be opened again; using
    /// one raises `OSError` in the guest.
    ///
    /// # Errors
    /// When a turn waits, when the session is lost, or when the snapshot
    /// belongs to another image.
    pub fn rewind(&mut self, snapshot: &Snapshot) -> Result<Vec<LostFile>, Error> {
        self.expect_ready()?;
        self.sandbox.expect_own(snapshot)?;
        let live = self.live.take().ok_or(LOST)?;
        let host = live.retire(self.sandbox.image().pool());
        Ok(self.begin_from(host, snapshot)?)
    }

    fn expect_ready(&self) -> Result<(), Error> {
        match self.state {
            SessionState::Ready => Ok(()),
            SessionState::Lost => Err(LOST),
            SessionState::Waiting { .. } => Err(Error::State {
                state: "waiting",
                remedy: "finish its turn first",
            }),
        }
    }

    /// Makes a fresh guest with the snapshot's state the session's own.
    fn begin_from(
        &mut self,
        mut host: Host,
        snapshot: &Snapshot,
    ) -> Result<Vec<LostFile>, NotInstantiated> {
        let (files, lost) = FileSystem::restore(
            Arc::clone(self.sandbox.namespace()),
            self.sandbox.quota(),
            &snapshot.state.files,
        );
        host.set_files(files);
        host.memory = None;
        host.allocate = None;
        host.clock.not_before(snapshot.monotonic_ns);
        host.random.skip_to(snapshot.random_position);
        self.state = SessionState::Lost;
        self.live = Some(self.sandbox.instantiate(host)?);
        if let Err(error) = self.install(&snapshot.state.heap) {
            return Err(self.without_live(error));
        }
        self.rest = snapshot.state.clone();
        self.turns = snapshot.turn;
        self.streak = snapshot.streak;
        self.calls_stayed_behind = snapshot.awaits_calls;
        if !self.rest.seeded
            && let Err(error) = self.reseed()
        {
            return Err(self.without_live(error));
        }
        self.state = SessionState::Ready;
        Ok(lost)
    }

    /// Takes the host's side back from a guest that could not be filled.
    fn without_live(&mut self, error: Error) -> NotInstantiated {
        match self.live.take() {
            Some(live) => NotInstantiated::new(error, live.retire(self.sandbox.image().pool())),
            None => NotInstantiated::new(
                error,
                self.sandbox
                    .host(Arc::clone(&self.pulse), Equipment::default()),
            ),
        }
    }
}

impl Sandbox {
    /// Starts a session from a saved state.
    ///
    /// Returns it with the files that were open and cannot be opened again;
    /// using one raises `OSError` in the guest.
    ///
    /// # Errors
    /// When the snapshot belongs to another image, and as
    /// [`Sandbox::session`].
    pub fn restore(
        &self,
        snapshot: &Snapshot,
        generators: Generators,
        mut options: SessionOptions,
    ) -> Result<(Session, Vec<LostFile>), Error> {
        self.expect_own(snapshot)?;
        Session::from_snapshot(self.clone(), snapshot, generators, &mut options)
    }

    /// Encodes a snapshot for a store.
    ///
    /// # Errors
    /// When it belongs to another image or is larger than the format can hold.
    pub fn encode(&self, snapshot: &Snapshot, generators: Generators) -> Result<Encoded, Error> {
        self.expect_own(snapshot)?;
        snapshot.encode_with(self.memory_image(), &self.image().map().random, generators)
    }

    /// Decodes a snapshot that a store kept; `chunk` gets the parts its head
    /// names. No byte is trusted, and what the head states is held against the
    /// policy before anything is fetched or unpacked.
    ///
    /// Says also whether the generators' state is part of it.
    ///
    /// # Errors
    /// When the bytes are not a snapshot, are damaged, belong to another image,
    /// or hold more than the policy allows a session.
    pub fn decode(
        &self,
        head: &[u8],
        chunk: impl FnMut(&[u8; 32]) -> Result<Vec<u8>, Error>,
    ) -> Result<(Snapshot, Generators), Error> {
        self.decode_within(head, &self.bounds(), chunk)
    }

    /// As [`Sandbox::decode`], of a snapshot whose chunks are in memory.
    ///
    /// # Errors
    /// As [`Sandbox::decode`].
    pub fn decode_whole(&self, encoded: &Encoded) -> Result<(Snapshot, Generators), Error> {
        self.decode_encoded(encoded, &self.bounds())
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            memory_bytes: self.policy().limits.memory_bytes,
            files: self.quota(),
        }
    }

    pub(super) fn decode_encoded(
        &self,
        encoded: &Encoded,
        bounds: &Bounds,
    ) -> Result<(Snapshot, Generators), Error> {
        let chunks = encoded.by_digest()?;
        self.decode_within(&encoded.head, bounds, |digest| {
            let chunk = chunks.get(digest);
            chunk
                .map(|bytes| bytes.to_vec())
                .ok_or_else(|| Error::Snapshot("a chunk is missing".into()))
        })
    }

    /// As [`Sandbox::decode`], with other bounds than the policy's.
    fn decode_within(
        &self,
        head: &[u8],
        bounds: &Bounds,
        chunk: impl FnMut(&[u8; 32]) -> Result<Vec<u8>, Error>,
    ) -> Result<(Snapshot, Generators), Error> {
        let image = (self.memory_image(), self.image().name_bytes());
        Snapshot::decode_with(head, image, bounds, chunk)
    }

    fn expect_own(&self, snapshot: &Snapshot) -> Result<(), Error> {
        if snapshot.image == self.image().name_bytes() {
            return Ok(());
        }
        Err(Error::ForeignSnapshot {
            wanted: snapshot.image_digest(),
            found: self.image().name().to_owned(),
        })
    }
}

impl Session {
    /// Takes the options only if there is a session in the end.
    pub(super) fn from_snapshot(
        sandbox: Sandbox,
        snapshot: &Snapshot,
        generators: Generators,
        options: &mut SessionOptions,
    ) -> Result<(Self, Vec<LostFile>), Error> {
        let (mut session, host) = Self::without_guest(sandbox, options)?;
        let lost = match session.begin_from(host, snapshot) {
            Ok(lost) => lost,
            Err(failure) => {
                *options = SessionOptions::of(failure.host.into_equipment());
                return Err(failure.error);
            }
        };
        if generators == Generators::Fresh && session.rest.seeded {
            session.reseed()?;
            session.rest.current = false;
        }
        Ok((session, lost))
    }
}

/// Compile-time proof that sessions move between threads and that states are
/// shared by them.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}
    is_send::<Session>();
    is_shared::<Snapshot>();
    is_shared::<Sandbox>();
    is_shared::<RestState>();
};
