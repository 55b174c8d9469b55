//! What a process takes of memory.

use std::process::Child;

/// What a process holds, and has held at most.
pub(crate) fn resident(child: &Child) -> (u64, u64) {
    let path = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(path).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse::<u64>().unwrap() << 10
    };
    (field("VmRSS:"), field("VmHWM:"))
}
