//! Turns: what is asked, and what comes of it.

mod event;
mod relay;
mod stream;

pub use event::{Answer, Around, TurnEvent, TurnRequest};
pub(crate) use relay::Relay;
pub(crate) use stream::TurnControl;
pub use stream::TurnStream;
