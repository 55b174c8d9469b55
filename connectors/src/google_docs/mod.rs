//! Google Docs, downloaded or through the Drive API.

mod document;
mod downloaded;
mod live;

pub(super) use downloaded::import;
pub(super) use live::import as import_live;
