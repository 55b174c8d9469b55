//! Sessions that outlive the process: a name in a store, and a snapshot after
//! every turn.

mod encoding;
mod forking;
mod history;
mod place;

pub use encoding::{for_store, from_store};
pub use forking::fork;
pub use history::{SavedSession, at_turn, commit, commit_noting, head_of, load, status_word};
pub use place::open_store;
