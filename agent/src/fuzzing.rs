//! Decoders of what a guest, a worker or a file may contain, for the fuzz
//! targets.

pub use crate::harness::fuzzing::Harness;
pub use crate::reading::fuzzing::check_reply;
pub use crate::run::fuzzing::taken_up;
pub use crate::worker::fuzzing::worker_frames;
