//! The memory of this process, as the kernel counts it.

use crate::error::Error;
use std::fs;

/// Memory that is the process's own: anonymous pages and pages of unnamed
/// files in memory, each counted once however often it is mapped.
pub(crate) fn own_memory_kib() -> Result<f64, Error> {
    let fail = |reason: String| Error::System {
        what: "memory of the process",
        reason,
    };
    let text =
        fs::read_to_string("/proc/self/smaps_rollup").map_err(|error| fail(error.to_string()))?;
    let value = |name: &str| -> f64 {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .trim()
                    .strip_suffix("kB")?
                    .trim()
                    .parse()
                    .ok()
            })
            .unwrap_or(0.0)
    };
    Ok(value("Anonymous:") + value("Pss_Shmem:"))
}
