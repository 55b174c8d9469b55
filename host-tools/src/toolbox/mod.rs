//! Toolboxes: the tools that sessions see.
//!
//! A [`Toolbox`] is made once and shared by every session. What a tool needs
//! to be called (its validator, its Python source) is made when it is first
//! asked for, so that a toolbox of a thousand tools costs a session nothing.

mod builder;
mod entry;
mod identifiers;
mod index;
mod mending;
mod shape;
mod tools;

pub use builder::{TOOL_NAME_MAX_BYTES, TOOLBOX_TOOLS_MAX, ToolboxBuilder};
pub use entry::ToolEntry;
pub use mending::{mended, mended_parameters};
pub use shape::{
    SCHEMA_DEPTH_MAX, SCHEMA_NODES_MAX, SchemaProblem, check_parameters, check_schema,
};
pub use tools::Toolbox;

pub(crate) use identifiers::{identifier_of, is_identifier};
pub(crate) use shape::{MANY, NAMED, ONE, pointer_of, resolve};
