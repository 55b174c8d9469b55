//! Arguments against schemas.

mod absent;
mod formats;
mod messages;
mod references;
mod steps;
mod validator;

pub(crate) use messages::clipped;
pub(crate) use references::{is_binary, is_table};
pub(crate) use validator::Validator;
