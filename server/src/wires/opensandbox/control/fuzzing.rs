//! Bodies of the control plane, for the fuzz target.

use super::create::{NewSandbox, origin_of, refuse};
use crate::json::value as bounded;

pub(in super::super) fn read_new_sandbox(body: &[u8]) -> Result<(), String> {
    let asked = match bounded::<NewSandbox>(body) {
        Ok(asked) => asked,
        Err(error) if error.to_string().is_empty() => return Err("no reason".to_owned()),
        Err(_) => return Ok(()),
    };
    if refuse(&asked).is_ok() && origin_of(&asked).is_ok_and(|(_, name)| name.len() > body.len()) {
        return Err("a name is longer than its body".to_owned());
    }
    Ok(())
}
