//! Filtering text before it is written to a terminal.
//!
//! Untrusted text that reaches a terminal could retitle it, move its cursor over
//! earlier text, feed it input, or show something other than it says. One
//! [`Filter`] stands before every way there: colours pass where they may, line
//! ends and tabs pass, and everything else that is not itself visible is shown by
//! a picture or its number.

mod characters;
mod filter;
mod texts;

pub(crate) use filter::Filter;
pub(crate) use texts::{harmless, line, plain, said};
