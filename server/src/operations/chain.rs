//! Reading the audit log back: where its chain ends, and whether it is whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The file that is written.
pub(super) const FILE: &str = "audit.jsonl";
/// The longest line that is read back.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 10;

/// A log that is what was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Its whole lines.
    pub lines: u64,
    /// Lines that the end of a process has cut, which the lines after them tell of.
    pub cut: u64,
}

/// Where a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file's name.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
}

/// Reads a log with the full files beside it and checks its chain: how much there is of it,
/// or the first line that does not follow from the one before it. Full files that are kept
/// elsewhere are taken as they are named, from the oldest on.
///
/// # Errors
/// What the system says.
pub fn verify(path: &Path) -> io::Result<Result<Verified, Broken>> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut files: Vec<PathBuf> = Vec::new();
    let full = full_files(directory)?;
    let begins = full.first().is_none_or(|(number, _)| *number == 1);
    files.extend(full.into_iter().map(|(_, path)| path));
    files.push(path.to_owned());
    let mut verified = Verified::default();
    // Before the oldest file that is here may have been others.
    let mut previous = begins.then(String::new);
    for path in files {
        match read(&path, previous, &mut verified)? {
            Ok(last) => previous = last,
            Err(line) => {
                let name = path.file_name().unwrap_or_default();
                let file = name.to_string_lossy().into_owned();
                return Ok(Err(Broken { file, line }));
            }
        }
    }
    Ok(Ok(verified))
}

/// Checks one file, and returns the digest of its last line, or the line that is wrong.
fn read(
    path: &Path,
    mut previous: Option<String>,
    verified: &mut Verified,
) -> io::Result<Result<Option<String>, u64>> {
    let mut reader = BufReader::new(File::open(path)?);
    // A line that is none, and its number: the next one has to tell of it.
    let mut cut: Option<(u64, String)> = None;
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line)? == 0 {
            // The last line is cut where a process was killed that none has followed.
            verified.cut += u64::from(cut.is_some());
            return Ok(match cut {
                Some((at, _)) if at < number => Err(at),
                _ => Ok(previous),
            });
        }
        number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let said = |field: &str| value.as_ref()?.get(field)?.as_str();
        let Some(before) = said("previous") else {
            if let Some((at, _)) = cut {
                return Ok(Err(at));
            }
            cut = Some((number, digest(line)));
            continue;
        };
        if previous
            .as_deref()
            .is_some_and(|previous| previous != before)
        {
            return Ok(Err(cut.map_or(number, |(at, _)| at)));
        }
        match (cut.take(), said("cut")) {
            (None, None) => {}
            (Some((_, left)), Some(told)) if left == told => verified.cut += 1,
            (Some((at, _)), _) => return Ok(Err(at)),
            (None, Some(_)) => return Ok(Err(number)),
        }
        // That a line was cut is told in a line that stands for nothing that was done.
        verified.lines += u64::from(said("cut").is_none());
        previous = Some(digest(line));
    }
}

/// From the end of a file: the digest of its last whole line, and of what a kill has left of
/// a line after it.
pub(super) fn last_of(tail: &[u8]) -> (Option<String>, Option<String>) {
    // As [`read`] takes it.
    let is_line = |line: &[u8]| {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        value.is_some_and(|value| value.get("previous").is_some_and(Value::is_string))
    };
    let end = tail.strip_suffix(b"\n").unwrap_or(tail);
    let mut lines = end.rsplit(|byte| *byte == b'\n');
    let last = lines.next().unwrap_or_default();
    match is_line(last) {
        true => (Some(digest(last)), None),
        false => {
            let before = lines.next().filter(|line| is_line(line));
            (before.map(digest), Some(digest(last)))
        }
    }
}

/// The digest of the last line of the newest full file.
pub(super) fn end_of_full(directory: &Path) -> io::Result<Option<String>> {
    let Some((_, path)) = full_files(directory)?.pop() else {
        return Ok(None);
    };
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LINE_BYTES_MAX)))?;
    let mut tail = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut tail)?;
    Ok(last_of(&tail).0)
}

/// The files that are full, by number.
pub(super) fn full_files(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

pub(super) fn full_name(number: u64) -> String {
    format!("audit-{number:06}.jsonl")
}

pub(super) fn digest(line: &[u8]) -> String {
    blake3::hash(line).to_hex().to_string()
}
