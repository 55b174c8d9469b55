//! What the guest reports of itself, and calls of what it reports.

use super::calibrator::Calibrator;
use crate::error::Error;
use crate::image::map::RandomState;
use serde::Deserialize;

/// How the installer is reached from the guest's own entry, without a name in
/// the scope that sessions will see.
pub(super) const BOOTSTRAP: &str = "__import__('_memex_bootstrap')";

/// Addresses that the guest reports of itself.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::image) struct Report {
    pub(super) bytes: u32,
    pub(super) timeout_error: u32,
    pub(super) keyboard_interrupt: u32,
    pub(super) run: u32,
    pub(super) resume: u32,
    pub(super) cancel: u32,
    pub(super) inspect: u32,
    pub(super) configure: u32,
    pub(super) after_fork: u32,
    pub(super) check: u32,
    pub(super) disarm: u32,
    /// Compacts the heap.
    pub(super) leave: u32,
    /// The state words of the `random` module's generator.
    pub(super) random: Vec<u32>,
    /// The same of numpy's legacy generator, if numpy is there.
    pub(super) numpy_random: Vec<u32>,
    #[serde(skip)]
    pub(super) arguments: u32,
    #[serde(skip)]
    pub(super) generators: Vec<RandomState>,
}

impl Calibrator {
    pub(super) fn report(&mut self) -> Result<Report, Error> {
        let text = self.ask(&format!("{BOOTSTRAP}.report()"))?;
        let mut report: Report = serde_json::from_str(&text)
            .map_err(|e| Error::Calibration(format!("the guest's report: {e}: {text:.200}")))?;
        let arguments: i32 = self.call("malloc", 16_i32)?;
        report.arguments = arguments as u32;
        Ok(report)
    }

    /// Calls a function of bytes by its address, as a session does.
    pub(super) fn call_directly(
        &mut self,
        report: &Report,
        function: u32,
        payload: &[u8],
    ) -> Result<(), Error> {
        let object: i32 = self.call("PyBytes_FromStringAndSize", (0_i32, payload.len() as i32))?;
        let data: i32 = self.call("PyBytes_AsString", object)?;
        self.memory
            .write(&mut self.store, data as u32 as usize, payload)
            .map_err(Error::engine)?;
        self.set_word(report.arguments, object as u32)?;
        let result: i32 = self.call(
            "PyObject_Vectorcall",
            (function as i32, report.arguments as i32, 1_i32, 0_i32),
        )?;
        self.call::<i32, ()>("_Py_DecRef", object)?;
        if result == 0 {
            return Err(Error::Calibration("the dispatcher raised".into()));
        }
        self.call::<i32, ()>("_Py_DecRef", result)
    }
}
