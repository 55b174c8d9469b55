//! A process between the host and a tool's process, which ends with the host
//! however the host ends, and what the host does when that process is disturbed.
//!
//! ```text
//!         ┌ domain ──────────────────────────────────────────────┐
//!  host ──┼─► supervisor ──► ┌ domain ──────────────────────────┐│
//!   ▲  │  │      │  ▲        │ program ──► whatever it starts   ││
//!   └──┼─watched─┘  └─ ✗ ────┼───┘  no signal leads out of it   ││
//!      │  │      │           └──────────────────────────────────┘│
//!      │  └──────┼───────────────────────────────────────────────┘
//!      │         └► the program has ended, the host is gone, or it asks for the
//!      │            end (`SIGTERM`): the supervisor kills all in its domain
//!      └► the supervisor does not come to its end, or was killed: a thread of the
//!         host that is in the outer domain kills all in it
//! ```
//! A host that is killed runs no code, so that another process has to notice. The
//! supervisor holds a handle of the host's process, which no other can take the
//! number of. On Linux it is also the one to which the system gives processes that
//! have lost their parent: those that left their process group or their session
//! too. Elsewhere only the group is ended.
//!
//! The program has the user of its supervisor, and could kill or stop it. Where
//! the kernel confines signals ([`confines_signals`]), it cannot, and one call ends all that
//! is in a domain at once ([`Domain`]).
//!
//! Elsewhere, and for programs that are not to be confined, a supervisor kills its children
//! one by one (`ending`). The host acts as the supervisor of what is below one that is
//! stopped, and finds what one that was killed has left by a mark in the environment
//! ([`Mark`]). What starts others and ends without a pause may outrun all this once it has left
//! the supervisor's group.

mod clearing;
mod confinement;
mod domain;
mod ending;
mod processes;
mod supervise;
mod supervisor;

pub use clearing::{Mark, clear_below};
pub use confinement::confines_signals;
pub use domain::Domain;
pub use supervise::{NOT_STARTED_EXIT_STATUS, supervise};
pub use supervisor::Supervisor;
