//! Bodies of the control plane, for the fuzz target.

use super::create::NewSandbox;
use crate::json::object;

pub(in super::super) fn read_new_sandbox(body: &[u8]) -> Result<(), String> {
    match object::<NewSandbox>(body) {
        Err(error) if error.to_string().is_empty() => Err("no reason".to_owned()),
        _ => Ok(()),
    }
}
