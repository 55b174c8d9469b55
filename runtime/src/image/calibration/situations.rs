//! Finding what a guest in the middle of a turn has to put back before a copy
//! of it can rest: the guest is brought into situations, one after the other,
//! and its thread state is copied each time it calls the host there.
//!
//! ```text
//!   at rest ──► usual calls ──► in a situation ──► at rest
//!      a            a                  b               a       belongs to it
//!      a            b                  …               a       depends on the depth
//! ```

use super::calibrator::{Calibrator, THREAD_STATE_BYTES};
use crate::error::Error;
use crate::host::Watch;
use crate::image::map::RunningWords;
use crate::interrupt::InterruptAddresses;
use std::collections::BTreeSet;

/// Frames between two looks at a usual call.
const DEPTH: u32 = 40;
/// What the code in the guest marks looks with that show no situation.
const USUAL: u8 = b'=';
/// Situations that show in the thread state.
const SITUATIONS: &[&str] = &[
    "handler",
    "generator",
    "tracing",
    "profiling",
    "context",
    "tasks",
    "freeing",
];
/// The one that need not show: another guest may free chains in another way.
const OPTIONAL: &str = "freeing";
/// Words that may belong to situations, at most. Many more would mean that
/// something else was found.
const WORDS_MAX: usize = 24;
/// Bytes of the interpreter's own state that are searched.
pub(super) const INTERPRETER_BYTES: u32 = 64 << 10;
/// Words at the start of the thread state that may point to it.
pub(super) const LINKS: usize = 16;

/// One situation as the host saw it.
struct Observation {
    /// At rest, before and after.
    rest: [Vec<u32>; 2],
    usual: Vec<Vec<u32>>,
    special: Vec<Vec<u32>>,
}

impl Calibrator {
    /// Finds what a copy of a running guest has to put back.
    pub(super) fn running_words(&mut self) -> Result<RunningWords, Error> {
        self.turn(memex_guest_python::SITUATIONS)?;
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let thread = thread as u32;
        let state = (thread, THREAD_STATE_BYTES);
        let address = |index: usize| thread + 4 * index as u32;

        let near = self.observe("usual(0)", state)?;
        let far = self.observe(&format!("usual({DEPTH})"), state)?;
        let usual = [near.one_usual()?.clone(), far.one_usual()?.clone()];
        let rest = near.rest[0].clone();
        let (depth_left, depth_limit) = self.depth_words(state, &rest, &usual)?;

        let mut restored = BTreeSet::from([frame_word(&rest, &usual, depth_left)?]);
        let mut tracing = Vec::new();
        for &situation in SITUATIONS {
            let seen = self.observe(&format!("{situation}()"), state)?;
            let words = seen.words(&usual, thread);
            if words.is_empty() && situation != OPTIONAL {
                return Err(unknown(&format!("`{situation}` does not show")));
            }
            if situation == "tracing" || situation == "profiling" {
                let counted = words.iter().copied().filter(|&at| seen.counts(at));
                tracing.push(counted.collect::<Vec<_>>());
            }
            restored.extend(words);
        }
        let tracing = match tracing.as_slice() {
            [traced, profiled] if traced == profiled && traced.len() == 1 => traced.clone(),
            other => return Err(unknown(&format!("what counts trace functions: {other:?}"))),
        };
        if restored.len() > WORDS_MAX {
            return Err(unknown(&format!("{} words change", restored.len())));
        }
        let mut restored: Vec<u32> = restored.into_iter().map(address).collect();
        restored.push(self.collecting_word(&rest, &usual)?);
        self.turn("del __import__('sys').modules['_memex_situations']")?;
        Ok(RunningWords {
            restored,
            tracing: tracing.first().copied().map(address).unwrap_or_default(),
            depth_left: address(depth_left),
            depth_limit: address(depth_limit),
            stack_bounds: self.stack_bounds(thread)?,
        })
    }

    /// The words that count Python frames: how many are left, and the limit.
    fn depth_words(
        &mut self,
        state: (u32, u32),
        rest: &[u32],
        usual: &[Vec<u32>; 2],
    ) -> Result<(usize, usize), Error> {
        const MORE: u32 = 77;
        let set = |limit: u32| format!("__import__('sys').setrecursionlimit({limit})");
        let [near, far] = usual;
        let left: Vec<usize> = (0..rest.len())
            .filter(|&at| word(near, at).wrapping_sub(word(far, at)) == DEPTH)
            .filter(|&at| word(rest, at) > word(near, at))
            .collect();
        let [left] = left[..] else {
            return Err(unknown(&format!("what counts frames: {left:?}")));
        };
        let before = word(rest, left);
        self.turn(&set(before + MORE))?;
        let changed = self.words(state)?;
        self.turn(&set(before))?;
        let limit: Vec<usize> = (0..rest.len())
            .filter(|&at| at != left && word(rest, at) == before)
            .filter(|&at| word(&changed, at) == before + MORE)
            .collect();
        match limit[..] {
            [limit] if word(&changed, left) == before + MORE => Ok((left, limit)),
            _ => Err(unknown(&format!("the limit of frames: {limit:?}"))),
        }
    }

    /// Where an exception stands that was raised and not yet caught.
    pub(super) fn exception_word(&mut self, interrupt: &InterruptAddresses) -> Result<u32, Error> {
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let state = (thread as u32, THREAD_STATE_BYTES);
        let rest = self.words(state)?;
        self.set_word(interrupt.exception, interrupt.timeout_error)?;
        let _: i32 = self.call("_PyEval_RaiseAsyncExc", thread)?;
        let raised = self.words(state)?;
        self.call::<(), ()>("PyErr_Clear", ())?;
        let after = self.words(state)?;
        let found: Vec<u32> = (0..rest.len())
            .filter(|&at| word(&rest, at) == 0 && word(&after, at) == 0 && word(&raised, at) != 0)
            .map(|at| thread as u32 + 4 * at as u32)
            .collect();
        match found[..] {
            [at] => Ok(at),
            _ => Err(unknown(&format!("a pending exception: {found:?}"))),
        }
    }

    /// The word of the interpreter that says that garbage is being collected.
    fn collecting_word(&mut self, rest: &[u32], usual: &[Vec<u32>; 2]) -> Result<u32, Error> {
        let end = self.memory.data_size(&self.store) as u32;
        let mut found = BTreeSet::new();
        for (at, &start) in rest.iter().enumerate().take(LINKS) {
            let is_steady = usual.iter().all(|words| word(words, at) == start);
            if !is_steady || start % 4 != 0 || start < self.stack_top || start >= end {
                continue;
            }
            let range = (start, INTERPRETER_BYTES.min(end - start));
            let control = self.observe("usual(0)", range)?;
            let seen = self.observe("collecting()", range)?;
            let idle = control.rest.iter().chain(&control.usual).chain(&seen.rest);
            let idle: Vec<&Vec<u32>> = idle.collect();
            found.extend(
                (0..(range.1 / 4) as usize)
                    .filter(|&at| idle.iter().all(|words| word(words, at) == 0))
                    .filter(|&at| seen.counts(at))
                    .map(|at| start + 4 * at as u32),
            );
        }
        match found.iter().copied().collect::<Vec<_>>()[..] {
            [at] => Ok(at),
            _ => Err(unknown(&format!("the garbage collection: {found:x?}"))),
        }
    }

    /// The words that move when the stack of C code does.
    fn stack_bounds(&mut self, thread: u32) -> Result<Vec<u32>, Error> {
        const MOVED: u32 = 64 << 10;
        let state = (thread, THREAD_STATE_BYTES);
        let before = self.words(state)?;
        self.protect_stack_below((self.stack_top - MOVED) as i32)?;
        let moved = self.words(state)?;
        self.protect_stack()?;
        let after = self.words(state)?;
        let found: Vec<u32> = (0..before.len())
            .filter(|&at| word(&before, at).wrapping_sub(word(&moved, at)) == MOVED)
            .map(|at| thread + 4 * at as u32)
            .collect();
        let has_top = before.contains(&self.stack_top);
        if before != after || !has_top || found.len() < 3 {
            return Err(unknown(&format!("the bounds of the stack: {found:x?}")));
        }
        Ok(found)
    }

    /// Runs a situation and copies a range of memory at each call of the host.
    fn observe(&mut self, call: &str, range: (u32, u32)) -> Result<Observation, Error> {
        let before = self.words(range)?;
        let (start, bytes) = range;
        self.store.data_mut().watch = Some(Watch::new(start..start + bytes));
        let ended = self.turn(&format!("__import__('_memex_situations').{call}"));
        let watch = self.store.data_mut().watch.take();
        ended?;
        let (mut usual, mut special) = (Vec::new(), Vec::new());
        for (mark, bytes) in watch.map(Watch::into_looks).unwrap_or_default() {
            let looks = if mark == USUAL {
                &mut usual
            } else {
                &mut special
            };
            looks.push(words(&bytes));
        }
        Ok(Observation {
            rest: [before, self.words(range)?],
            usual,
            special,
        })
    }

    pub(super) fn words(&self, (start, bytes): (u32, u32)) -> Result<Vec<u32>, Error> {
        let mut copy = vec![0; bytes as usize];
        self.memory
            .read(&self.store, start as usize, &mut copy)
            .map_err(|_| unknown("a range outside of memory"))?;
        Ok(words(&copy))
    }
}

impl Observation {
    fn one_usual(&self) -> Result<&Vec<u32>, Error> {
        match self.usual.as_slice() {
            [look] => Ok(look),
            other => Err(unknown(&format!("{} calls instead of one", other.len()))),
        }
    }

    /// The words that belong to this situation; `usual` are other usual calls.
    fn words(&self, usual: &[Vec<u32>; 2], thread: u32) -> Vec<usize> {
        let [rest, after] = &self.rest;
        (0..rest.len())
            .filter(|&at| {
                let value = word(rest, at);
                let mut steady = self.usual.iter().chain(usual).chain([after]);
                // The head of an empty list points at itself, and what is in
                // the list points at the head.
                let is_list = value.abs_diff(thread + 4 * at as u32) <= 4;
                !is_list
                    && steady.all(|words| word(words, at) == value)
                    && self.special.iter().any(|words| word(words, at) != value)
            })
            .collect()
    }

    /// Whether a word is 0 at rest and 1 in the situation, whenever looked at.
    fn counts(&self, at: usize) -> bool {
        let is_one = self.special.iter().all(|words| word(words, at) == 1);
        is_one && !self.special.is_empty() && self.rest.iter().all(|words| word(words, at) == 0)
    }
}

/// The word of the current frame: it depends on the depth, and at rest it
/// names the outermost frame, as another word always does.
fn frame_word(rest: &[u32], usual: &[Vec<u32>; 2], depth_left: usize) -> Result<usize, Error> {
    let [near, far] = usual;
    let is_outermost = |value: u32| {
        let mut all = (0..rest.len()).filter(|&at| word(rest, at) == value);
        all.any(|at| usual.iter().all(|words| word(words, at) == value))
    };
    let found: Vec<usize> = (0..rest.len())
        .filter(|&at| at != depth_left && word(rest, at) != 0)
        .filter(|&at| word(near, at) != word(far, at))
        .filter(|&at| is_outermost(word(rest, at)))
        .collect();
    match found[..] {
        [at] => Ok(at),
        _ => Err(unknown(&format!("the current frame: {found:?}"))),
    }
}

pub(super) fn word(words: &[u32], at: usize) -> u32 {
    words.get(at).copied().unwrap_or_default()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

pub(super) fn unknown(what: &str) -> Error {
    Error::Calibration(format!("a running guest's state is not found: {what}"))
}
