//! GitHub repositories: what they are, and what is written in them.

mod copy;
mod issues;
mod live;
mod reading;
mod repository;
mod writing;

pub(super) use copy::import;
pub(super) use live::import as import_live;
