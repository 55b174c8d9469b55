//! Turns that wait for the other side of the API.
//!
//! ```text
//!  Ready ──start──► (runs) ──► Done ──► Ready
//!                     │  ▲
//!                     ▼  └───────────── answer ◄──────────┐
//!        Waiting: parked   the guest awaits its calls     │
//!                 held     a plain call holds its frames  ├── save ──► a store
//!                 stopped  rolled back, to run again      │
//!                     └────────────────────────────────────┘
//! ```
//! A [`Suspendable`] is a session with client tools. Calls that the guest awaits park the
//! turn: nothing of it is on any stack. A plain call in a place that cannot await holds its
//! frames, and with them a thread, for a minute at most; then the turn is rolled back, and
//! runs again when the answer is there. The calls that it had made get the replies of the
//! first time, so that nothing is done twice.

mod driver;
mod error;
mod saved;
mod sink;
mod thread;

pub use driver::{Suspendable, SuspendedStep};
pub use error::SuspensionError;
pub use saved::{SAVED_SESSION_VERSION, SavedTurn, Suspension};
pub use sink::RepeatableSink;
