//! Observations: how results of code and calls are shown to the model.

mod cutting;
mod names;
mod pictures;
mod rendering;
mod tables;

pub use cutting::cut;
pub(crate) use names::inventory;
pub use names::{ScopeNames, change};
pub(crate) use pictures::{pictures_in, visible};
pub(crate) use rendering::SUBMITTED;
pub use rendering::{Ran, observation, shown};
pub use tables::result_text;
pub(crate) use tables::result_value;
