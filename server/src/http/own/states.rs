//! Forks, snapshots, history.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{SandboxBody, SnapshotBody};
use crate::error::ServiceError;
use crate::http::auth::Who;
use crate::http::body::{Json, Named, Query};
use crate::http::problem::{Problem, Refusal};
use crate::names::Id;
use crate::service::Service;

type Result<T> = std::result::Result<T, Refusal>;

/// How many forks are to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ForkBody {
    /// Default: 1; at most 100.
    count: usize,
    /// How long each lives, in seconds.
    lifetime_s: Option<u64>,
}

impl Default for ForkBody {
    fn default() -> Self {
        Self {
            count: 1,
            lifetime_s: None,
        }
    }
}

/// What became of each fork.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ForksBody {
    /// Those that were made.
    forks: Vec<SandboxBody>,
    /// Why others were not.
    problems: Vec<Problem>,
}

/// Makes sandboxes in the state of this one.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/fork", tag = "states", params(("id" = String, Path)), request_body = ForkBody,
    responses((status = 201, description = "They.", body = ForksBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn fork(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<ForkBody>,
) -> Result<(StatusCode, Answer<ForksBody>)> {
    let lifetime = body.lifetime_s.map(Duration::from_secs);
    let made = service.fork(&who, &id, body.count, lifetime).await?;
    let (mut forks, mut problems) = (Vec::new(), Vec::new());
    for fork in made {
        match fork {
            Ok(view) => forks.push(view.into()),
            Err(error) => problems.push(Problem::from(&error)),
        }
    }
    Ok((StatusCode::CREATED, Answer(ForksBody { forks, problems })))
}

/// A snapshot that is to be taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SnapshotRequest {
    /// What the client calls it.
    name: Option<String>,
}

/// Keeps the state of a sandbox; new ones can start from it.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/snapshots", tag = "states", params(("id" = String, Path)), request_body = SnapshotRequest,
    responses((status = 201, description = "It.", body = SnapshotBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn snapshot(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<SnapshotRequest>,
) -> Result<(StatusCode, Answer<SnapshotBody>)> {
    let taken = service.snapshot(&who, &id, body.name).await?;
    Ok((StatusCode::CREATED, Answer(taken.into())))
}

/// Which snapshots are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SnapshotsQuery {
    /// Those of this sandbox.
    sandbox: Option<String>,
}

/// Lists the tenant's snapshots, newest first.
#[utoipa::path(
    get, path = "/v1/snapshots", tag = "states", params(SnapshotsQuery),
    responses((status = 200, description = "They.", body = Vec<SnapshotBody>),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn snapshots(
    State(service): State<Service>,
    Who(who): Who,
    Query(query): Query<SnapshotsQuery>,
) -> Result<Answer<Vec<SnapshotBody>>> {
    let sandbox = match query.sandbox {
        None => None,
        Some(text) => {
            Some(Id::parse(&text).ok_or_else(|| ServiceError::not_found("sandbox", &text))?)
        }
    };
    let found = service.snapshots(&who, sandbox).await?;
    Ok(Answer(found.into_iter().map(Into::into).collect()))
}

/// Forgets a snapshot. Sandboxes that were made from it go on.
#[utoipa::path(
    delete, path = "/v1/snapshots/{id}", tag = "states", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone."),
        (status = 404, description = "There is no such snapshot.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove_snapshot(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<StatusCode> {
    service.delete_snapshot(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The turn to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RewindBody {
    turn: u64,
}

/// Puts a sandbox into its state after an earlier turn.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/rewind", tag = "states", params(("id" = String, Path)), request_body = RewindBody,
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn rewind(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<RewindBody>,
) -> Result<Answer<SandboxBody>> {
    Ok(Answer(service.rewind(&who, &id, body.turn).await?.into()))
}

/// Gives a sandbox an empty scope; its files stay.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/restart", tag = "states", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn restart(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<SandboxBody>> {
    Ok(Answer(service.restart(&who, &id).await?.into()))
}

/// A turn of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TurnRecordBody {
    turn: u64,
    /// How it ended.
    status: String,
    /// The first line of its code.
    first_line: String,
    /// In milliseconds since 1970.
    saved_ms: u64,
}

/// The saved turns of a sandbox, newest first.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/turns", tag = "states", params(("id" = String, Path)),
    responses((status = 200, description = "They.", body = Vec<TurnRecordBody>),
        (status = 404, description = "There is no such sandbox.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn history(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<Vec<TurnRecordBody>>> {
    let turns = service.history(&who, &id).await?.into_iter();
    Ok(Answer(
        turns
            .map(|turn| TurnRecordBody {
                turn: turn.turn,
                status: turn.status,
                first_line: turn.first_line,
                saved_ms: turn.saved_ms,
            })
            .collect(),
    ))
}
