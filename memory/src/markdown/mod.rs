//! Parsing a memory's Markdown: links, headings, facts.

mod address;
mod facts;
mod frontmatter;
mod lines;
mod links;

pub use address::{InlineLink, inline_link, unescaped};
pub use facts::{fact, heading, is_item};
pub use frontmatter::aliases;
pub use lines::lines;
pub use links::{Link, links};
