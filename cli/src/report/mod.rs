//! Reporting outcomes of turns: for people, or as JSON.

mod displays;
mod human;
mod json;
mod quantities;
mod reporter;
mod streaming;

pub(crate) use displays::DisplayFolder;
pub(crate) use quantities::{bytes, duration};
pub(crate) use reporter::{Format, Reporter};
