//! Sessions that outlive the process: a name in a store, and a snapshot after
//! every turn.

mod arguments;
mod trail;

pub(crate) use arguments::{StoreArguments, service_variables};
pub(crate) use trail::{SavedSession, at_turn, head_of, load};
