//! Passing a session's output on while a turn runs.

use crate::console::{complain_passed, print_passed};
use memex_escapes::Filter;
use memex_runtime::{OutputSink, Stream};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What makes the two streams harmless for the terminals that they go to. It
/// remembers what a turn leaves behind: half a sequence, a colour.
#[derive(Debug)]
pub(super) struct Filters {
    stdout: Option<Filter>,
    stderr: Option<Filter>,
}

impl Filters {
    pub(super) fn new(stdout_is_terminal: bool, stderr_is_terminal: bool) -> Self {
        let filter = |is_terminal: bool| is_terminal.then(Filter::default);
        Self {
            stdout: filter(stdout_is_terminal),
            stderr: filter(stderr_is_terminal),
        }
    }

    /// Ends what the code has left open, so that what comes next is seen as it is.
    pub(super) fn finish(&mut self) {
        if let Some(filter) = &mut self.stdout {
            print_passed(&filter.finish());
        }
        if let Some(filter) = &mut self.stderr {
            complain_passed(&filter.finish());
        }
    }
}

/// The command's two streams as a session's. Towards a terminal, control
/// sequences are made visible.
pub(super) struct Streams {
    filters: Arc<Mutex<Filters>>,
    mid_line: Arc<AtomicBool>,
}

impl Streams {
    pub(super) fn new(filters: Arc<Mutex<Filters>>, mid_line: Arc<AtomicBool>) -> Self {
        Self { filters, mid_line }
    }
}

impl OutputSink for Streams {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let mut filters = self.filters.lock();
        let filter = match stream {
            Stream::Stdout => &mut filters.stdout,
            Stream::Stderr => &mut filters.stderr,
        };
        let passed;
        let shown = match filter {
            Some(filter) => {
                passed = filter.pass(bytes);
                passed.as_slice()
            }
            None => bytes,
        };
        match stream {
            Stream::Stdout => {
                self.mid_line
                    .store(bytes.last() != Some(&b'\n'), Ordering::Relaxed);
                print_passed(shown);
            }
            Stream::Stderr => complain_passed(shown),
        }
    }
}
