//! Passing a session's output on while a turn runs.

use crate::console::{complain_passed, print_passed};
use crate::escapes::Filter;
use memex_runtime::{OutputSink, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The command's two streams as a session's. Towards a terminal, control
/// sequences are made visible.
pub(super) struct Streams {
    stdout: Option<Filter>,
    stderr: Option<Filter>,
    mid_line: Arc<AtomicBool>,
}

impl Streams {
    pub(super) fn new(
        stdout_is_terminal: bool,
        stderr_is_terminal: bool,
        mid_line: Arc<AtomicBool>,
    ) -> Self {
        let filter = |is_terminal: bool| is_terminal.then(Filter::default);
        Self {
            stdout: filter(stdout_is_terminal),
            stderr: filter(stderr_is_terminal),
            mid_line,
        }
    }
}

impl OutputSink for Streams {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let filter = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
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
