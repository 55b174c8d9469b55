//! Traces: a span for each request, sent to a collector as OTLP has it, in JSON over HTTP.
//!
//! The protocol is small enough to be spoken here: the crates of OpenTelemetry would bring a
//! hundred others. Spans wait in a bounded queue; where it is full they are dropped and
//! counted, and no request waits for a collector.

mod context;
mod exporter;
mod settings;

pub(crate) use context::{Span, TraceContext};
pub(crate) use exporter::Traces;
pub use settings::{Collector, TraceSettings};
