//! What the checks of stated sizes say, as a native's refusal.

use crate::refusal::Refusal;
use memex_columns::Misstated;

/// What a refusal of the checks is to the guest; `limit` is what they were given.
pub(super) fn refusal(misstated: Misstated, limit: u64) -> Refusal {
    match misstated {
        Misstated::Content(reason) | Misstated::Host(reason) => Refusal::Damaged(reason),
        Misstated::TooLarge => Refusal::WorkingBytes {
            bytes: limit.saturating_add(1),
            limit,
        },
        Misstated::TooLate => Refusal::Interrupted,
    }
}
