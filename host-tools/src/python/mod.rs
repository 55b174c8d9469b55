//! Tools as Python: typed functions made of JSON schemas.
//!
//! What a schema becomes:
//!
//! | schema | Python |
//! |---|---|
//! | object with properties | a `Record` class |
//! | other objects | `dict[str, T]` |
//! | array; with `prefixItems` | `list[T]`; `tuple[A, B]` |
//! | texts of an `enum`: up to eight; more | `Literal[…]`; an `Enum` class |
//! | other values of an `enum`, `const` | `Literal[…]` |
//! | `anyOf`, `oneOf`, lists of types, `nullable` | `A \| B` |
//! | `allOf` | one schema of all |
//! | `date`, `date-time`, `time`, `uuid`, `decimal` | the Python type |
//! | `binary`, `byte`, base64 | `bytes` |
//! | `"x-memex-type": "table"` | `DataFrame` |
//! | what is too deep, too much or unclear | `Any` |
//!
//! Invariant: whatever the names and descriptions in a schema are, the text is
//! valid Python, and nothing of them ends up in it but as names and literals.

mod definition;
mod functions;
mod merging;
mod names;
mod records;
mod text;
mod types;
mod walk;

pub use definition::{Definition, Form};

pub(crate) use text::summary;
