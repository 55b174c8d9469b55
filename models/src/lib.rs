//! Language models behind one trait.
//!
//! A [`Model`] answers a [`Request`] with a [`Reply`], which it streams to a
//! [`DeltaSink`]. The implementations are:
//!
//! | model | answers from |
//! |---|---|
//! | [`RemoteModel`] | a server that speaks chat completions, responses or messages |
//! | [`ScriptedModel`] | a file of replies, with scripted failures |
//! | [`Replay`] | a recording that a [`Recorder`] made |
//!
//! [`ModelConfig`] makes any of them from a line such as `openai:MODEL` or
//! `script:FILE`. [`Prices`] say what a [`Usage`] costs.
//!
//! ```
//! use memex_models::{Message, Model, NoSink, Request, Script, ScriptEntry, ScriptedModel};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let says = |text: &str| ScriptEntry { text: text.into(), ..ScriptEntry::default() };
//! let model = ScriptedModel::new("stand-in", Script::new("greeting", vec![says("Hello.")]));
//!
//! let request = Request::new(vec![Message::user("Say hello.")]);
//! let reply = model.complete(&request, &mut NoSink).await?;
//! assert_eq!(reply.message.text(), "Hello.");
//! # Ok::<(), memex_models::ModelError>(()) }).unwrap();
//! ```
//!
//! The protocols ([`Protocol`], [`ReplyStream`]) are pure: bytes in, values
//! out. All I/O is in the transport, and in reading and writing named files.
//!
//! Invariants: no API key occurs in an error, a recording or a `Debug` output;
//! the environment is never read; every answer is bounded in size and in time.

mod bounded;
mod cassette;
mod config;
mod delta;
mod error;
mod estimate;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod key;
mod message;
mod model;
mod prices;
mod protocols;
mod reply;
mod request;
mod scripted;
mod sight;
mod sse;
mod transport;

pub use cassette::{RECORDING_BYTES_MAX, Recorder, Replay, ReplayOrder, request_digest};
pub use config::{ModelConfig, ModelOptions, ModelSpec, Provider, SecretText};
pub use delta::{Delta, DeltaSink, FnSink, NoSink};
pub use error::{ModelError, TimeoutPhase};
pub use estimate::{estimate_message, estimate_request, estimate_text};
pub use futures_util::future::BoxFuture;
pub use key::ApiKey;
pub use message::{Image, Message, Opaque, Part, Role, ToolCall, ToolResult};
pub use model::Model;
pub use prices::{Cost, Price, Prices};
pub use protocols::{MaxTokensField, Protocol, ReplyStream, Thinking, WireOptions};
pub use reply::{Reply, StopReason, Usage};
pub use request::{ReasoningEffort, Request, ToolChoice, ToolDefinition};
pub use scripted::{
    Expectation, Failure, SCRIPT_BYTES_MAX, Script, ScriptEntry, ScriptOrder, ScriptPlayer,
    ScriptedCall, ScriptedModel, pieces,
};
pub use sight::sees;
pub use sse::{EVENT_BYTES_MAX, SseEvent, SseReader};
pub use transport::{
    AGENT_HEADER, CONVERSATION_HEADER, Limiter, Limits, RemoteModel, RetryPolicy, Timeouts,
    Transport,
};
