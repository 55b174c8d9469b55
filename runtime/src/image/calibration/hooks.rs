//! Finding where the interpreter keeps hooks that nothing takes off again.
//!
//! `sys.addaudithook` appends to a list that Python code cannot reach. The first
//! hook makes the list, so the word that refers to it is the one that was empty
//! before, and that refers to a list which a second hook makes longer.

use super::calibrator::{Calibrator, THREAD_STATE_BYTES};
use super::situations::{INTERPRETER_BYTES, LINKS, unknown, word};
use crate::error::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Adds a hook that hears everything and does nothing, if there are such hooks.
const ADD_HOOK: &str =
    "import sys\nif hasattr(sys, 'addaudithook'): sys.addaudithook(lambda *_: None)";
/// Offsets in a list, behind its count of references.
const CLASS_OFFSET: u32 = 4;
const LENGTH_OFFSET: u32 = 8;

impl Calibrator {
    /// The words that hold audit hooks; none in a guest without. The guest has
    /// two such hooks afterwards.
    pub(super) fn hook_words(&mut self) -> Result<Vec<u32>, Error> {
        let list = self.ask("import sys; sys.stdout.write(f'{id(list):x}'); sys.stdout.flush()")?;
        let list = u32::from_str_radix(&list, 16).map_err(|_| unknown("the class of lists"))?;
        let before = self.interpreter_words()?;
        let empty: BTreeSet<u32> = before
            .iter()
            .filter(|&(_, &value)| value == 0)
            .map(|(&at, _)| at)
            .collect();
        self.turn(ADD_HOOK)?;
        let one = self.lists_at(&empty, list, 1)?;
        self.turn(ADD_HOOK)?;
        let two = self.lists_at(&one, list, 2)?;
        match two.len() {
            0 | 1 => Ok(two.into_iter().collect()),
            _ => Err(unknown(&format!("the audit hooks: {two:x?}"))),
        }
    }

    /// Those of the words that refer to a list of so many elements.
    fn lists_at(
        &self,
        words: &BTreeSet<u32>,
        list: u32,
        length: u32,
    ) -> Result<BTreeSet<u32>, Error> {
        let mut found = BTreeSet::new();
        for &at in words {
            let object = self.word(at)?;
            let is_list = object != 0
                && self.word(object.wrapping_add(CLASS_OFFSET)).ok() == Some(list)
                && self.word(object.wrapping_add(LENGTH_OFFSET)).ok() == Some(length);
            if is_list {
                found.insert(at);
            }
        }
        Ok(found)
    }

    /// The words of what the thread state refers to first: the interpreter's
    /// own state is among it.
    fn interpreter_words(&mut self) -> Result<BTreeMap<u32, u32>, Error> {
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let state = self.words((thread as u32, THREAD_STATE_BYTES))?;
        let end = self.memory.data_size(&self.store) as u32;
        let mut found = BTreeMap::new();
        for &start in state.iter().take(LINKS) {
            if start % 4 != 0 || start < self.stack_top || start >= end {
                continue;
            }
            let range = (start, INTERPRETER_BYTES.min(end - start));
            let words = self.words(range)?;
            let at = |index: usize| start + 4 * index as u32;
            found.extend((0..words.len()).map(|index| (at(index), word(&words, index))));
        }
        Ok(found)
    }
}
