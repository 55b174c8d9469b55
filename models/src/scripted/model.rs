//! The model that plays a script.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::{Failure, Script, ScriptPlayer};
use crate::transport::{Attempt, with_retries};
use crate::{Delta, DeltaSink, Model, ModelError, Part, Reply, Request, RetryPolicy, TimeoutPhase};

/// What its errors call its protocol.
const NAME: &str = "script";

/// A model whose replies come from a [`Script`]. It needs no network, and says
/// the same every time.
///
/// Without a retry policy a scripted failure is the caller's; with one it is
/// tried again, and the next entry answers.
#[derive(Debug)]
pub struct ScriptedModel {
    name: String,
    player: ScriptPlayer,
    retry: RetryPolicy,
}

impl ScriptedModel {
    /// A model of this name that plays a script from its beginning.
    pub fn new(name: impl Into<String>, script: Script) -> Self {
        Self {
            name: name.into(),
            player: ScriptPlayer::new(script),
            retry: RetryPolicy::never(),
        }
    }

    /// The same model, trying again after failures.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

impl Model for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn DeltaSink,
    ) -> BoxFuture<'a, Result<Reply, ModelError>> {
        async move {
            let turn = Turn {
                model: self,
                request,
            };
            with_retries(&self.retry, sink, &turn).await
        }
        .boxed()
    }
}

struct Turn<'r> {
    model: &'r ScriptedModel,
    request: &'r Request,
}

impl Attempt for Turn<'_> {
    fn run<'a>(&'a self, sink: &'a mut dyn DeltaSink) -> BoxFuture<'a, Result<Reply, ModelError>> {
        async move {
            let player = &self.model.player;
            let (entry, number) = player.next(self.request)?;
            let latency_ms = entry.latency_ms.unwrap_or(0);
            if latency_ms > 0 {
                tokio::time::sleep(Duration::from_millis(latency_ms)).await;
            }
            let reply = entry.reply(&self.model.name, number, self.request);
            match &entry.fail {
                None => {
                    tell(&reply, player.chunk_chars, sink);
                    Ok(reply)
                }
                Some(failure) => Err(fail(failure, &reply, player.chunk_chars, latency_ms, sink)),
            }
        }
        .boxed()
    }
}

fn fail(
    failure: &Failure,
    reply: &Reply,
    chunk_chars: usize,
    waited_ms: u64,
    sink: &mut dyn DeltaSink,
) -> ModelError {
    let protocol = NAME;
    let timeout = |phase| ModelError::Timeout {
        phase,
        limit_ms: waited_ms,
    };
    let mut tell_some = |count: usize| {
        let told = deltas(reply, chunk_chars).into_iter().take(count);
        told.for_each(|delta| sink.delta(delta));
    };
    match failure {
        Failure::Http {
            status,
            code,
            message,
            retry_after_ms,
        } => ModelError::Status {
            peer: NAME.to_owned(),
            status: *status,
            code: code.clone(),
            message: message.clone().unwrap_or_default(),
            retryable: matches!(status, 408 | 409 | 429 | 500..),
            retry_after_ms: *retry_after_ms,
        },
        Failure::Cut { after_pieces } => {
            tell_some(*after_pieces);
            ModelError::Cut { protocol, bytes: 0 }
        }
        Failure::Stall { after_pieces } => {
            tell_some(*after_pieces);
            timeout(TimeoutPhase::Idle)
        }
        Failure::Malformed { after_pieces } => {
            tell_some(*after_pieces);
            ModelError::malformed(protocol, "a scripted failure", "")
        }
        Failure::Timeout => timeout(TimeoutPhase::FirstByte),
        Failure::Disconnect => ModelError::Connection {
            peer: NAME.to_owned(),
            message: "closed without an answer".to_owned(),
        },
    }
}

/// Streams a complete reply as if it were being written.
pub(crate) fn tell(reply: &Reply, chunk_chars: usize, sink: &mut dyn DeltaSink) {
    for delta in deltas(reply, chunk_chars) {
        sink.delta(delta);
    }
}

fn deltas(reply: &Reply, chunk_chars: usize) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let mut calls = 0;
    for part in &reply.message.parts {
        match part {
            Part::Text { text } => {
                let pieces = pieces(text, chunk_chars).into_iter();
                deltas.extend(pieces.map(|piece| Delta::Text(piece.to_owned())));
            }
            Part::Reasoning { text, .. } => {
                let pieces = pieces(text, chunk_chars).into_iter();
                deltas.extend(pieces.map(|piece| Delta::Reasoning(piece.to_owned())));
            }
            Part::ToolCall(call) => {
                let index = calls;
                calls += 1;
                let (id, name) = (call.id.clone(), call.name.clone());
                deltas.push(Delta::ToolCall { index, id, name });
                let text = call.arguments.clone();
                deltas.push(Delta::ToolArguments { index, text });
            }
            _ => {}
        }
    }
    deltas.push(Delta::Usage(reply.usage));
    deltas
}

/// A text in pieces of so many characters; 0 is one piece.
pub fn pieces(text: &str, chunk_chars: usize) -> Vec<&str> {
    if chunk_chars == 0 || text.is_empty() {
        return if text.is_empty() { vec![] } else { vec![text] };
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(chunk_chars).map(|(end, _)| end);
        let (piece, tail) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}
