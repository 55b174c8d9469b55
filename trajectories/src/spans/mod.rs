//! Trajectories as OpenTelemetry spans, by the semantic conventions for
//! generative AI.
//!
//! A run is an `invoke_agent` span; in it every reply of the model is a `chat`
//! span, every block of code and tool call an `execute_tool` span, and every
//! nested child an `invoke_agent` span with its own. [`to_otlp_line`] renders
//! them after the fact as a line of OTLP's JSON, which collectors read from
//! files; [`invoke_agent`], [`chat`] and [`execute_tool`] are the same spans
//! for a live run, through `tracing`.

mod attributes;
mod ids;
mod live;
mod otlp;
mod span;
mod tree;

pub use ids::{span_id, trace_id};
pub use live::{chat, execute_tool, invoke_agent, record_usage};
pub use otlp::to_otlp_line;
pub use span::SpanOptions;
