//! Sessions: one live interpreter each, bound to an image, a policy and tools.

mod asking;
mod dirty;
mod ending;
mod entering;
mod exchange;
mod files;
mod fork;
mod hibernation;
mod in_progress;
mod lifecycle;
mod live;
mod mid_turn;
mod options;
mod outcome;
mod panics;
mod paused;
mod recovery;
mod reply;
mod sandbox;
mod saving;
mod settling;
mod suspended;
mod turn;
mod waiting;

pub use files::SessionFiles;
pub use fork::{Forks, MidTurnFork};
pub use hibernation::{Hibernated, SavedHibernated, StillAsleep, StillAwake};
pub use lifecycle::{Session, SessionState, Step};
pub use options::SessionOptions;
pub use outcome::{GuestError, Outcome, Status};
#[cfg(feature = "fuzzing")]
pub use reply::check_answer;
pub use sandbox::Sandbox;
pub use suspended::{Suspended, TURN_FORMAT_VERSION};
