//! What the host keeps for one session while the guest runs.
//!
//! Guest code reaches it only through the functions in `wasi`. It knows no
//! session: what it needs of one is handed to it.

mod clock;
mod data;
mod equipment;
mod forking;
mod limit;
mod output;
mod random;
mod watch;

pub(crate) use clock::Clock;
pub(crate) use data::{Apart, Host, HostParts, TurnLedger};
pub(crate) use equipment::Equipment;
pub(crate) use forking::{Captures, Forking, Origin};
pub use limit::LimitHit;
pub(crate) use output::Buffer;
pub use output::{Captured, OutputSink, Stream};
pub(crate) use random::Random;
pub(crate) use watch::Watch;
