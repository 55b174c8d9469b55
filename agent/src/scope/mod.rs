//! Where code runs: a session, wherever it is.

mod in_process;
mod kept;
mod place;
mod waiting;

pub use in_process::InProcess;
pub(crate) use in_process::{Kept, STACK_BYTES};
pub(crate) use kept::{forget, kept_path, kept_steps, restore};
pub use place::Scope;
pub(crate) use place::{Equipment, Place, Spawner};
pub(crate) use waiting::{Bell, Waiting};
