//! OTLP's JSON.

use serde::Serialize;

use super::attributes::Attributes;
use super::span::{Span, SpanOptions};
use super::tree::spans_of;
use crate::{Error, Trajectory};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    resource_spans: [ResourceSpans; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: [ScopeSpans; 1],
}

#[derive(Serialize)]
struct Resource {
    attributes: Attributes,
}

#[derive(Serialize)]
struct ScopeSpans {
    scope: Scope,
    spans: Vec<Span>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

/// A trajectory and its nested children as one line of OTLP's JSON, without
/// the line's end: an export request with all of its spans.
///
/// # Errors
///
/// None in practice; [`Error::Malformed`] if it cannot be written as JSON.
pub fn to_otlp_line(trajectory: &Trajectory, options: SpanOptions) -> Result<String, Error> {
    let mut attributes = Attributes::default();
    attributes.text("service.name", "memex");
    attributes.text("service.version", env!("CARGO_PKG_VERSION"));
    let scope = Scope {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    };
    let export = Export {
        resource_spans: [ResourceSpans {
            resource: Resource { attributes },
            scope_spans: [ScopeSpans {
                scope,
                spans: spans_of(trajectory, options),
            }],
        }],
    };
    serde_json::to_string(&export)
        .map_err(|error| Error::malformed(&trajectory.id, None, "", error.to_string()))
}
