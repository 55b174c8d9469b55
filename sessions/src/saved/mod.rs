//! Sessions that outlive the process: a name in a store, and a snapshot after
//! every turn.

mod encoding;
mod forking;
mod history;
mod place;

pub use encoding::for_store;
pub use forking::fork;
pub use history::{SavedSession, at_turn, head_of, load};
pub use place::open_store;
