//! Turns that ended badly, the last ones more than those before.
//!
//! Code can leave a hook that recognises the empty turn of the check and spares
//! it, and can forge every word that a turn answers. How a turn ended is known
//! to the host all the same: it was interrupted, it trapped, it failed. When
//! that goes on, hooks are taken off, whatever the check says.
//!
//! A turn that ends well takes a part of that back and no more: a hook could spare every
//! second one. The sum is part of the session's saved state, and so goes on in whatever
//! process runs the next turn.

/// What turns weigh, and the sum that takes hooks off: two turns in a row that
/// had to be stopped, or eight that failed; three or twenty-two if every second turn ends
/// well.
const STOPPED: u32 = 12;
const FAILED: u32 = 3;
const WELL: u32 = 2;
const OVER: u32 = 24;

const _: () = assert!(2 * STOPPED == OVER && 8 * FAILED == OVER);
const _: () = assert!(WELL < FAILED, "every second turn that fails adds up");

/// How a turn ended, as far as it bears on the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It ran to its end.
    Well,
    /// By an exception, or by asking to exit, by what the guest says.
    Failed,
    /// It was interrupted or it trapped, or its own code may never have begun.
    Stopped,
}

/// What the turns of a session have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Streak(u32);

impl Streak {
    /// Counts a turn.
    pub(crate) fn add(&mut self, ending: Ending) {
        self.0 = match ending {
            Ending::Well => self.0.saturating_sub(WELL),
            Ending::Failed => self.0.saturating_add(FAILED),
            Ending::Stopped => self.0.saturating_add(STOPPED),
        };
    }

    /// Whether the next turn is in doubt, so that an empty one is tried.
    pub(crate) fn is_suspect(self) -> bool {
        self.0 > FAILED
    }

    /// Whether hooks are to be taken off.
    pub(crate) fn is_over(self) -> bool {
        self.0 >= OVER
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.0 = 0;
    }

    /// The sum, as it is saved.
    pub(crate) fn weight(self) -> u32 {
        self.0
    }

    /// The streak of a saved sum; `None` where no session at rest has such.
    pub(crate) fn of_weight(weight: u32) -> Option<Self> {
        (weight < OVER).then_some(Self(weight))
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Streak};
    use Ending::{Failed, Stopped, Well};

    fn after(endings: &[Ending]) -> (bool, bool) {
        let mut streak = Streak::default();
        endings.iter().for_each(|ending| streak.add(*ending));
        (streak.is_suspect(), streak.is_over())
    }

    #[test]
    fn two_stopped_turns_or_eight_failed_ones_in_a_row_are_too_many() {
        assert_eq!(after(&[]), (false, false));
        assert_eq!(after(&[Failed]), (false, false));
        assert_eq!(after(&[Failed, Failed]), (true, false));
        assert_eq!(after(&[Stopped]), (true, false));
        assert_eq!(after(&[Stopped, Stopped]), (true, true));
        assert_eq!(after(&[Failed; 7]), (true, false));
        assert_eq!(after(&[Failed; 8]), (true, true));
    }

    #[test]
    fn turns_that_end_well_take_a_part_back() {
        assert_eq!(after(&[Stopped, Well, Stopped]), (true, false));
        assert_eq!(
            after(&[Stopped, Well, Stopped, Well, Stopped]),
            (true, true)
        );
        assert_eq!(after(&[[Failed, Well]; 20].concat()), (true, false));
        assert_eq!(after(&[[Failed, Well]; 24].concat()), (true, true));
        // Seldom enough, nothing adds up.
        let seldom = [Stopped, Well, Well, Well, Well, Well, Well];
        assert_eq!(after(&[seldom; 100].concat()), (false, false));
        assert_eq!(after(&[[Failed, Well, Well]; 100].concat()), (false, false));
    }

    #[test]
    fn a_saved_sum_is_one_that_a_session_can_have() {
        for weight in 0..24 {
            assert_eq!(Streak::of_weight(weight).map(Streak::weight), Some(weight));
        }
        assert_eq!(Streak::of_weight(24), None);
        assert_eq!(Streak::of_weight(u32::MAX), None);
    }
}
