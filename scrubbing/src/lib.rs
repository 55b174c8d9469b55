//! Takes secrets out of everything that goes back to a guest, a client or a log.
//!
//! ```text
//!  text ─► readings ─► automaton of all forms ─► places ─► replaced by a label
//!          (what each place may stand for)
//! ```
//! One scrubber serves the requests of `fetch` and the tools of tool files. It
//! finds a secret in any case of letters, as it is, reversed, in hexadecimal and
//! as a list of numbers (with anything usual between the bytes), in base32 and in
//! base64 (both alphabets, also of UTF-16, any bytes around it), and each of these
//! escaped as in URLs, JSON, HTML, source code or mail, once or several times over,
//! with every byte escaped in a way of its own. Characters that cannot be seen do
//! not hide it, so that it does not matter where they are taken out.
//!
//! This is a net for peers that echo by habit. A peer that means to pass a
//! secret on can do so: split between answers, encrypted, as a picture.
//!
//! Time is linear in the text for any secrets and any text. Memory is linear in the
//! secrets, besides the text that comes out.

mod automaton;
mod forms;
mod pairs;
mod readings;
mod scrubber;
mod search;
mod values;

pub use forms::{SECRET_MAX_BYTES, SECRET_MIN_BYTES, check_header_value, check_size, parts};
pub use scrubber::{REPLACEMENT, Scrubber};
