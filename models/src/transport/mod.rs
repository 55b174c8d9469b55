//! How requests travel: one HTTP client, its timeouts, second attempts and
//! the limits that the client sets itself.

mod arriving;
mod attempt;
mod client;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod limiter;
mod outgoing;
mod rate_headers;
mod remote;
mod retry;
mod timeouts;

pub use client::Transport;
pub use limiter::{Limiter, Limits};
pub use remote::RemoteModel;
pub use retry::RetryPolicy;
pub use timeouts::Timeouts;

pub(crate) use remote::RemoteParts;
pub use remote::{AGENT_HEADER, CONVERSATION_HEADER};
pub(crate) use retry::{Attempt, with_retries};
