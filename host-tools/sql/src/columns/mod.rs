//! The columns of a result, built value by value as the engine steps.
//!
//! A column takes the type of its first value and widens when a value does not
//! fit: integers to floats, anything to mixed JSON. Values go straight into the
//! buffers that cross to the guest; nothing is boxed unless a column is mixed.

mod column;
mod dictionary;
mod finish;
mod text;
mod unfit;

pub(super) use column::{Column, Declared};
pub(super) use finish::table;
pub(super) use unfit::Unfit;
