//! Keeps collections and saves apart.
//!
//! Saves share the gate, a removing collection has it alone. The turnstile in
//! front is what lets a collection in at all: while it waits for the saves that
//! are under way, it holds the turnstile, so no further save overtakes it.

use std::fs::File;

use crate::Error;
use crate::directory::files::{open_lock, shown};
use crate::directory::layout::{GATE_FILES, Layout};

/// Held while objects are written.
pub struct Shared {
    _gate: File,
}

/// Held while objects are removed.
pub struct Exclusive {
    _gate: File,
}

impl Shared {
    pub(super) fn enter(layout: &Layout) -> Result<Self, Error> {
        let _gate = pass(layout, File::lock_shared)?;
        Ok(Self { _gate })
    }
}

impl Exclusive {
    pub(super) fn enter(layout: &Layout) -> Result<Self, Error> {
        let _gate = pass(layout, File::lock)?;
        Ok(Self { _gate })
    }
}

fn pass(layout: &Layout, lock: fn(&File) -> std::io::Result<()>) -> Result<File, Error> {
    let [turnstile, gate] = GATE_FILES.map(|name| layout.lock(name));
    let failed = |error| Error::io("lock", shown(&gate), error);
    let turnstile = open_lock(&turnstile)?;
    lock(&turnstile).map_err(failed)?;
    let file = open_lock(&gate)?;
    lock(&file).map_err(failed)?;
    Ok(file)
}
