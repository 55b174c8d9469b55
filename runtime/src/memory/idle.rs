//! Pages of a session that are private although they equal the image.

/// Looks in a row that find a page unchanged before it is given back.
const LOOKS_MIN: u32 = 8;
/// The most, for sessions that go on writing to pages and leaving them as they were.
const LOOKS_MAX: u32 = 1 << 16;
/// Pages that are given back at once, at least: each run of them costs a system call, and each
/// page a fault when it is used again.
const PAGES_MIN: usize = 64;

/// Finds the pages that a session has from those before it in its slot, or from a large turn
/// of its own, and does not use. Each costs a comparison whenever the session's state is
/// taken: a few hundred of them cost more than a small turn.
#[derive(Debug)]
pub(crate) struct IdlePages {
    /// The pages that every look of this round found unchanged; ascending.
    pages: Vec<u32>,
    looks: u32,
    /// Looks in a round. A page that is used and left as it was is found unchanged as well, so
    /// each round that gave pages back is followed by one twice as long.
    looks_wanted: u32,
}

impl Default for IdlePages {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            looks: 0,
            looks_wanted: LOOKS_MIN,
        }
    }
}

impl IdlePages {
    /// Takes note of the pages that equal the image now, and returns those to give back, if it
    /// is time to; both ascend.
    pub(crate) fn look(&mut self, unchanged: &[u32]) -> Option<Vec<u32>> {
        if self.looks == 0 {
            self.pages.clear();
            self.pages.extend_from_slice(unchanged);
        } else {
            keep_common(&mut self.pages, unchanged);
        }
        self.looks += 1;
        if self.looks < self.looks_wanted {
            return None;
        }
        self.looks = 0;
        if self.pages.len() < PAGES_MIN {
            return None;
        }
        self.looks_wanted = (self.looks_wanted * 2).min(LOOKS_MAX);
        Some(std::mem::take(&mut self.pages))
    }
}

/// Removes what is not in `others`; both ascend.
fn keep_common(pages: &mut Vec<u32>, others: &[u32]) {
    let mut others = others.iter().peekable();
    pages.retain(|page| {
        while others.next_if(|other| *other < page).is_some() {}
        others.next_if_eq(&page).is_some()
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pages_that_stay_unchanged_are_given_back_after_a_round() {
        let mut idle = IdlePages::default();
        let many: Vec<u32> = (10..210).collect();
        for look in 1..LOOKS_MIN {
            // One page changes now and then.
            let unchanged: Vec<u32> = many.iter().copied().filter(|n| *n != 9 + look).collect();
            assert_eq!(idle.look(&unchanged), None);
        }
        let given = idle.look(&many).unwrap();
        let changed = 10..9 + LOOKS_MIN;
        let expected: Vec<u32> = many
            .iter()
            .copied()
            .filter(|n| !changed.contains(n))
            .collect();
        assert_eq!(given, expected);
    }

    #[test]
    fn rounds_become_longer_each_time_that_pages_are_given_back() {
        let mut idle = IdlePages::default();
        let pages: Vec<u32> = (0..PAGES_MIN as u32).collect();
        for looks in [LOOKS_MIN, 2 * LOOKS_MIN, 4 * LOOKS_MIN] {
            for _ in 1..looks {
                assert_eq!(idle.look(&pages), None);
            }
            assert_eq!(idle.look(&pages).unwrap(), pages);
        }
    }

    #[test]
    fn few_pages_are_kept() {
        let mut idle = IdlePages::default();
        let pages: Vec<u32> = (1..PAGES_MIN as u32).collect();
        for _ in 0..10 * LOOKS_MIN {
            assert_eq!(idle.look(&pages), None);
        }
    }
}
