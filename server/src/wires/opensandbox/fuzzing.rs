//! What clients of OpenSandbox send, for the fuzz targets.

use super::routing::{Place, place};
use super::{control, execd};

pub(in crate::wires) fn read_bodies(body: &[u8]) -> Result<(), String> {
    control::fuzzing::read_new_sandbox(body)
}

pub(in crate::wires) fn matches(pattern: &str, path: &str) -> bool {
    execd::fuzzing::matches(pattern, path)
}

/// A path is one of the control plane, or of a port, and begins with a slash if it did.
pub(in crate::wires) fn check_place(path: &str) -> Result<(), String> {
    let (Place::Control(within) | Place::Port(_, _, within)) = place(path);
    match !path.starts_with('/') || within.starts_with('/') {
        true => Ok(()),
        false => Err(format!("{path:?} leads to {within:?}")),
    }
}
