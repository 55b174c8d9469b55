//! Sizes in the memory, known well enough to enforce limits without adding
//! it up at every change.
//!
//! The memory was added up once. Since then it can have grown by what all
//! writers have put into the journal, and by what people did by hand. The
//! first is known exactly. For the second, a small memory is added up at every
//! change; the sum of a large one is trusted for a small multiple of the time
//! it took, so that summing stays a twentieth of the work. A write that would be
//! refused is refused only after a fresh sum.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::journal::Grown;
use crate::place::Place;
use crate::tree::{self, Sizes};
use crate::{Error, Limits};

/// A sum is trusted for so many times as long as it took.
const TRUSTED_TIMES: u32 = 20;
/// Up to so many entries a sum costs little and is made at every change.
const SMALL_ENTRIES: u64 = 256;

#[derive(Default)]
pub(crate) struct Ledger {
    sum: Option<Sum>,
}

struct Sum {
    sizes: Sizes,
    grown: Grown,
    at: Instant,
    took: Duration,
}

impl Ledger {
    /// Whether the memory may grow by so much at a place.
    pub(crate) fn check(
        &mut self,
        root: BorrowedFd<'_>,
        limits: &Limits,
        place: &Place<'_>,
        growth: Grown,
        grown: Grown,
    ) -> Result<(), Error> {
        if growth == Grown::default() {
            return Ok(());
        }
        let trusted = self.sum.as_ref().filter(|sum| {
            sum.sizes.entries > SMALL_ENTRIES
                && sum.at.elapsed() <= sum.took * TRUSTED_TIMES
                && sum.grown.bytes <= grown.bytes
                && sum.grown.entries <= grown.entries
        });
        if let Some(sum) = trusted {
            let since = Grown {
                bytes: growth.bytes.saturating_add(grown.bytes - sum.grown.bytes),
                entries: growth
                    .entries
                    .saturating_add(grown.entries - sum.grown.entries),
            };
            if fits(&sum.sizes, limits, place, since).is_ok() {
                return Ok(());
            }
        }
        let at = Instant::now();
        let sizes = tree::measure(root, true).map_err(|errno| Error::system(errno, ""))?;
        let sum = self.sum.insert(Sum {
            sizes,
            grown,
            at,
            took: at.elapsed(),
        });
        fits(&sum.sizes, limits, place, growth)
    }

    /// Forgets what was added up.
    pub(crate) fn forget(&mut self) {
        self.sum = None;
    }
}

fn fits(sizes: &Sizes, limits: &Limits, place: &Place<'_>, growth: Grown) -> Result<(), Error> {
    let check = |name: &str, unit, actual: u64, limit: Option<u64>| match limit {
        Some(limit) if actual > limit => Err(Error::Full {
            place: name.to_owned(),
            unit,
            actual,
            limit,
        }),
        _ => Ok(()),
    };
    let entries = sizes.entries.saturating_add(growth.entries);
    // What is over a limit already may still be put right by changes that do
    // not add to it.
    if growth.entries > 0 {
        check("the memory", "entries", entries, Some(limits.entries_max))?;
    }
    if growth.bytes == 0 {
        return Ok(());
    }
    let bytes = sizes.bytes.saturating_add(growth.bytes);
    check("the memory", "bytes", bytes, limits.memory_bytes_max)?;
    // What lies in directories below counts there.
    if let Some(directory) = place.ancestors().pop() {
        let held = sizes.directories.get(&directory).copied().unwrap_or(0);
        let bytes = held.saturating_add(growth.bytes);
        check(&directory, "bytes", bytes, limits.directory_bytes_max)?;
    }
    Ok(())
}
