//! Sessions: one live interpreter each, bound to an image, a policy and tools.

mod delta;
mod ending;
mod exchange;
mod forking;
mod heap;
mod hibernation;
mod host;
mod lifecycle;
mod live;
mod mid_turn;
mod outcome;
mod output;
mod panics;
mod paused;
mod recovery;
mod reply;
mod sandbox;
mod saving;
mod streak;
mod suspended;
mod turn;
mod waiting;
mod watch;

pub use forking::Forks;
pub use hibernation::{Hibernated, SavedHibernated, StillAsleep, StillAwake};
pub use lifecycle::{Session, SessionState, Step};
pub use mid_turn::MidTurnFork;
pub use outcome::{Captured, GuestError, LimitHit, Outcome, Status};
pub use output::{OutputSink, Stream};
#[cfg(feature = "fuzzing")]
pub use reply::check_answer;
pub use sandbox::{Sandbox, SessionOptions};
pub use suspended::{Suspended, TURN_FORMAT_VERSION};

pub(crate) use delta::{LINE_BYTES, Page, PageDelta};
pub(crate) use heap::HeapState;
pub(crate) use host::{Host, HostParts};
pub(crate) use lifecycle::RestState;
pub(crate) use streak::Streak;
pub(crate) use watch::Watch;
