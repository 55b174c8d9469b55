//! Output of turns that run again: shown once.

use memex_runtime::{OutputSink, Stream};
use parking_lot::Mutex;
use std::sync::Arc;

/// Passes output on, but not what a turn writes a second time because it runs again.
pub struct RepeatableSink {
    inner: Box<dyn OutputSink>,
    seen: Seen,
}

/// How much of the turn's output was passed on, and how much of that comes again.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<[Count; 2]>>);

#[derive(Clone, Copy, Default)]
struct Count {
    shown: u64,
    again: u64,
}

impl RepeatableSink {
    /// A sink around another one.
    #[must_use]
    pub fn new(inner: Box<dyn OutputSink>) -> Self {
        Self {
            inner,
            seen: Seen::default(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }
}

impl Seen {
    /// A new turn begins.
    pub(super) fn begin(&self) {
        *self.0.lock() = Default::default();
    }

    /// The turn begins again.
    pub(super) fn again(&self) {
        for count in self.0.lock().iter_mut() {
            count.again = count.shown;
        }
    }

    /// Bytes at the front of a piece that were shown before.
    fn skip(&self, stream: Stream, bytes: usize) -> usize {
        let at = match stream {
            Stream::Stdout => 0,
            Stream::Stderr => 1,
        };
        let mut counts = self.0.lock();
        let Some(count) = counts.get_mut(at) else {
            return 0;
        };
        let skipped = count.again.min(bytes as u64);
        count.again -= skipped;
        count.shown = count.shown.saturating_add(bytes as u64 - skipped);
        skipped as usize
    }
}

impl OutputSink for RepeatableSink {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let skipped = self.seen.skip(stream, bytes.len());
        match bytes.get(skipped..) {
            Some(rest) if !rest.is_empty() => self.inner.write(stream, rest),
            _ => {}
        }
    }
}
