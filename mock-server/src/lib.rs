//! A server that speaks the three protocols of language models, streaming and
//! not, and whose answers come from a [`Script`](memex_models::Script).
//!
//! Give a model its [`MockServer::base_url`], as in `local:any@http://…/v1`. A
//! request that the script does not expect is answered with status 400 and the
//! script's own complaint. Conversations and agents are distinguished if the
//! client sends labels
//! ([`ModelOptions::send_labels`](memex_models::ModelOptions)).
//!
//! For tests and demos on one machine: it is not hardened, and no shipped crate
//! uses it.

mod chat_completions;
mod connection;
mod messages;
mod protocols;
mod responses;
mod server;
mod shared;
mod wire;

pub use server::MockServer;
pub use shared::{MockServerOptions, Received};
