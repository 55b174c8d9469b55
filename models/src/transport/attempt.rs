//! One attempt: a request out, an answer in.

use std::time::SystemTime;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};

use super::arriving::Arriving;
use super::outgoing::Outgoing;
use super::{Transport, rate_headers};
use crate::error::{excerpt, in_a_line};
use crate::key::scrubbed;
use crate::protocols::provider_error;
use crate::scripted::tell;
use crate::{ApiKey, DeltaSink, ModelError, Reply, TimeoutPhase};

/// The media type of a stream. Such types have no case.
const EVENT_STREAM: &str = "text/event-stream";
/// How much of a failure's body is read.
const FAILURE_BYTES_MAX: u64 = 64 << 10;

/// Sends a request once and reads its answer.
pub(super) async fn send(
    transport: &Transport,
    outgoing: &Outgoing<'_>,
    sink: &mut dyn DeltaSink,
) -> Result<Reply, ModelError> {
    let timeouts = &transport.timeouts;
    let builder = transport.client.post(outgoing.url.clone());
    let builder = builder.headers(outgoing.headers.clone());
    let sent = builder.body(outgoing.body.clone()).send();
    let head = timeouts.wait(TimeoutPhase::FirstByte, async {
        sent.await.map_err(|error| {
            let slow = error.is_timeout() && error.is_connect();
            if slow {
                return ModelError::Timeout {
                    phase: TimeoutPhase::Connect,
                    limit_ms: timeouts.connect_ms,
                };
            }
            outgoing.lost(error)
        })
    });
    let response = head.await?;
    if !response.status().is_success() {
        return Err(failure(transport, outgoing, response).await);
    }
    // The provider says that the next one would be refused: spare it that.
    if let Some(wait) = rate_headers::used_up(response.headers(), SystemTime::now()) {
        let bearable = u128::from(transport.retry.retry_after_max_ms);
        if wait.as_millis() <= bearable {
            transport.limiter.close_for(wait);
        }
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let is_stream = kind.to_ascii_lowercase().starts_with(EVENT_STREAM);
    let mut arriving = Arriving::new(transport, outgoing, response);
    let answer = async {
        if is_stream || arriving.begins_as_events().await? {
            return arriving.streamed(sink).await;
        }
        let reply = arriving.whole().await;
        // Observers get the same content, all at once.
        reply.inspect(|reply| tell(reply, 0, sink))
    };
    answer
        .await
        .map_err(|error| cleaned(error, outgoing.secrets))
}

/// The error that an unsuccessful answer is.
async fn failure(
    transport: &Transport,
    outgoing: &Outgoing<'_>,
    mut response: Response,
) -> ModelError {
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    // What it says is a courtesy: the status counts even if it breaks off.
    while let Ok(Some(chunk)) = transport
        .timeouts
        .wait(TimeoutPhase::Idle, async {
            Ok(response.chunk().await.ok().flatten())
        })
        .await
    {
        body.extend_from_slice(&chunk);
        if body.len() as u64 >= FAILURE_BYTES_MAX {
            break;
        }
    }
    let said = serde_json::from_slice(&body).ok();
    let said = said.as_ref().and_then(provider_error);
    let (code, message) = said.unwrap_or_else(|| (None, excerpt(&String::from_utf8_lossy(&body))));
    let wait = rate_headers::retry_after(&headers, SystemTime::now());
    if let (StatusCode::TOO_MANY_REQUESTS, Some(wait)) = (status, wait)
        && wait.as_millis() <= u128::from(transport.retry.retry_after_max_ms)
    {
        transport.limiter.close_for(wait);
    }
    // An account without money answers 429 too, and will go on doing so.
    let broke = code.as_deref() == Some("insufficient_quota");
    let retryable = rate_headers::should_retry(&headers).unwrap_or(passes(status) && !broke);
    ModelError::Status {
        peer: outgoing.peer(),
        status: status.as_u16(),
        code: code.map(|code| in_a_line(&scrubbed(&code, outgoing.secrets))),
        message: in_a_line(&scrubbed(&message, outgoing.secrets)),
        retryable: retryable && !refused(status),
        retry_after_ms: wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
    }
}

fn passes(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 409 | 429) || status.is_server_error()
}

/// No second attempt helps here, whatever a header says.
fn refused(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 403 | 404)
}

/// A peer may repeat what it was sent.
fn cleaned(error: ModelError, secrets: &[ApiKey]) -> ModelError {
    let clean = |text: String| in_a_line(&scrubbed(&text, secrets));
    match error {
        ModelError::Malformed {
            protocol,
            what,
            excerpt,
        } => ModelError::Malformed {
            protocol,
            what: clean(what),
            excerpt: clean(excerpt),
        },
        ModelError::Reported {
            protocol,
            code,
            message,
            retryable,
        } => ModelError::Reported {
            protocol,
            code: clean(code),
            message: clean(message),
            retryable,
        },
        other => other,
    }
}
