//! Rich output, the one operation of the channel that the runtime answers
//! itself, and lists in what a guest says.

mod display;
mod lists;

pub use display::{Display, DisplayData};
pub use lists::AtMost;

pub(crate) use display::decode as decode_display;
