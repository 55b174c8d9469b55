//! Memories: their agent, its tools, their files.

use std::convert::Infallible;

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::turns::{KEEPALIVE, wants_events};
use crate::http::auth::Who;
use crate::http::body::{Json, Query, Text};
use crate::http::problem::{Problem, Refusal};
use crate::pieces::whole;
use crate::service::{Asked, Asking, Service};

type Result<T> = std::result::Result<T, Refusal>;

/// The largest file that is taken; a memory takes less.
const FILE_BYTES_MAX: usize = 4 << 20;

/// The memories of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemoriesBody {
    items: Vec<String>,
}

/// The names of the tenant's memories.
#[utoipa::path(
    get, path = "/v1/memories", tag = "memories",
    responses((status = 200, description = "They.", body = MemoriesBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(service): State<Service>,
    Who(who): Who,
) -> Result<Answer<MemoriesBody>> {
    let items = service.memories(&who).await?;
    Ok(Answer(MemoriesBody { items }))
}

/// Makes a memory: a folder of Markdown that an agent keeps.
#[utoipa::path(
    put, path = "/v1/memories/{name}", tag = "memories",
    params(("name" = String, Path, description = "1 to 40 of a-z, 0-9 and -.")),
    responses((status = 201, description = "It is new."),
        (status = 204, description = "It was there already."),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn create(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
) -> Result<StatusCode> {
    let is_new = service.create_memory(&who, &name).await?;
    Ok(match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::NO_CONTENT,
    })
}

/// Ends a memory, with everything in it.
#[utoipa::path(
    delete, path = "/v1/memories/{name}", tag = "memories", params(("name" = String, Path)),
    responses((status = 204, description = "It is gone."),
        (status = "4XX", description = "There is none.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
) -> Result<StatusCode> {
    service.remove_memory(&who, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A question, or something to remember.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionBody {
    /// In the person's own words.
    question: String,
    /// The agent whose model answers. Default: the only one that there is.
    #[serde(default)]
    agent: Option<String>,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplyBody {
    /// None where the agent used its turns up.
    reply: Option<String>,
    /// Replies of the model.
    calls: u32,
    input_tokens: u64,
    output_tokens: u64,
    /// US dollars, where the price of the model is known.
    cost_usd: Option<f64>,
}

impl From<Asked> for ReplyBody {
    fn from(asked: Asked) -> Self {
        Self {
            reply: asked.reply,
            calls: asked.calls,
            input_tokens: asked.input_tokens,
            output_tokens: asked.output_tokens,
            cost_usd: asked.cost_usd,
        }
    }
}

/// Asks a memory's agent, or tells it something; each question is a new conversation. With
/// `Accept: text/event-stream` the answer is a stream of `asked`, `runs`, `result`, and one
/// of `done` and `error` at the end. A client that goes away stops the agent; what it has
/// changed stays.
#[utoipa::path(
    post, path = "/v1/memories/{name}/ask", tag = "memories", params(("name" = String, Path)), request_body = QuestionBody,
    responses(
        (status = 200, description = "The answer; or its events.",
            content((ReplyBody = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The model did not answer.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
    headers: HeaderMap,
    Json(body): Json<QuestionBody>,
) -> Result<Response> {
    let agent = body.agent.as_deref();
    let mut asking = service
        .ask_memory(&who, &name, agent, body.question)
        .await?;
    if wants_events(&headers) {
        return Ok(streamed(asking));
    }
    let asked = asking.answer().await?;
    Ok(Answer(ReplyBody::from(asked)).into_response())
}

fn streamed(asking: Asking) -> Response {
    let events = stream::unfold(Some(asking), |asking| async move {
        let mut asking = asking?;
        let (name, data, left) = match asking.next().await {
            Some((name, data)) => (name, data, Some(asking)),
            None => match asking.answer().await {
                Ok(asked) => ("done", json!(ReplyBody::from(asked)), None),
                Err(error) => ("error", json!(Problem::from(&error)), None),
            },
        };
        let told = Event::default().event(name).data(data.to_string());
        Some((Ok::<_, Infallible>(told), left))
    });
    let keepalive = KeepAlive::new().interval(KEEPALIVE).text("keepalive");
    let response = Sse::new(events).keep_alive(keepalive);
    ([(header::CACHE_CONTROL, "no-store")], response).into_response()
}

/// A tool of a memory's agent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemoryToolBody {
    name: String,
    description: String,
    /// JSON Schema of the arguments.
    #[schema(value_type = Object)]
    parameters: Value,
}

/// The tools of a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemoryToolsBody {
    items: Vec<MemoryToolBody>,
}

/// The tools that a memory's agent has, which clients may call as well.
#[utoipa::path(
    get, path = "/v1/memories/{name}/tools", tag = "memories", params(("name" = String, Path)),
    responses((status = 200, description = "They.", body = MemoryToolsBody),
        (status = "4XX", description = "There is no such memory.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn tools(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
) -> Result<Answer<MemoryToolsBody>> {
    let specs = service.memory_tools(&who, &name).await?;
    let items = specs.into_iter().map(|spec| MemoryToolBody {
        name: spec.name,
        description: spec.description,
        parameters: spec.parameters,
    });
    Ok(Answer(MemoryToolsBody {
        items: items.collect(),
    }))
}

/// A call of a tool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryCallBody {
    /// The tool.
    tool: String,
    /// Its arguments.
    #[serde(default)]
    #[schema(value_type = Object)]
    arguments: Map<String, Value>,
}

/// What a call came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemoryValueBody {
    #[schema(value_type = Object)]
    value: Value,
}

/// Calls one of the tools.
#[utoipa::path(
    post, path = "/v1/memories/{name}/tools", tag = "memories", params(("name" = String, Path)), request_body = MemoryCallBody,
    responses((status = 200, description = "What it came to.", body = MemoryValueBody),
        (status = "4XX", description = "It was refused, or the tool raised.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn call(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
    Json(body): Json<MemoryCallBody>,
) -> Result<Answer<MemoryValueBody>> {
    let called = service.call_memory_tool(&who, &name, &body.tool, body.arguments);
    Ok(Answer(MemoryValueBody {
        value: called.await?,
    }))
}

/// A file of a memory.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MemoryFileQuery {
    /// Its path in the memory, such as `user.md`. Default: the list of all files.
    path: Option<String>,
}

/// The files of a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemoryFilesBody {
    items: Vec<String>,
}

/// Lists the files of a memory; with `path`, one of them.
#[utoipa::path(
    get, path = "/v1/memories/{name}/files", tag = "memories", params(("name" = String, Path), MemoryFileQuery),
    responses((status = 200, description = "The paths; or the file.",
            content((MemoryFilesBody = "application/json"), (Vec<u8> = "application/octet-stream"))),
        (status = "4XX", description = "There is none.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn files(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
    Query(query): Query<MemoryFileQuery>,
) -> Result<Response> {
    let Some(path) = query.path else {
        let items = service.memory_files(&who, &name).await?;
        return Ok(Answer(MemoryFilesBody { items }).into_response());
    };
    let bytes = service.read_memory(&who, &name, path).await?;
    // As with files of sandboxes: nothing that a browser is to run.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, bytes).into_response())
}

/// Which file is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryPathQuery {
    /// Its path in the memory.
    path: String,
}

/// Writes a file of a memory, whole or not at all. `delete_file` of the tools removes one.
#[utoipa::path(
    put, path = "/v1/memories/{name}/files", tag = "memories", params(("name" = String, Path), MemoryPathQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "It is written."),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "It does not fit.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn write(
    State(service): State<Service>,
    Who(who): Who,
    Text(name): Text,
    Query(query): Query<MemoryPathQuery>,
    body: Body,
) -> Result<StatusCode> {
    let bytes = whole(body, FILE_BYTES_MAX).await?.to_vec();
    service.write_memory(&who, &name, query.path, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}
