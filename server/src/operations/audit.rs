//! The audit log: one line for each thing that was done, chained by digests.
//!
//! ```text
//! audit-000001.jsonl ─► audit-000002.jsonl ─► audit.jsonl
//!   full, never written again                   the one that is written
//! ```
//! Each line holds the digest of the line before it, also over the files, so that a line that
//! was changed, removed or put in shows, unless everything after it was written anew. A line
//! that a kill has cut stays, and the line after it says so with the digest of what is left.
//! The log never holds code, output, files or keys; of code there is a digest.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Serialize;

use super::chain::{self, digest};
use crate::clock::wall_ms;

/// Something that was done.
#[derive(Debug, Default, Serialize)]
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
    /// The digest of the cut line before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<&'a str>,
    previous: &'a str,
}

/// The log of a data directory.
pub(crate) struct Audit(Mutex<Log>);

struct Log {
    directory: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    length: u64,
    /// The size at which a new file is begun.
    most: u64,
    /// The digest of the last line.
    last: String,
}

impl Audit {
    /// Opens the log, and goes on after its last line. A new file is begun once one has so
    /// many bytes.
    pub(crate) fn open(directory: &Path, most: u64) -> io::Result<Self> {
        let mut file = opened(directory)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(
            length.saturating_sub(2 * chain::LINE_BYTES_MAX),
        ))?;
        let mut tail = Vec::new();
        (&mut file)
            .take(2 * chain::LINE_BYTES_MAX)
            .read_to_end(&mut tail)?;
        let (last, cut) = match tail.is_empty() {
            true => (chain::end_of_full(directory)?, None),
            false => chain::last_of(&tail),
        };
        let mut log = Log {
            directory: directory.to_owned(),
            file,
            length,
            most,
            // The first line of a file after others was cut: it follows from theirs.
            last: match last {
                Some(last) => last,
                None => chain::end_of_full(directory)?.unwrap_or_default(),
            },
        };
        if !tail.is_empty() && !tail.ends_with(b"\n") {
            log.file.write_all(b"\n")?;
            log.length += 1;
        }
        if let Some(cut) = cut {
            let event = Event {
                action: "log-was-cut",
                outcome: "ok",
                ..Event::default()
            };
            log.write(&event, Some(&cut))?;
        }
        Ok(Self(Mutex::new(log)))
    }

    /// Adds a line. A log that cannot be written is told to the server's own log; work
    /// goes on.
    pub(crate) fn record(&self, event: &Event<'_>) {
        let mut log = self.0.lock();
        if log.length >= log.most
            && let Err(error) = log.begin_file()
        {
            tracing::error!(%error, "no new file of the audit log can be begun");
        }
        if let Err(error) = log.write(event, None) {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}

impl Log {
    fn write(&mut self, event: &Event<'_>, cut: Option<&str>) -> io::Result<()> {
        let line = Line {
            time_ms: wall_ms(),
            event,
            cut,
            previous: &self.last,
        };
        let mut bytes = serde_json::to_vec(&line).map_err(io::Error::other)?;
        let last = digest(&bytes);
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // Of a disk that is full, part of a line: the next one begins where it did.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.last = last;
        Ok(())
    }

    /// Puts the full file aside. A kill in the middle leaves no file, and the next one goes
    /// on where the full ones end.
    fn begin_file(&mut self) -> io::Result<()> {
        let numbers = chain::full_files(&self.directory)?;
        let number = numbers.last().map_or(1, |(number, _)| number + 1);
        self.file.sync_all()?;
        std::fs::rename(
            self.directory.join(chain::FILE),
            self.directory.join(chain::full_name(number)),
        )?;
        self.file = opened(&self.directory)?;
        self.length = 0;
        Ok(())
    }
}

fn opened(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true).mode(0o600);
    options.open(directory.join(chain::FILE))
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{Broken, Verified, verify};

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

    fn broken(line: u64) -> Result<Verified, Broken> {
        let file = chain::FILE.to_owned();
        Err(Broken { file, line })
    }

    #[test]
    fn the_chain_goes_on_over_restarts_and_shows_every_change() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(chain::FILE);
        for round in ["one", "two", "three"] {
            let audit = Audit::open(directory.path(), u64::MAX).unwrap();
            audit.record(&event(round));
            audit.record(&event("more"));
        }
        let whole = Verified { lines: 6, cut: 0 };
        assert_eq!(verify(&path).unwrap(), Ok(whole));
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let changed = text.replace("\"two\"", "\"TWO\"");
        let without = [&lines[..2], &lines[3..]].concat().join("\n");
        let twice = [&lines[..3], &lines[2..]].concat().join("\n");
        let garbled = text.replacen(lines[2], "{", 1);
        for (text, line) in [(changed, 4), (without, 3), (twice, 4), (garbled, 3)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(verify(&path).unwrap(), broken(line));
        }
    }

    #[test]
    fn a_line_that_a_kill_has_cut_is_told_from_one_that_was_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(chain::FILE);
        for cut in [1, 2, 40] {
            std::fs::write(&path, "").unwrap();
            let audit = Audit::open(directory.path(), u64::MAX).unwrap();
            audit.record(&event("one"));
            audit.record(&event("two"));
            drop(audit);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.truncate(bytes.len() - cut);
            std::fs::write(&path, &bytes).unwrap();
            Audit::open(directory.path(), u64::MAX)
                .unwrap()
                .record(&event("three"));
            // Without its line break alone, the line is whole.
            let (lines, cuts) = if cut == 1 { (3, 0) } else { (2, 1) };
            let found = verify(&path).unwrap().unwrap();
            assert_eq!((found.lines, found.cut), (lines, cuts), "{cut}");
            if cuts == 1 {
                let text = std::fs::read_to_string(&path).unwrap();
                let left = text.lines().nth(1).unwrap();
                std::fs::write(&path, text.replacen(left, &left[1..], 1)).unwrap();
                assert_eq!(
                    verify(&path).unwrap(),
                    broken(2),
                    "what is left was changed"
                );
            }
        }
    }

    /// What is a line for the check is one for the server that goes on after it.
    #[test]
    fn an_end_that_is_no_line_is_told_as_cut_whatever_it_holds() {
        for end in [
            "{",
            "{}",
            "1",
            r#"{"previous":1}"#,
            r#"{"previous":null}"#,
            "",
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(chain::FILE);
            Audit::open(directory.path(), u64::MAX)
                .unwrap()
                .record(&event("one"));
            let whole = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, format!("{whole}{end}\n")).unwrap();
            assert_eq!(verify(&path).unwrap(), Ok(Verified { lines: 1, cut: 1 }));
            Audit::open(directory.path(), u64::MAX)
                .unwrap()
                .record(&event("two"));
            let found = verify(&path).unwrap();
            assert_eq!(found, Ok(Verified { lines: 2, cut: 1 }), "{end}");
        }
    }

    #[test]
    fn a_file_that_is_full_is_followed_by_another_that_carries_the_chain_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(chain::FILE);
        for round in 0..3 {
            let audit = Audit::open(directory.path(), 300).unwrap();
            for _ in 0..4 {
                audit.record(&event("x"));
            }
            drop(audit);
            if round == 1 {
                // A kill after the full file was put aside.
                let next = chain::full_files(directory.path()).unwrap().len() as u64 + 1;
                std::fs::rename(&path, directory.path().join(chain::full_name(next))).unwrap();
            }
        }
        let files = chain::full_files(directory.path()).unwrap();
        assert!(files.len() >= 3, "{files:?}");
        let found = verify(&path).unwrap();
        assert_eq!(found, Ok(Verified { lines: 12, cut: 0 }));
        // Old ones may be kept elsewhere; one from the middle is missed.
        std::fs::remove_file(&files[0].1).unwrap();
        assert!(verify(&path).unwrap().is_ok());
        std::fs::remove_file(&files[1].1).unwrap();
        std::fs::write(&files[0].1, "").unwrap();
        assert!(verify(&path).unwrap().is_err());
    }
}
