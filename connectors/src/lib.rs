//! Memories filled from what other services export.
//!
//! ```text
//!  .zip, folder, file, Fetch ──► pages (title, facts, text) ──► entities/SOURCE/*.md
//!                                                          └──► entities/SOURCE.md, user.md
//! ```
//! No model is needed, and the same export always makes the same files: what
//! an export says as a fact becomes a fact, everything else is kept as text.
//! Importing again updates what is there and keeps what was edited by hand.
//! Everything in an archive is bounded and its paths are never used as paths.

mod archive;
mod chatgpt;
mod chats;
mod claude;
mod csv;
mod date;
mod docx;
mod fetch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod github;
mod google_docs;
mod html;
mod importer;
mod index;
mod limits;
mod links;
mod merge;
mod notes;
mod obsidian;
mod page;
mod pages;
mod report;
mod services;
mod slug;
mod source;
mod splitting;
mod table;
mod text;

pub use fetch::{Fetch, FetchError, FetchRequest, Fetched};
pub use importer::Importer;
pub use limits::ImportLimits;
pub use report::{ImportReport, Skipped};
pub use services::{GITHUB_API, GOOGLE_API};
