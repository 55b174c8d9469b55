//! Turns that wait for their client.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_host_tools::ClientAnswer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::WaitingBody;
use super::turns;
use crate::error::{ErrorKind, ServiceError};
use crate::http::auth::Who;
use crate::http::body::{Json, Named};
use crate::http::problem::{Problem, Refusal};
use crate::service::Service;
use crate::turns::Answer;

/// Answers to calls.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AnswersBody {
    /// One for each call; other calls stay open.
    answers: Vec<AnswerBody>,
}

/// An answer to a call: a `value`, or an `error`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    /// The call.
    call: String,
    /// The result; `{"$part": n}` stands for the n-th of `parts`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    value: Option<Value>,
    /// Binary values, in base64.
    #[serde(default)]
    parts: Vec<String>,
    /// The exception that the code gets.
    #[serde(default)]
    error: Option<ErrorBody>,
}

/// An exception.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorBody {
    /// The name of a built-in exception.
    #[serde(rename = "type", default = "runtime_error")]
    class: String,
    message: String,
}

fn runtime_error() -> String {
    "RuntimeError".to_owned()
}

impl TryFrom<AnswerBody> for Answer {
    type Error = ServiceError;

    fn try_from(body: AnswerBody) -> Result<Self, ServiceError> {
        let answer = match body.error {
            Some(error) => ClientAnswer::Error {
                class: error.class,
                message: error.message,
            },
            None => {
                let parts = body.parts.iter().map(|part| STANDARD.decode(part));
                let parts = parts.collect::<Result<_, _>>().map_err(|error| {
                    ServiceError::invalid(
                        format!("a part of an answer is no base64: {error}"),
                        "encode it with padding",
                    )
                })?;
                ClientAnswer::Value(memex_host_tools::Answer {
                    json: body.value.unwrap_or_default(),
                    parts,
                })
            }
        };
        Ok(Self {
            call: body.call,
            answer,
        })
    }
}

/// Answers calls of the turn that waits, and goes on with it; the answer is as that of a
/// turn. Without answers, it goes on if something else that it waits for has come.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/answers", tag = "turns", params(("id" = String, Path)), request_body = AnswersBody,
    responses(
        (status = 200, description = "The outcome, or the calls that the turn still waits for; or its events.",
            content((serde_json::Value = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "No answer was taken.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn answer(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    headers: HeaderMap,
    Json(body): Json<AnswersBody>,
) -> Result<Response, Refusal> {
    let answers = body.answers.into_iter().map(Answer::try_from);
    let answers = answers.collect::<Result<_, _>>()?;
    let turn = service.answer(&who, &id, answers).await?;
    turns::answer(turn, &headers).await
}

/// The calls that the sandbox waits for.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/waiting", tag = "turns", params(("id" = String, Path)),
    responses((status = 200, description = "They.", body = WaitingBody),
        (status = "4XX", description = "No turn waits.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn waiting(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<axum::Json<WaitingBody>, Refusal> {
    let waiting = service.waiting(&who, &id).await?.ok_or_else(|| {
        ServiceError::new(
            ErrorKind::NotFound,
            "not-waiting",
            "no turn of the sandbox waits for answers",
            "run a block first; its reply says when it waits",
        )
    })?;
    Ok(axum::Json(WaitingBody::of(waiting.calls)))
}

/// Gives up the turn that waits.
#[utoipa::path(
    delete, path = "/v1/sandboxes/{id}/waiting", tag = "turns", params(("id" = String, Path)),
    responses((status = 204, description = "It is over, or rolled back."),
        (status = "4XX", description = "No turn waits.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn cancel(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<StatusCode, Refusal> {
    service.cancel_waiting(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
