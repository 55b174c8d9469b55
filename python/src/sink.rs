//! Output on its way to whoever follows a turn.

use std::sync::Arc;

use memex_runtime::{OutputSink, Stream};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::signals::unraisable;
use crate::tools::from_guest;

/// Who gets a session's output as it comes; nobody, most of the time.
#[derive(Clone, Default)]
pub(crate) struct Listener(Arc<Mutex<Option<Py<PyAny>>>>);

impl Listener {
    /// Has output passed to a function of the stream's name and the bytes.
    pub(crate) fn set(&self, function: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut *self.0.lock(), function);
        // Its end can run code, which may wait for the interpreter: after the lock is free.
        drop(before);
    }
}

impl OutputSink for Listener {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        if self.0.lock().is_none() {
            return;
        }
        let name = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        // At the interpreter's exit nobody follows any more.
        let listener = &self.0;
        let _gone = from_guest(|py| {
            let function = listener
                .lock()
                .as_ref()
                .map(|function| function.clone_ref(py));
            if let Some(function) = function
                && let Err(error) = function.call1(py, (name, PyBytes::new(py, bytes)))
            {
                unraisable(py, error);
            }
        });
    }
}
