//! What the suites stand on: one image for a whole test binary, sandboxes of
//! any policy, and tables of code and what it must come to.
//!
//! The cache is the directory in `MEMEX_CACHE`, else the one the command uses;
//! the image is built there by whichever test comes first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod expect;
mod resident;
mod sandboxes;
mod sessions;

pub use expect::{Expect, Text, deadlock, exits, hits, nothing, prints, raises, value, warns};
pub use resident::{
    Growth, RESIDENT_OVERHEAD_BYTES, measured, measured_work, none_is_over, run_within,
    try_inspect, try_run, watched,
};
pub use sandboxes::{
    cache, cache_directory, image, runtime, sandbox, sandbox_of, standard_sandbox,
};
pub use sessions::{
    check, check_all, check_turns, each, run, session, session_of, still_works, value_of,
};
