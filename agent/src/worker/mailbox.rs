//! Frames from a session in a worker, queued for its thread here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Wake;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::frames::Kind;
use crate::scope::Bell;

/// From an interrupt to the end of waiting for the worker to obey it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames that wait for a session's thread. The worker sends one at a time but
/// for rollbacks; one that floods is given up.
const FRAMES_MAX: usize = 1_024;

/// The events for which a session's thread waits.
pub(super) enum Mail {
    Frame(Kind, Vec<u8>),
    /// An awaited call may have its answer.
    Answered,
    /// The worker is gone.
    Closed,
    /// The worker did not end the turn long after it was asked to.
    Late,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    kept: Mutex<Kept>,
    changed: Condvar,
    /// Held while frames are written that have to be in order; what comes in
    /// does not wait for it.
    asking: Mutex<Asking>,
    /// Of the plain call under way.
    pub(super) bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<(Kind, Vec<u8>)>,
    is_answered: bool,
    is_closed: bool,
    /// How often the turn was asked to stop, and when first.
    stops: u32,
    stopped: Option<Instant>,
}

#[derive(Debug, Default)]
struct Asking {
    is_under_way: bool,
    /// The number of stops that were sent to the worker.
    told: u32,
}

impl Mailbox {
    /// A turn is to begin, and no stop was requested.
    pub(super) fn begin(&self) {
        let mut kept = self.kept.lock();
        (kept.stops, kept.stopped) = (0, None);
        drop(kept);
        self.asking.lock().told = 0;
        self.bell.begin();
    }

    /// Sends a request; if a stop was requested before, that follows it immediately.
    pub(super) fn ask(&self, send: impl FnOnce() -> bool, interrupt: impl Fn() -> bool) -> bool {
        let mut asking = self.asking.lock();
        asking.is_under_way = true;
        let sent = send();
        self.tell(&mut asking, interrupt);
        sent
    }

    /// The request was answered.
    pub(super) fn answered(&self) {
        self.asking.lock().is_under_way = false;
    }

    /// The turn is to end.
    pub(super) fn stop(&self, interrupt: impl Fn() -> bool) {
        let mut kept = self.kept.lock();
        kept.stops = kept.stops.saturating_add(1);
        kept.stopped.get_or_insert_with(Instant::now);
        drop(kept);
        self.changed.notify_all();
        self.bell.give_up();
        let mut asking = self.asking.lock();
        if asking.is_under_way {
            self.tell(&mut asking, interrupt);
        }
    }

    /// Passes on what the worker was not told of. It counts: the second
    /// interrupt of a turn is hard there.
    fn tell(&self, asking: &mut Asking, interrupt: impl Fn() -> bool) {
        let stops = self.kept.lock().stops;
        while asking.told < stops {
            // A worker that is gone has no turn.
            let _told = interrupt();
            asking.told += 1;
        }
    }

    /// Waits for the next thing.
    pub(super) fn next(&self) -> Mail {
        let mut kept = self.kept.lock();
        loop {
            if let Some((kind, payload)) = kept.frames.pop_front() {
                return Mail::Frame(kind, payload);
            }
            if std::mem::take(&mut kept.is_answered) {
                return Mail::Answered;
            }
            if kept.is_closed {
                return Mail::Closed;
            }
            match kept.stopped.map(|at| at + PATIENCE) {
                None => self.changed.wait(&mut kept),
                Some(until) if Instant::now() >= until => return Mail::Late,
                Some(until) => _ = self.changed.wait_until(&mut kept, until),
            }
        }
    }

    pub(super) fn put(&self, kind: Kind, payload: Vec<u8>) {
        let mut kept = self.kept.lock();
        if kind == Kind::Call && kept.stopped.is_none() {
            // The call before was answered; this one is not given up yet.
            self.bell.begin();
        }
        match kept.frames.len() < FRAMES_MAX {
            true => kept.frames.push_back((kind, payload)),
            false => kept.is_closed = true,
        }
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.kept.lock().is_closed = true;
        self.changed.notify_all();
        self.bell.give_up();
    }
}

impl Wake for Mailbox {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.kept.lock().is_answered = true;
        self.changed.notify_all();
    }
}
