//! Keys: what clients show, and what the server keeps of it.

mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod key;
mod tokens;

pub use file::{KeyFile, NewKey};
pub(crate) use key::Ring;
pub use key::{KeyRecord, issue};
pub(crate) use tokens::Tokens;
