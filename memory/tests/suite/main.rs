//! A memory through its public interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod check;
mod common;
mod concurrency;
mod escapes;
mod filters;
mod graph;
mod history;
mod limits;
mod links;
mod speed;
mod static_form;
mod strings;
#[cfg(feature = "tools")]
mod tools;
