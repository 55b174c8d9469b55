//! From a guest that has started to the memory of an image.

use super::calibrator::Calibrator;
use super::report::{BOOTSTRAP, Report};
use crate::error::Error;
use crate::image::map::{Entries, GuestMap};
use serde::Deserialize;

/// What `run` is called with: the number of the turn, and its code.
const TRIVIAL_TURN: &[u8] = b"\0\0\0\0pass";

/// One step of the warm-up: its kind and its text.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::image) struct WarmStep(String, String);

impl Calibrator {
    /// Puts memex's own Python into the guest and asks for addresses.
    pub(in crate::image) fn install(&mut self) -> Result<Report, Error> {
        self.protect_stack()?;
        let sources: serde_json::Map<_, _> = memex_guest_python::PYTHON_SOURCES
            .iter()
            .map(|(name, source)| ((*name).to_owned(), (*source).into()))
            .collect();
        let sources = serde_json::Value::Object(sources);
        // A JSON object of strings is a Python dict literal as well.
        self.turn(&format!(
            "SOURCES = {sources}\n{}",
            memex_guest_python::BOOTSTRAP
        ))?;
        let report = self.report()?;
        // Before the warm-up, whose allocations fill the room that this used.
        self.running = self.running_words()?;
        Ok(report)
    }

    /// Gives the guest the path of the image's packages.
    pub(in crate::image) fn add_packages(&mut self) -> Result<(), Error> {
        let path = python_text(memex_guest_python::PACKAGES_GUEST_PATH);
        self.turn(&format!("{BOOTSTRAP}.packages({path})"))
    }

    /// The sources of the warm-up, one for each step.
    pub(in crate::image) fn warm_steps(
        &mut self,
        standard: bool,
        preload: &[String],
    ) -> Result<Vec<WarmStep>, Error> {
        let preload =
            serde_json::to_string(preload).map_err(|e| Error::Calibration(e.to_string()))?;
        let standard = if standard { "True" } else { "False" };
        let text = self.ask(&format!("{BOOTSTRAP}.steps({standard}, {preload})"))?;
        serde_json::from_str(&text).map_err(|e| Error::Calibration(format!("warm-up steps: {e}")))
    }

    /// Runs one step of the warm-up.
    pub(in crate::image) fn warm(&mut self, report: &Report, step: &WarmStep) -> Result<(), Error> {
        let WarmStep(kind, text) = step;
        let (kind, text) = (python_text(kind), python_text(text));
        self.turn(&format!("{BOOTSTRAP}.warm({kind}, {text})"))?;
        self.call_directly(report, report.run, TRIVIAL_TURN)
    }

    /// Cleans up after the warm-up, so that sessions find an empty scope, and
    /// reads the addresses again: they are those of the image now.
    pub(in crate::image) fn settle(&mut self, report: &mut Report) -> Result<(), Error> {
        self.turn(&format!("{BOOTSTRAP}.clean()"))?;
        *report = self.report()?;
        for words in [report.random.clone(), report.numpy_random.clone()] {
            if !words.is_empty() {
                report.generators.push(self.random_state(&words)?);
            }
        }
        for _ in 0..3 {
            self.call_directly(report, report.run, TRIVIAL_TURN)?;
        }
        // Last of all, since it removes its own name.
        self.turn(&format!("{BOOTSTRAP}.settle()"))?;
        self.call_directly(report, report.leave, b"")?;
        for _ in 0..3 {
            self.call_directly(report, report.run, TRIVIAL_TURN)?;
        }
        let host = self.store.data_mut();
        host.stdout.take();
        host.stderr.take();
        Ok(())
    }

    /// The finished map and memory. The guest is of no use afterwards.
    pub(in crate::image) fn capture(
        mut self,
        report: &Report,
    ) -> Result<(GuestMap, Vec<u8>), Error> {
        let (bytes_size, bytes_data) = self.bytes_layout(report.bytes)?;
        let interrupt = self.interrupt_addresses(report)?;
        let mut running = self.running.clone();
        running.restored.push(self.exception_word(&interrupt)?);
        // Code that copies a guest handles pending interrupts itself.
        let is_interrupt = |at: &u32| [interrupt.events, interrupt.exception].contains(at);
        running.restored.retain(|at| !is_interrupt(at));
        let global = self
            .instance
            .get_global(&mut self.store, "memex_global_0")
            .ok_or_else(|| Error::Calibration("no stack pointer".into()))?;
        let stack_pointer = global
            .get(&mut self.store)
            .i32()
            .ok_or_else(|| Error::Calibration("the stack pointer is not an i32".into()))?;
        let flag = self.word(self.flag)?;
        let memory = self.immortal_memory()?;
        // In a guest that is of no use afterwards: nothing takes a hook off.
        let hooks = self.hook_words()?;
        let map = GuestMap {
            stack_pointer,
            bytes_type: report.bytes,
            bytes_size,
            bytes_data,
            arguments: report.arguments,
            entries: Entries {
                run: report.run,
                resume: report.resume,
                cancel: report.cancel,
                inspect: report.inspect,
                configure: report.configure,
                after_fork: report.after_fork,
                check: report.check,
                disarm: report.disarm,
            },
            interrupt,
            random: report.generators.clone(),
            running,
            hooks,
        };
        if !map.fits(memory.len()) || flag != 0 {
            return Err(Error::Calibration(
                "an address lies outside of the image".into(),
            ));
        }
        Ok((map, memory))
    }
}

/// Text as a Python literal: JSON's escapes are Python's.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
