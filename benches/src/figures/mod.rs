//! The figures, a file for each group.

mod agent;
mod doors;
mod fresh;
mod memory;
mod midturn;
mod numbers;
mod overshoot;
mod pool;
mod process;
mod prompt;
mod serve;
mod serving;
mod speed;
mod state;
mod tools;
mod turns;

use crate::entry::Entry;
use std::sync::LazyLock;

/// All figures, in the order in which they are taken.
#[must_use]
pub fn figures() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let groups: [&[Entry]; 15] = [
            fresh::FIGURES,
            turns::FIGURES,
            memory::FIGURES,
            process::FIGURES,
            serve::FIGURES,
            doors::FIGURES,
            state::FIGURES,
            midturn::FIGURES,
            pool::FIGURES,
            tools::FIGURES,
            overshoot::FIGURES,
            speed::FIGURES,
            numbers::FIGURES,
            agent::FIGURES,
            prompt::FIGURES,
        ];
        groups.concat()
    });
    &ALL
}
