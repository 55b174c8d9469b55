//! What belongs to one process.
//!
//! After `os.fork()` the child has this memory but none of the threads: a watchdog
//! that does not run, a runtime whose shutdown would wait for ever. So nothing made
//! before a fork is used, or even dropped, in the child.

use pyo3::prelude::*;

use crate::errors::{Class, raise};

/// A value that only the process that made it may touch.
pub(crate) struct Owned<T> {
    value: Option<T>,
    process: u32,
}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Some(value),
            process: std::process::id(),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// `ForkedProcess` in a child of the process that made it.
    pub(crate) fn get(&self, py: Python<'_>) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.process == std::process::id() => Ok(value),
            _ => Err(raise(
                py,
                Class::ForkedProcess,
                "this object was made before os.fork(), whose child has none of its threads; \
                 make another one in the child, or start workers with the start method 'spawn'",
            )),
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}
