//! Sessions at rest without a slot: what is kept of one while nobody uses it.

use super::host::Host;
use super::lifecycle::{LOST, Session, SessionState};
use super::paused::PausedTurn;
use super::sandbox::{Sandbox, SessionOptions};
use crate::error::Error;
use crate::snapshot::{Bounds, Encoded, Generators, Snapshot};
use memex_filesystem::LostFile;
use std::task::Waker;
use std::time::Instant;

/// A session that holds no slot: a few kilobytes in memory instead of half a
/// megabyte. It is the same session after [`Hibernated::wake`], generators,
/// tools and a turn that waits included; only its
/// [`Interrupter`](crate::Interrupter) is another.
pub struct Hibernated {
    sandbox: Sandbox,
    encoded: Encoded,
    /// A turn that waits, and the state before it.
    paused: Option<Box<(PausedTurn, Encoded)>>,
    options: SessionOptions,
}

impl Session {
    /// Gives the slot back and keeps the state only.
    ///
    /// A session whose turn waits goes on waiting: the calls it awaits run on,
    /// and [`Hibernated::has_answers`] tells when it is worth waking.
    ///
    /// # Errors
    /// When the session is lost, or its state is larger than a snapshot can
    /// be; the session is gone then.
    pub fn hibernate(mut self) -> Result<Hibernated, Error> {
        let sandbox = self.sandbox.clone();
        let encode = |snapshot: &_| sandbox.encode(snapshot, Generators::Keep);
        let (encoded, paused) = if let SessionState::Waiting { .. } = self.state {
            let (snapshot, paused) = self.pause()?;
            let start = self.as_snapshot(self.rest.clone())?;
            let paused = Box::new((paused, encode(&start)?));
            (encode(&snapshot)?, Some(paused))
        } else {
            (encode(&self.snapshot()?)?, None)
        };
        let live = self.live.take().ok_or(LOST)?;
        let host = live.retire(sandbox.image().pool());
        let options = Host::into_options(host);
        Ok(Hibernated {
            sandbox,
            encoded,
            paused,
            options,
        })
    }
}

impl Hibernated {
    /// Puts the session into a slot again.
    ///
    /// Returns it with the files that were open and cannot be opened again.
    ///
    /// # Errors
    /// When the system has no memory left, or too many sessions live. The
    /// state is lost then; [`Hibernated::encoded`] can be kept before.
    pub fn wake(self) -> Result<(Session, Vec<LostFile>), Error> {
        let Self {
            sandbox,
            encoded,
            paused,
            options,
        } = self;
        let (snapshot, generators) = decode(&sandbox, &encoded)?;
        let (mut session, lost) = sandbox.restore(&snapshot, generators, options)?;
        session.calls_stayed_behind = false;
        if let Some(paused) = paused {
            let (paused, start) = *paused;
            let (start, _) = decode(&sandbox, &start)?;
            session.unpause(paused, start.state)?;
        }
        Ok((session, lost))
    }

    /// Whether a turn waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.paused.is_some()
    }

    /// When a waiting turn wants to go on by itself.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.paused.as_ref().and_then(|paused| paused.0.until())
    }

    /// Whether a waiting turn would find answers to calls that it awaits.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        let calls = self.options.calls.as_ref();
        calls.is_some_and(|calls| calls.has_answers())
    }

    /// Wakes `waker` when a call that the session awaits is answered.
    pub fn wake_with(&mut self, waker: Waker) {
        if let Some(calls) = &mut self.options.calls {
            calls.wake_with(waker);
        }
    }

    /// The state, as a store would keep it.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        &self.encoded
    }

    /// Bytes that the state takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let start = self.paused.as_ref().map_or(0, |paused| size(&paused.1));
        size(&self.encoded) + start
    }
}

fn size(encoded: &Encoded) -> u64 {
    let chunks = encoded.chunks.iter().map(|chunk| chunk.bytes.len());
    (encoded.head.len() + chunks.sum::<usize>()) as u64
}

fn decode(sandbox: &Sandbox, encoded: &Encoded) -> Result<(Snapshot, Generators), Error> {
    // A state that was taken under another policy may hold more than this one's.
    sandbox.decode_within(&encoded.head, &Bounds::OWN, |digest| {
        encoded
            .chunks
            .iter()
            .find(|chunk| chunk.digest == *digest)
            .map(|chunk| chunk.bytes.clone())
            .ok_or_else(|| Error::Snapshot("a chunk is missing".into()))
    })
}
