//! Addresses that are found by trying.

use super::calibrator::{Calibrator, THREAD_STATE_BYTES};
use super::report::{BOOTSTRAP, Report};
use crate::error::Error;
use crate::image::map::RandomState;
use crate::interrupt::InterruptAddresses;

impl Calibrator {
    /// Where a `bytes` object keeps its length and its contents.
    pub(super) fn bytes_layout(&mut self, bytes_type: u32) -> Result<(u32, u32), Error> {
        const PROBE: &[u8] = b"calibrate bytes objects";
        let buffer: i32 = self.call("malloc", PROBE.len() as i32)?;
        self.memory
            .write(&mut self.store, buffer as u32 as usize, PROBE)
            .map_err(Error::engine)?;
        let object: i32 = self.call("PyBytes_FromStringAndSize", (buffer, PROBE.len() as i32))?;
        let data: i32 = self.call("PyBytes_AsString", object)?;
        let offset = (data as u32).wrapping_sub(object as u32);
        if self.word(object as u32 + 4)? != bytes_type || offset > 64 {
            return Err(Error::Calibration(
                "bytes objects have an unknown layout".into(),
            ));
        }
        let size = (0..offset)
            .step_by(4)
            .find(|at| self.word(object as u32 + at).ok() == Some(PROBE.len() as u32))
            .ok_or_else(|| Error::Calibration("no length in a bytes object".into()))?;
        self.call::<i32, ()>("_Py_DecRef", object)?;
        self.call::<i32, ()>("free", buffer)?;
        Ok((size, offset))
    }

    /// Finds the pending exception and the event bits of the thread state by
    /// calling the function that consumes them, with one word changed at a
    /// time: the word with the exception comes back as an exception, and the
    /// word with the bits comes back without one of them.
    pub(super) fn interrupt_addresses(
        &mut self,
        report: &Report,
    ) -> Result<InterruptAddresses, Error> {
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let thread = thread as u32;
        let mut exception = Vec::new();
        let mut events = Vec::new();
        for at in (thread..thread + THREAD_STATE_BYTES).step_by(4) {
            let before = self.word(at)?;
            if before == 0 {
                self.set_word(at, report.timeout_error)?;
                let code: i32 = self.call("_PyEval_RaiseAsyncExc", thread as i32)?;
                if code == -1 && self.word(at)? == 0 {
                    exception.push(at);
                }
                self.call::<(), ()>("PyErr_Clear", ())?;
                self.set_word(at, before)?;
            }
            self.set_word(at, u32::MAX)?;
            // Only words that no pointer is read from survive this; the
            // function reads two words of the thread state.
            let consumed = !exception.contains(&at);
            if consumed {
                let _: i32 = self.call("_PyEval_RaiseAsyncExc", thread as i32)?;
            }
            let after = self.word(at)?;
            self.set_word(at, before)?;
            self.call::<(), ()>("PyErr_Clear", ())?;
            if consumed && after != u32::MAX {
                events.push((at, !after));
            }
        }
        match (exception.as_slice(), events.as_slice()) {
            ([exception], [(events, bit)]) if bit.is_power_of_two() => Ok(InterruptAddresses {
                flag: self.flag,
                exception: *exception,
                events: *events,
                events_bit: *bit,
                timeout_error: report.timeout_error,
                keyboard_interrupt: report.keyboard_interrupt,
            }),
            other => Err(Error::Calibration(format!(
                "the interrupt words of the thread state are not unique: {other:x?}"
            ))),
        }
    }

    /// Finds a Mersenne Twister by its words. Copies of them may lie anywhere,
    /// so it is the one that changes when the generator is seeded otherwise.
    pub(super) fn random_state(&mut self, words: &[u32]) -> Result<RandomState, Error> {
        if words.len() != RandomState::WORDS {
            return Err(Error::Calibration("a generator of another kind".into()));
        }
        self.turn(&format!("{BOOTSTRAP}.seed(2)"))?;
        let copies = self.search(words);
        self.turn(&format!("{BOOTSTRAP}.seed(1)"))?;
        let mut found = self.search(words);
        found.retain(|at| !copies.contains(at));
        let [at] = found[..] else {
            return Err(Error::Calibration(format!(
                "a generator's state is not unique: {found:x?}"
            )));
        };
        // CPython keeps the position before the words, numpy behind them.
        let behind = at + (RandomState::WORDS * 4) as u32;
        let position = [at - 4, behind]
            .into_iter()
            .find(|&at| self.word(at).ok() == Some(RandomState::SPENT))
            .ok_or_else(|| Error::Calibration("a generator without a position".into()))?;
        Ok(RandomState {
            words: at,
            position,
        })
    }

    /// Where in memory the words stand, one after the other.
    fn search(&self, words: &[u32]) -> Vec<u32> {
        let pattern: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let memory = self.memory.data(&self.store);
        memory
            .chunks_exact(4)
            .enumerate()
            .filter(|(_, word)| Some(*word) == pattern.get(..4))
            .map(|(index, _)| index * 4)
            .filter(|&at| memory.get(at..at + pattern.len()) == Some(&pattern[..]))
            .map(|at| at as u32)
            .collect()
    }
}
