//! Running other people's code on hostile bytes.

use crate::refusal::Refusal;
use crate::room::Room;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What unwinds through a codec whose callbacks cannot fail.
struct GaveUp;

/// Runs a codec. A panic of it is damage of its input: its assertions are about
/// that. Once the turn was told to end, whatever the codec says means that.
pub(crate) fn guarded<R>(
    room: &Room<'_>,
    codec: impl FnOnce() -> Result<R, Refusal>,
) -> Result<R, Refusal> {
    let result = catch_unwind(AssertUnwindSafe(codec));
    if room.was_interrupted() {
        return Err(Refusal::Interrupted);
    }
    result.unwrap_or_else(|_| {
        Err(Refusal::Damaged(
            "they say what their decoder takes for impossible".to_owned(),
        ))
    })
}

/// Looks at the interrupt inside of a callback that cannot fail, and leaves the
/// codec if the turn was told to end. No panic is reported.
pub(crate) fn look_or_leave(room: &Room<'_>) {
    if room.look().is_err() {
        resume_unwind(Box::new(GaveUp));
    }
}
