//! JSON as programs write it, made into JSON as its standard has it.
//!
//! | a program writes | it becomes |
//! |---|---|
//! | a byte order mark in front of all | nothing |
//! | `NaN` or `Infinity`, with or without a sign, as a number | `null` |
//! | half of a surrogate pair in a string | U+FFFD |
//! | a byte that is not UTF-8, in a string | U+FFFD |
//! | a control character in a string | its escape |
//!
//! Everything else passes unchanged, and the parser decides whether it is JSON. [`mended`] takes
//! a whole text; [`Mended`] takes a stream and holds a few kilobytes of it.
//!
//! ```
//! assert_eq!(*memex_json::mended(br#"[1, NaN, "\ud83d"]"#), *br#"[1, null, "\ufffd"]"#);
//! ```

mod changes;
mod scanner;
mod stream;
mod whole;

pub use changes::Changes;
pub use stream::Mended;
pub use whole::mended;
