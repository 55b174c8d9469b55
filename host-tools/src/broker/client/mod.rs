//! Client tools: functions that the other side of the API runs.
//!
//! ```text
//!  guest ── f(x) ──► broker ── open call ──► ClientCalls::open ──► the client
//!        ◄─ resumes ◄─ due ◄── ClientCalls::answer ◄───────────────────┘
//! ```
//! A call that the guest awaits leaves nothing on any stack: the turn waits, and its
//! session hibernates, forks, or moves to another machine with the call open. A plain
//! call holds the guest's frames and the session's thread. After [`HOLD`] the desk asks
//! for the turn to be rolled back; when the answer is there, the block runs again, and
//! every call that it had made gets the reply of the first time from the
//! [journal](journal::Journal).

mod answer;
mod calls;
mod desk;
mod journal;
mod saved;
mod saving;

pub use answer::{AnswerError, ClientAnswer};
pub use calls::{ClientCall, ClientCalls};
pub use desk::HOLD;
pub use saved::{SAVED_CALLS_VERSION, SavedCalls};

pub(super) use calls::Held;
pub(super) use desk::{Desk, Opening, TURN_BEFORE_RESTORED, TURN_RESTORED};
pub(super) use journal::{Entry, Key, Replay};
pub(super) use saved::RestoredCall;
