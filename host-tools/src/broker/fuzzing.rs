//! The gate of calls, for the fuzz target.

use super::budget::Budget;
use super::head::Head;
use super::permission::{Permission, Usage};
use super::questions;
use crate::tool::Arguments;
use crate::toolbox::Toolbox;
use memex_channel::{Frame, OP_TOOLBOX, Reply};
use memex_policies::ToolGrants;

/// What became of a frame.
#[derive(Debug)]
pub enum Gated {
    /// A call that may run, with its arguments.
    Admitted(Arguments),
    /// The answer to a question about the toolbox.
    Answered(Reply),
    /// It was refused in these words.
    Refused(String),
}

/// Takes the bytes of a frame as a broker does, up to the tool itself.
#[must_use]
pub fn gate(toolbox: &Toolbox, grants: &ToolGrants, bytes: &[u8]) -> Gated {
    let frame = match Frame::decode(bytes) {
        Ok(frame) => frame,
        Err(error) => return Gated::Refused(error.to_string()),
    };
    let mut permission = Permission::new(toolbox.clone(), grants.clone(), Budget::default());
    if frame.op == OP_TOOLBOX {
        return Gated::Answered(questions::ask(&permission, frame.head));
    }
    let tree_max = permission.budget.tree_bytes();
    let admitted = Head::parse(frame.head, tree_max)
        .and_then(|head| permission.admit(head, &frame, Usage::default));
    match admitted {
        Ok(admitted) => Gated::Admitted(admitted.arguments),
        Err(error) => Gated::Refused(error.message),
    }
}
