//! The names of a sandbox's scope.

use axum::Json as Answer;
use axum::extract::State;
use memex_runtime::AtMost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::auth::Who;
use crate::http::body::Named;
use crate::http::problem::{Problem, Refusal};
use crate::service::Service;

/// Names, lines and dimensions that are taken of what a guest says.
const NAMES_MAX: usize = 1_000;
const LINES_MAX: usize = 200;
const DIMENSIONS_MAX: usize = 64;

/// The names of a scope, as the sandbox tells them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VariablesBody {
    names: Vec<VariableBody>,
    /// A line for each name that code has made, as models are told of it.
    lines: Vec<String>,
}

/// A name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VariableBody {
    name: String,
    /// The type of its value.
    #[serde(rename = "type")]
    kind: String,
    /// The dimensions of an array or a table.
    shape: Option<Vec<i64>>,
    /// The length of a collection or a text.
    len: Option<u64>,
    /// The beginning of how it is shown.
    preview: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    names: AtMost<ToldName, NAMES_MAX>,
}

#[derive(Deserialize)]
struct ToldName {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    shape: Option<AtMost<i64, DIMENSIONS_MAX>>,
    #[serde(default)]
    len: Option<u64>,
    #[serde(default)]
    preview: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ToldLines {
    lines: AtMost<String, LINES_MAX>,
}

/// The names of a sandbox's scope. None of its code runs for it; a turn that runs is waited
/// for.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/variables", tag = "turns", params(("id" = String, Path)),
    responses((status = 200, description = "They.", body = VariablesBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<VariablesBody>, Refusal> {
    let told = service.variables(&who, &id).await?;
    // What is no such answer is the guest's doing, and is none.
    let names: Told = read(told.names.as_deref());
    let lines: ToldLines = read(told.lines.as_deref());
    let names = names.names.0.into_iter().map(|told| VariableBody {
        name: told.name,
        kind: told.kind,
        shape: told.shape.map(|shape| shape.0),
        len: told.len,
        preview: told.preview,
    });
    Ok(Answer(VariablesBody {
        names: names.collect(),
        lines: lines.lines.0,
    }))
}

fn read<T: Default + for<'de> Deserialize<'de>>(text: Option<&str>) -> T {
    let read = text.and_then(|text| serde_json::from_str(text).ok());
    read.unwrap_or_default()
}
