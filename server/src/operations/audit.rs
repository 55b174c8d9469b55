//! The audit log: one line for each thing that was done, chained by digests.
//!
//! Each line holds the digest of the line before it, so that a line that was changed,
//! removed or put in shows, unless everything after it was written anew. The log never
//! holds code, output, files or keys; of code there is a digest.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::clock::wall_ms;

const FILE: &str = "audit.jsonl";
/// The longest line that is read back.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Something that was done.
#[derive(Debug, Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) key: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) outcome: &'a str,
    /// The digest of the code that was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    time_ms: u64,
    #[serde(flatten)]
    event: &'a Event<'a>,
    previous: &'a str,
}

/// The log of a data directory.
pub(crate) struct Audit(Mutex<Log>);

struct Log {
    file: File,
    /// The digest of the last line.
    last: String,
}

impl Audit {
    /// Opens the log, and goes on after its last line.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(path)?;
        let last = last_line(&mut file)?;
        if let Some(line) = &last
            && !line.ends_with(b"\n")
        {
            // A line that was cut off by the end of the process stays as it is.
            file.write_all(b"\n")?;
        }
        let last = last.map(|line| digest(trimmed(&line))).unwrap_or_default();
        Ok(Self(Mutex::new(Log { file, last })))
    }

    /// Adds a line. A log that cannot be written is told to the server's own log; work
    /// goes on.
    pub(crate) fn record(&self, event: &Event<'_>) {
        let mut log = self.0.lock();
        let line = Line {
            time_ms: wall_ms(),
            event,
            previous: &log.last,
        };
        let written = serde_json::to_vec(&line)
            .map_err(io::Error::other)
            .and_then(|mut bytes| {
                let last = digest(&bytes);
                bytes.push(b'\n');
                log.file.write_all(&bytes).map(|()| last)
            });
        match written {
            Ok(last) => log.last = last,
            Err(error) => tracing::error!(%error, "the audit log cannot be written"),
        }
    }
}

/// Where a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: u64,
}

/// Reads a log and checks its chain: the number of its lines, or the first that does not
/// follow from the one before it.
///
/// # Errors
/// What the system says.
pub fn verify(path: &Path) -> io::Result<Result<u64, Broken>> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut previous, mut count) = (String::new(), 0);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(Ok(count));
        }
        count += 1;
        let line = trimmed(&line);
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let said = value
            .as_ref()
            .and_then(|value| value.get("previous"))
            .and_then(Value::as_str);
        if said != Some(&previous) {
            return Ok(Err(Broken { line: count }));
        }
        previous = digest(line);
    }
}

fn digest(line: &[u8]) -> String {
    blake3::hash(line).to_hex().to_string()
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn last_line(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LINE_BYTES_MAX)))?;
    let mut tail = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut tail)?;
    let end = trimmed(&tail);
    let begin = end
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = tail.get(begin..).unwrap_or_default().to_vec();
    Ok((!line.is_empty()).then_some(line))
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> Event<'_> {
        Event {
            tenant: "a",
            key: "k",
            action: "create",
            subject,
            outcome: "ok",
            code: None,
        }
    }

    #[test]
    fn the_chain_goes_on_over_restarts_and_shows_every_change() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        for round in ["one", "two", "three"] {
            let audit = Audit::open(directory.path()).unwrap();
            audit.record(&event(round));
            audit.record(&event("more"));
        }
        assert_eq!(verify(&path).unwrap(), Ok(6));
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let changed = text.replace("\"two\"", "\"TWO\"");
        let without = [&lines[..2], &lines[3..]].concat().join("\n");
        let twice = [&lines[..3], &lines[2..]].concat().join("\n");
        for (text, broken) in [(changed, 4), (without, 3), (twice, 4)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(verify(&path).unwrap(), Err(Broken { line: broken }));
        }
    }
}
