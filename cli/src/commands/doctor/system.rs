//! Facts about the system. `None`: the system does not report them.

use memex_policies::Unit;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The kernel's release.
pub(super) fn kernel() -> Option<String> {
    one_line("/proc/sys/kernel/osrelease")
}

/// A figure of `/proc/meminfo`, in bytes.
pub(super) fn memory(field: &str) -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Unit::Bytes.parse(&line.trim().replace("kB", "KiB")).ok()
}

/// A number under `/proc/sys/vm`.
pub(super) fn vm_setting(name: &str) -> Option<u64> {
    one_line(&format!("/proc/sys/vm/{name}"))?.parse().ok()
}

/// The choice in force among `always [madvise] never`.
pub(super) fn huge_pages() -> Option<String> {
    let choices = one_line("/sys/kernel/mm/transparent_hugepage/enabled")?;
    let (_, rest) = choices.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Whether a directory that is not there could be.
///
/// # Errors
/// Why not, in words.
pub(super) fn can_be_made(path: &Path) -> Result<(), String> {
    use rustix::fs::{Access, access};
    let there = nearest(path).ok_or("it is nowhere")?;
    let name = there.display();
    if !there.is_dir() {
        return Err(format!("{name} is no directory"));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| format!("{name}: {error}"))
}

/// The first directory or file on the way up from a path that is there.
fn nearest(path: &Path) -> Option<&Path> {
    let there = path
        .ancestors()
        .find(|path| path.exists() || path.as_os_str().is_empty())?;
    Some(if there.as_os_str().is_empty() {
        Path::new(".")
    } else {
        there
    })
}

/// Bytes that may still be written where `path` is or would be.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let there = nearest(path)?;
    let stat = rustix::fs::statvfs(there).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// The soft limit on address space, if there is one.
pub(super) fn address_space_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

/// First line that a command prints, if it succeeds.
pub(super) fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(crate::environment::package_client_variables())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .next()
        .map(|line| memex_escapes::line(line.trim()))
}

fn one_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}
