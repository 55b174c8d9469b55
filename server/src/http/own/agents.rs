//! Agents: what there is, and tasks for them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use memex_agent::Budgets;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::turns::{KEEPALIVE, wants_events};
use crate::agents::{RunBody, RunEvents};
use crate::error::ServiceError;
use crate::http::auth::Who;
use crate::http::body::{Json, Named, Query};
use crate::http::problem::{Problem, Refusal};
use crate::service::{Service, Task};

type Result<T> = std::result::Result<T, Refusal>;

/// Runs of a list, where the request does not say.
const LISTED: usize = 100;

/// An agent that may be run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentBody {
    name: String,
    description: String,
    /// The model, as its provider names it.
    model: String,
    /// The most that a run may use up.
    budgets: BudgetsBody,
}

/// What a run may use up, its spawned agents included.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BudgetsBody {
    /// Replies of the model.
    turns: Option<u64>,
    /// Tokens into and out of models.
    tokens: Option<u64>,
    /// US dollars, as far as prices are known.
    cost_usd: Option<f64>,
    /// Time on the wall's clock.
    wall_time_ms: Option<u64>,
}

impl From<Budgets> for BudgetsBody {
    fn from(budgets: Budgets) -> Self {
        Self {
            turns: Some(budgets.turns),
            tokens: Some(budgets.tokens),
            cost_usd: budgets.cost_usd,
            wall_time_ms: Some(budgets.wall_time_ms),
        }
    }
}

impl BudgetsBody {
    fn asked(self) -> Budgets {
        Budgets {
            turns: self.turns.unwrap_or(u64::MAX),
            tokens: self.tokens.unwrap_or(u64::MAX),
            cost_usd: self.cost_usd,
            wall_time_ms: self.wall_time_ms.unwrap_or(u64::MAX),
        }
    }
}

/// The agents that may be run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentsBody {
    items: Vec<AgentBody>,
}

/// The agents that the operator has set up for the tenant.
#[utoipa::path(
    get, path = "/v1/agents", tag = "agents",
    responses((status = 200, description = "They.", body = AgentsBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(service): State<Service>,
    Who(who): Who,
) -> Result<Answer<AgentsBody>> {
    let agents = service.agents(&who)?;
    let items = agents.iter().map(|agent| AgentBody {
        name: agent.name.clone(),
        description: agent.description.clone(),
        model: agent.model.name().to_owned(),
        budgets: agent.config.budgets.into(),
    });
    Ok(Answer(AgentsBody {
        items: items.collect(),
    }))
}

/// A task for an agent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskBody {
    /// The task, in words.
    task: String,
    /// The agent. Default: the only one that there is.
    #[serde(default)]
    agent: Option<String>,
    /// The JSON Schema of the answer. Default: words.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    output: Option<Value>,
    /// Values that its code finds under these names.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    inputs: BTreeMap<String, Value>,
    /// Bounds, where they are lower than the operator's.
    #[serde(default)]
    budgets: Option<BudgetsBody>,
}

/// Has an agent begin a task. With `Accept: text/event-stream` the answer is the stream of
/// its events; the run goes on when the client goes away.
#[utoipa::path(
    post, path = "/v1/runs", tag = "agents", request_body = TaskBody,
    responses(
        (status = 202, description = "It runs.", body = RunBody),
        (status = 200, description = "Its events.", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It was refused for now.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn start(
    State(service): State<Service>,
    Who(who): Who,
    headers: HeaderMap,
    Json(body): Json<TaskBody>,
) -> Result<Response> {
    let task = Task {
        agent: body.agent,
        task: body.task,
        output: body.output,
        inputs: body.inputs,
        budgets: body.budgets.map(BudgetsBody::asked),
    };
    let run = service.start_run(&who, task).await?;
    if wants_events(&headers) {
        return Ok(streamed(service.run_events(&who, &run.id, 0)?));
    }
    Ok((StatusCode::ACCEPTED, Answer(RunBody::from(run))).into_response())
}

/// Which runs are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunsQuery {
    /// How many at most: 100 by default, 1000 at most.
    limit: Option<usize>,
}

/// Runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunsBody {
    items: Vec<RunBody>,
}

/// The tenant's runs since the server started, newest first.
#[utoipa::path(
    get, path = "/v1/runs", tag = "agents", params(RunsQuery),
    responses((status = 200, description = "They.", body = RunsBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn runs(
    State(service): State<Service>,
    Who(who): Who,
    Query(query): Query<RunsQuery>,
) -> Result<Answer<RunsBody>> {
    let runs = service.runs(&who, query.limit.unwrap_or(LISTED))?;
    Ok(Answer(RunsBody {
        items: runs.into_iter().map(Into::into).collect(),
    }))
}

/// A run; also one of before the server's start.
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = RunBody),
        (status = "4XX", description = "There is no such run.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn show(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<RunBody>> {
    Ok(Answer(service.agent_run(&who, &id).await?.into()))
}

/// The events of a run: `asked`, `runs`, `step`, `dropped`, and `done` at the end, which has
/// the run. Each has a number as its id: with `Last-Event-ID`, those after it come.
#[utoipa::path(
    get, path = "/v1/runs/{id}/events", tag = "agents",
    params(("id" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was read.")),
    responses((status = 200, description = "Its events.", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "The server does not know the run, or not any more.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn events(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response> {
    let from = match headers.get("last-event-id") {
        None => 0,
        Some(last) => {
            let last = last
                .to_str()
                .ok()
                .and_then(|last| last.parse::<usize>().ok());
            let last = last.ok_or_else(|| {
                ServiceError::invalid(
                    "the header Last-Event-ID holds no number",
                    "send the id of the last event that was read",
                )
            })?;
            last.saturating_add(1)
        }
    };
    Ok(streamed(service.run_events(&who, &id, from)?))
}

/// Stops a run: a block that runs is interrupted, the second time ended.
#[utoipa::path(
    post, path = "/v1/runs/{id}/cancel", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, description = "The run, which may go on for a moment.", body = RunBody),
        (status = "4XX", description = "The server does not know the run.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn cancel(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<RunBody>> {
    Ok(Answer(service.cancel_run(&who, &id)?.into()))
}

/// Forgets a run that has ended.
#[utoipa::path(
    delete, path = "/v1/runs/{id}", tag = "agents", params(("id" = String, Path)),
    responses((status = 204, description = "It is forgotten."),
        (status = "4XX", description = "It runs, or there is none.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<StatusCode> {
    service.remove_run(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn streamed(events: RunEvents) -> Response {
    let events = stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        let told = Event::default()
            .id(event.number.to_string())
            .event(event.name)
            .data(&*event.data);
        Some((Ok::<_, Infallible>(told), events))
    });
    let keepalive = KeepAlive::new().interval(KEEPALIVE).text("keepalive");
    let response = Sse::new(events).keep_alive(keepalive);
    ([(header::CACHE_CONTROL, "no-store")], response).into_response()
}
