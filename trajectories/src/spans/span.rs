//! A span, and what of a run it contains.

use serde::Serialize;

use super::attributes::Attributes;

/// The kind of a span inside a process.
pub(super) const INTERNAL: u32 = 1;
/// The kind of a span that waits for another system.
pub(super) const CLIENT: u32 = 3;
/// The code of a failed span's status.
const FAILED: u32 = 2;

/// What rendered spans contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpanOptions {
    /// Whether messages, arguments and results go along; not by default, as
    /// traces are read by more people than trajectories.
    pub content: bool,
}

/// A span.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) parent_span_id: String,
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) start_time_unix_nano: String,
    pub(super) end_time_unix_nano: String,
    pub(super) attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<SpanStatus>,
}

/// The status of a span that failed.
#[derive(Serialize)]
pub(super) struct SpanStatus {
    code: u32,
    message: String,
}

impl SpanStatus {
    pub(super) fn failed(message: &str) -> Self {
        Self {
            code: FAILED,
            message: message.to_owned(),
        }
    }
}
