//! Making what was written durable: one flush for all that wait at that moment.

use parking_lot::{Condvar, Mutex};

use crate::error::Error;
use crate::place::Place;

/// Up to where a journal is on the disk.
#[derive(Debug)]
pub(crate) struct Settling {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    settled: Place,
    /// Whether somebody flushes, for all that came before it began.
    is_busy: bool,
    has_failed: bool,
}

/// How a flush went that did not do what it should.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// One before it failed: what the disk has is not known.
    Closed,
    Failed(Error),
}

impl Settling {
    pub(crate) fn from(settled: Place) -> Self {
        Self {
            state: Mutex::new(State {
                settled,
                is_busy: false,
                has_failed: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn settled(&self) -> Place {
        self.state.lock().settled
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.state.lock().has_failed
    }

    /// Waits until everything up to `wanted` is on the disk. `flush` is given what is there
    /// already, makes everything durable that is written when it begins, and returns up to
    /// where that is. Of those who wait, one flushes at a time.
    pub(crate) fn settle(
        &self,
        wanted: Place,
        flush: impl Fn(Place) -> Result<Place, Error>,
    ) -> Result<(), Unsettled> {
        let mut state = self.state.lock();
        loop {
            if state.has_failed {
                return Err(Unsettled::Closed);
            }
            if state.settled >= wanted {
                return Ok(());
            }
            if state.is_busy {
                self.changed.wait(&mut state);
                continue;
            }
            state.is_busy = true;
            let from = state.settled;
            drop(state);
            let flushed = flush(from);
            state = self.state.lock();
            state.is_busy = false;
            self.changed.notify_all();
            match flushed {
                Ok(settled) => state.settled = settled.max(state.settled),
                Err(error) => {
                    // The system may have dropped what it could not write.
                    state.has_failed = true;
                    return Err(Unsettled::Failed(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn those_who_wait_at_a_time_share_a_flush() {
        let settling = Settling::from(Place::default());
        let flushes = AtomicUsize::new(0);
        let end = Place::new(1, 100);
        std::thread::scope(|scope| {
            for bytes in 1..=32 {
                let (settling, flushes) = (&settling, &flushes);
                scope.spawn(move || {
                    settling
                        .settle(Place::new(1, bytes), |_| {
                            flushes.fetch_add(1, Ordering::SeqCst);
                            std::thread::sleep(Duration::from_millis(20));
                            Ok(end)
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(flushes.load(Ordering::SeqCst), 1);
        assert_eq!(settling.settled(), end);
    }

    #[test]
    fn after_a_flush_that_failed_nothing_settles() {
        let settling = Settling::from(Place::default());
        let fails = |_| {
            Err(Error::Closed {
                directory: "x".into(),
            })
        };
        let wanted = Place::new(1, 1);
        let failed = settling.settle(wanted, fails);
        assert!(matches!(failed, Err(Unsettled::Failed(_))));
        let again = settling.settle(wanted, |_| Ok(wanted));
        assert!(matches!(again, Err(Unsettled::Closed)));
    }
}
