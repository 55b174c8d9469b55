//! Displays, which the runtime answers itself, and bounded lists in the guest's
//! answers.

mod display;
mod lists;

pub use display::{Display, DisplayData};
pub use lists::AtMost;

pub(crate) use display::{FORM_BYTES, decode as decode_display};
