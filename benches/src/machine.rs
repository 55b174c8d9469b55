//! The machine that figures were taken on.

use std::fmt;
use std::fs;
use std::thread;

/// The properties of a machine that explain its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The processor's name, if the system reports it.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The operating system's version.
    pub system: String,
    /// Processes that wanted to run in the last minute, on average: well above
    /// zero before a run, figures were taken beside other work.
    pub load: Option<f64>,
}

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn survey() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = |line: &str| line.split_once(':').map(|(_, name)| name.trim().to_owned());
        let processor = cpuinfo
            .lines()
            .find(|line| line.starts_with("model name"))
            .and_then(named)
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let uname = rustix::system::uname();
        let system = format!(
            "{} {}",
            uname.sysname().to_string_lossy(),
            uname.release().to_string_lossy()
        );
        let load = fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok());
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            processor,
            cores,
            system,
            load,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cores of {}, {}",
            self.cores, self.processor, self.system
        )?;
        match self.load {
            Some(load) => write!(f, ", load {load:.1}"),
            None => Ok(()),
        }
    }
}
