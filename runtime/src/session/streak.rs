//! Turns in a row that ended badly.
//!
//! Code can leave a hook that recognises the empty turn of the check and spares
//! it, and can forge every word that a turn answers. How a turn ended is known
//! to the host all the same: it was interrupted, it trapped, it failed. When
//! that goes on, hooks are taken off, whatever the check says.

/// What turns weigh, and the sum that takes hooks off: two turns in a row that
/// had to be stopped, or eight that failed.
const STOPPED: u32 = 4;
const FAILED: u32 = 1;
const OVER: u32 = 8;

/// How a turn ended, as far as it bears on the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ran to its end.
    Well,
    /// By an exception, or by asking to exit, by what the guest says.
    Failed,
    /// It was interrupted or it trapped, or its own code may never have begun.
    Stopped,
}

/// What the turns of a session have come to since the last one that ended well.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Streak(u32);

impl Streak {
    /// Counts a turn.
    pub(super) fn add(&mut self, ending: Ending) {
        self.0 = match ending {
            Ending::Well => 0,
            Ending::Failed => self.0.saturating_add(FAILED),
            Ending::Stopped => self.0.saturating_add(STOPPED),
        };
    }

    /// Whether the next turn is in doubt, so that an empty one is tried.
    pub(super) fn is_suspect(self) -> bool {
        self.0 > FAILED
    }

    /// Whether hooks are to be taken off.
    pub(super) fn is_over(self) -> bool {
        self.0 >= OVER
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Streak};

    fn after(endings: &[Ending]) -> (bool, bool) {
        let mut streak = Streak::default();
        endings.iter().for_each(|ending| streak.add(*ending));
        (streak.is_suspect(), streak.is_over())
    }

    #[test]
    fn two_stopped_turns_or_eight_failed_ones_in_a_row_are_too_many() {
        use Ending::{Failed, Stopped, Well};
        assert_eq!(after(&[]), (false, false));
        assert_eq!(after(&[Failed]), (false, false));
        assert_eq!(after(&[Failed, Failed]), (true, false));
        assert_eq!(after(&[Stopped]), (true, false));
        assert_eq!(after(&[Stopped, Well, Stopped]), (true, false));
        assert_eq!(after(&[Stopped, Stopped]), (true, true));
        assert_eq!(after(&[Failed; 7]), (true, false));
        assert_eq!(after(&[Failed; 8]), (true, true));
        assert_eq!(after(&[Stopped, Stopped, Well]), (false, false));
    }
}
