//! Many sessions, few slots: those that nobody uses go to sleep by themselves.
//!
//! ```text
//!              with, run                    live_max           memory_bytes
//!  in use ◄──────────────── awake ──────────────► asleep ──────────────► stored
//!    │                       ▲ in a slot          │ in memory            │ in a store
//!    └── the work is done ───┘                    │                      │
//!    ▲────────────── with, run: it is woken ──────┴──────────────────────┘
//! ```
//! A turn costs the same however many sessions sleep: what the lock guards is a slab with
//! chains through it (`entries.rs`, `chains.rs`), and every step under it touches a handful
//! of words. Hibernating, waking, and the store are outside of it (`sleeping.rs`); the
//! session at hand is *in use* meanwhile, and whoever wants it waits.
//!
//! One pool serves any number of sandboxes. A session counts against the `live_sessions`
//! of its own policy: where that is reached, the least recent session of the same policy
//! goes to sleep, and those of others stay where they are.
//!
//! Invariant: a session is in one place. What fails on its way to another leaves it where
//! it was, and the failure is counted ([`PoolStats`]) or returned. Without room for more
//! sleepers, new sessions are refused; none is dropped.

mod chains;
mod entries;
mod error;
mod options;
mod shelf;
mod sleeping;
mod turns;

pub use error::PoolError;
pub use options::{PoolKey, PoolOptions, PoolPlace, PoolStats};
pub use turns::Pool;
