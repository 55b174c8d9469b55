//! Stacks for calls into the guest, kept by the thread that mapped them.
//!
//! The guest's frames need more stack than most threads have. A stack that is mapped
//! for each call costs three system calls, and its pages fault anew every time; and
//! after a fault of this thread nothing is known of which pages of the guest changed
//! (`session/live.rs`). So a thread keeps the stack of its last call.
#![allow(unsafe_code)]

use crate::platform::{Reservation, thread_faults};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Inaccessible bytes below a stack.
const GUARD_BYTES: usize = 64 << 10;
/// Sizes are multiples of this.
const ROUND_BYTES: usize = 64 << 10;
/// What stays in memory of a stack that a deep call has used.
const KEPT_BYTES: usize = 1 << 20;
/// Faults after which a call may have used more than that.
const FAULTS_OF_A_DEEP_CALL: u64 = 128;
/// Stacks that a thread keeps: a tool may run another session.
const STACKS_MAX: usize = 2;

thread_local! {
    static KEPT: RefCell<Vec<Stack>> = const { RefCell::new(Vec::new()) };
    /// The lowest address of the kept stack that this thread runs on.
    static LOW: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs `work` with at least `bytes` of stack: where it is, if there is room, else
/// on a stack that this thread keeps.
pub(crate) fn with_room<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    if has_room(bytes) {
        return work();
    }
    match Stack::taken(bytes) {
        Some(stack) => stack.run(work),
        // The mapping that was refused may be given to somebody who unmaps it again.
        None => {
            let _outer = Outer::replaced(None);
            stacker::grow(bytes, work)
        }
    }
}

fn has_room(bytes: usize) -> bool {
    let room = match LOW.get() {
        // `stacker` knows the thread's own stack.
        Some(low) => (psm::stack_pointer() as usize).checked_sub(low),
        None => stacker::remaining_stack(),
    };
    room.is_some_and(|room| room >= bytes)
}

/// A stack of this thread.
struct Stack {
    mapping: Reservation,
    bytes: usize,
}

impl Stack {
    /// One that is kept and large enough, else a new one.
    fn taken(bytes: usize) -> Option<Self> {
        let kept = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let at = kept.iter().position(|stack| stack.bytes >= bytes)?;
            Some(kept.swap_remove(at))
        });
        match kept {
            Ok(Some(stack)) => Some(stack),
            _ => Self::new(bytes),
        }
    }

    fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.checked_next_multiple_of(ROUND_BYTES)?;
        let mapping = Reservation::new(bytes.checked_add(GUARD_BYTES)?).ok()?;
        // SAFETY: the range becomes accessible, and no reference into it exists.
        // JUSTIFICATION: what lies below it stays inaccessible.
        unsafe { mapping.protect(GUARD_BYTES, bytes, true) }.ok()?;
        Some(Self { mapping, bytes })
    }

    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        let before = thread_faults();
        let result = {
            let low = self.mapping.base().wrapping_add(GUARD_BYTES);
            let _outer = Outer::replaced(Some(low as usize));
            let work = AssertUnwindSafe(work);
            // SAFETY: `low` is aligned to pages, and `bytes` of them, which this value
            // owns, are accessible above it; nothing else uses them, since it is taken
            // out of what the thread keeps. Nothing unwinds out of the callback.
            // JUSTIFICATION: compiled code cannot run on less stack.
            unsafe { psm::on_stack(low, self.bytes, || catch_unwind(work)) }
        };
        let faults = thread_faults()
            .zip(before)
            .map(|(now, before)| now - before);
        self.keep(faults.is_none_or(|faults| faults >= FAULTS_OF_A_DEEP_CALL));
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Keeps the stack for the thread's next call; `deep`ly used, without its pages.
    fn keep(self, deep: bool) {
        if deep && self.bytes > KEPT_BYTES {
            // SAFETY: nothing runs on the stack, so that no reference into it exists.
            // JUSTIFICATION: a thread that went deep once would hold its pages for ever.
            let discarded = unsafe { self.mapping.discard(GUARD_BYTES, self.bytes - KEPT_BYTES) };
            if discarded.is_err() {
                return;
            }
        }
        // A thread that ends keeps nothing.
        let _ends = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            kept.push(self);
            if kept.len() > STACKS_MAX {
                kept.swap_remove(0);
            }
        });
    }
}

/// Puts back which stack the thread ran on.
struct Outer(Option<usize>);

impl Outer {
    fn replaced(low: Option<usize>) -> Self {
        Self(LOW.replace(low))
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        LOW.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    const BYTES: usize = 24 << 20;

    fn on_a_small_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(1 << 20);
            thread.spawn_scoped(scope, work).unwrap().join().unwrap()
        })
    }

    /// Uses `bytes` of stack; says how many frames that took.
    fn descend(bytes: usize) -> usize {
        fn below(address: usize) -> usize {
            let frame = black_box([1_u8; 1024]);
            if (psm::stack_pointer() as usize) < address {
                return usize::from(frame[0]);
            }
            below(address) + usize::from(black_box(&frame)[1023])
        }
        below(psm::stack_pointer() as usize - bytes)
    }

    #[test]
    fn a_thread_without_room_gets_a_stack_and_keeps_it() {
        on_a_small_thread(|| {
            let place = || with_room(BYTES, || (LOW.get(), psm::stack_pointer() as usize));
            let first = place();
            assert!(first.0.is_some_and(|low| first.1 - low <= BYTES));
            assert_eq!(LOW.get(), None);
            assert_eq!(place(), first);
            assert!(with_room(BYTES, || descend(BYTES - (1 << 20))) > 1000);
            assert_eq!(place(), first);
            KEPT.with_borrow(|kept| assert_eq!(kept.len(), 1));
        });
    }

    #[test]
    fn a_call_within_a_call_gets_room_of_its_own() {
        on_a_small_thread(|| {
            let deep = with_room(BYTES, || {
                // There is room for this one where it is.
                let outer = psm::stack_pointer() as usize;
                let inner = with_room(1 << 20, || psm::stack_pointer() as usize);
                assert!(outer.abs_diff(inner) < 1 << 20);
                with_room(BYTES, || descend(BYTES - (1 << 20)))
            });
            assert!(deep > 1000);
            assert_eq!(LOW.get(), None);
            KEPT.with_borrow(|kept| assert_eq!(kept.len(), 2));
        });
    }

    #[test]
    fn a_panic_leaves_the_stack_and_goes_on() {
        on_a_small_thread(|| {
            let panic = catch_unwind(|| with_room(BYTES, || resume_unwind(Box::new("struck"))));
            let struck = panic.unwrap_err();
            assert_eq!(struck.downcast_ref(), Some(&"struck"));
            assert_eq!(LOW.get(), None);
            KEPT.with_borrow(|kept| assert_eq!(kept.len(), 1));
        });
    }

    #[test]
    fn a_thread_with_room_runs_where_it_is() {
        let run = || {
            let here = psm::stack_pointer() as usize;
            let there = with_room(BYTES, || psm::stack_pointer() as usize);
            assert!(here.abs_diff(there) < 1 << 20);
            KEPT.with_borrow(|kept| assert!(kept.is_empty()));
        };
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        thread.spawn(run).unwrap().join().unwrap();
    }
}
