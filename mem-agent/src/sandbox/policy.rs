//! The policy for the code of a memory agent.

use std::time::Duration;

use memex_policies::{Policy, ToolGrants};

use crate::Error;

/// The names of the ten tools.
pub const TOOL_NAMES: [&str; 10] = [
    "create_file",
    "create_dir",
    "update_file",
    "read_file",
    "delete_file",
    "check_if_file_exists",
    "check_if_dir_exists",
    "list_files",
    "get_size",
    "go_to_link",
];

/// The longest block, and the longest output of one.
const CODE_BYTES: u64 = 4 << 20;
const OUTPUT_BYTES: u64 = 2 << 20;
/// Turns of one session: two for each block.
const TURNS: u64 = 1_000_000;
/// Sessions of one process at once.
const LIVE_SESSIONS: u64 = 4_096;

/// The ten tools and nothing else: no directory, not even a private one, no
/// host, no variable. A block may run for `code_time`, waits included.
///
/// # Errors
/// If the time is none that a policy can bound a turn by.
pub fn policy(code_time: Duration) -> Result<Policy, Error> {
    let mut policy = Policy::default();
    policy.set_name("mem-agent".to_owned())?;
    policy.set_scratch(false)?;
    let time_ms = u64::try_from(code_time.as_millis()).unwrap_or(u64::MAX);
    for (name, value) in [
        ("guest_time_ms", time_ms),
        ("wall_time_ms", time_ms),
        ("code_bytes", CODE_BYTES),
        ("stdout_bytes", OUTPUT_BYTES),
        ("turns", TURNS),
        ("live_sessions", LIVE_SESSIONS),
    ] {
        policy.set_limit(name, value)?;
    }
    policy.set_tools(ToolGrants {
        allow: TOOL_NAMES.iter().map(|name| (*name).to_owned()).collect(),
        deny: Vec::new(),
    })?;
    Ok(policy)
}
