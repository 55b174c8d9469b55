//! Filtering text before it is written to a terminal.
//!
//! Untrusted text that reaches a terminal could retitle it, move its cursor over
//! earlier text, feed it input, or show something other than it says. One
//! [`Filter`] stands before every way there, in the command and in the Python package:
//! colours pass where they may, line ends and tabs pass, and everything else that is not
//! itself visible is shown by a picture or its number.
//!
//! ```
//! assert_eq!(memex_escapes::harmless("\x1b[31mred\x1b[0m \x1b[2J"), "\x1b[31mred\x1b[0m ␛[2J\x1b[0m");
//! assert_eq!(memex_escapes::plain("\x1b[31mred"), "␛[31mred");
//! ```

mod characters;
mod filter;
mod texts;

pub use characters::is_hidden;
pub use filter::Filter;
pub use texts::{harmless, line, plain, said};
