//! A memory of Markdown files for language models.
//!
//! A memory is a directory: `user.md`, `entities/NAME.md`, facts as
//! `- fact_name: value`, relations as `[[links]]`. Models work on it through ten
//! tools whose answers are strings that they were trained on; people edit the
//! same files by hand.
//!
//! ```text
//!  tools ──► Memory: ten operations ──► place (a path, walked by handle)
//!                     │ changes
//!                     ▼
//!            lock ─► limits ─► journal ─► temporary file ─► rename
//! ```
//! - [`Memory`] has the ten operations; with the feature `tools`, `tools()` makes
//!   tools of them.
//! - Every change is in the journal first, so that [`Memory::log`] and
//!   [`Memory::undo`] work and a killed process leaves nothing half done.
//! - [`Memory::check`] finds what is wrong with a memory, [`Memory::graph`]
//!   draws it, [`Memory::filters`] are what its owner does not want disclosed.
//! - [`StaticMemory`] is a memory as one JSON document; `memex-connectors` fills a
//!   memory from the exports of other services.
//!
//! ```
//! use memex_memory::{Author, Memory, Options};
//!
//! let directory = tempfile::tempdir()?;
//! let memory = Memory::open(directory.path(), Options::default())?;
//! let author = Author::person("example");
//! memory.create_file(author, "user.md", "- name: Ada\n")?;
//! let updated = memory.update_file(author, "user.md", "- name: Ada", "- name: Ada Lovelace");
//! assert_eq!(updated.result, Ok(()));
//! assert_eq!(memory.list_files(), "./\n└── user.md");
//!
//! memory.undo(author, memex_memory::Undo::Newest(1), false)?;
//! assert_eq!(memory.read_file("user.md"), "- name: Ada\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod check;
mod error;
mod example;
mod files;
mod filters;
#[cfg(feature = "tools")]
mod foreign;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod history;
mod journal;
mod ledger;
mod limits;
mod link_index;
pub mod markdown;
mod memory;
mod names;
mod operations;
mod path;
mod place;
mod replacement;
mod root;
mod settling;
mod static_form;
mod target;
#[cfg(feature = "tools")]
mod tools;
mod transaction;
mod tree;
mod writer;

pub use change::{Author, Change, Content, ContentDigest};
pub use check::Finding;
pub use error::Error;
pub use files::universal_newlines;
pub use filters::Filters;
pub use graph::{Edge, GRAPH_EDGES_MAX, GRAPH_NODES_MAX, Graph, Node};
pub use history::Undo;
pub use limits::{Durability, Limits, Mode, Options, Retention};
pub use memory::Memory;
pub use operations::{Raised, Updated};
pub use path::{PATH_DEPTH_MAX, shown};
pub use static_form::{StaticEntity, StaticMemory};
#[cfg(feature = "tools")]
pub use tools::{Warnings, tools};
