//! Prices of tokens.

mod cost;
mod table;

pub use cost::Cost;
pub use table::{Price, Prices};
