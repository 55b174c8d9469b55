//! An entry of the cache: a few files with a record of what they must contain.
//!
//! The record holds a digest of each file and a *seal*: device, inode, size and
//! times of change as they were when the digest was right. A file whose seal
//! still holds was not written since, which takes microseconds to see; one
//! whose seal does not hold is hashed. Only root can change a file and keep its
//! change time, and root needs no cache to take over this program.

use crate::error::Error;
use memex_policies::check_plain_name;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const RECORD: &str = "entry.json";
const RECORD_VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    key: String,
    files: BTreeMap<String, FileRecord>,
    /// Whatever the kind of entry adds.
    details: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRecord {
    blake3: String,
    seal: Seal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    device: u64,
    inode: u64,
    bytes: u64,
    modified_ns: i128,
    changed_ns: i128,
}

/// A verified entry.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) directory: PathBuf,
    pub(crate) details: T,
    pub(crate) digests: BTreeMap<String, String>,
}

impl<T: Serialize + DeserializeOwned> Entry<T> {
    /// Seals the named files of `directory` and writes the record.
    pub(crate) fn seal(
        directory: &Path,
        key: &str,
        names: &[&str],
        details: &T,
    ) -> Result<(), Error> {
        let mut files = BTreeMap::new();
        for name in names {
            let path = directory.join(name);
            let (blake3, seal) = digest(&path)?;
            files.insert((*name).to_owned(), FileRecord { blake3, seal });
        }
        let details = serde_json::to_value(details).map_err(|e| damaged(directory, e))?;
        let record = Record {
            version: RECORD_VERSION,
            key: key.to_owned(),
            files,
            details,
        };
        write_record(directory, &record)
    }

    /// Opens an entry whose files are what was sealed.
    ///
    /// # Errors
    /// [`Error::NotPrivate`] when others could have written them,
    /// [`Error::Damaged`] when they are something else, [`Error::OtherVersion`]
    /// when another version made them, [`Error::File`] when they are not there.
    pub(crate) fn open(directory: &Path, key: &str, thorough: bool) -> Result<Self, Error> {
        check_private(directory)?;
        let path = directory.join(RECORD);
        let mut record = read_record(&path, key)?;
        let mut renewed = false;
        for (name, known) in &mut record.files {
            if check_plain_name(name).is_err() {
                return Err(damaged(&path, "a file name that leads elsewhere"));
            }
            let file = directory.join(name);
            check_private(&file)?;
            let metadata = fs::metadata(&file).map_err(Error::file("read", &file))?;
            if !thorough && Seal::of(&metadata) == known.seal {
                continue;
            }
            let (blake3, seal) = digest(&file)?;
            if blake3 != known.blake3 {
                return Err(damaged(&file, "its digest is not the one recorded"));
            }
            renewed |= seal != known.seal;
            known.seal = seal;
        }
        if renewed {
            // Copied or restored, and intact: later runs need not hash again.
            // Failing to note that costs time only.
            let _ = write_record(directory, &record);
        }
        let digests = record
            .files
            .into_iter()
            .map(|(name, file)| (name, file.blake3))
            .collect();
        // The record is as it was written, so its form is what is strange here.
        let details = serde_json::from_value(record.details).map_err(|_| Error::OtherVersion {
            path: directory.into(),
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            details,
            digests,
        })
    }
}

impl Seal {
    fn of(metadata: &fs::Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Refuses a file or directory that another user owns or may write.
pub(crate) fn check_private(path: &Path) -> Result<(), Error> {
    let metadata = fs::symlink_metadata(path).map_err(Error::file("read", path))?;
    let refuse = |reason: &str| Error::NotPrivate {
        path: path.into(),
        reason: reason.into(),
    };
    if metadata.file_type().is_symlink() {
        return Err(refuse("is a symbolic link"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(refuse("can be written by others"));
    }
    Ok(())
}

fn digest(path: &Path) -> Result<(String, Seal), Error> {
    let mut file = File::open(path).map_err(Error::file("read", path))?;
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(Error::file("read", path))? {
            0 => break,
            read => {
                hash.update(buffer.get(..read).unwrap_or_default());
            }
        }
    }
    let metadata = file.metadata().map_err(Error::file("read", path))?;
    Ok((hash.finalize().to_hex().to_string(), Seal::of(&metadata)))
}

/// The record's first line is the digest of the rest, so that a record cut or
/// altered is not believed.
fn write_record(directory: &Path, record: &Record) -> Result<(), Error> {
    let body = serde_json::to_string_pretty(record).map_err(|e| damaged(directory, e))?;
    let text = format!("{}\n{body}\n", blake3::hash(body.as_bytes()).to_hex());
    write_atomically(&directory.join(RECORD), text.as_bytes())
}

fn read_record(path: &Path, key: &str) -> Result<Record, Error> {
    const RECORD_BYTES_MAX: u64 = 1 << 20;
    check_private(path)?;
    let mut text = String::new();
    File::open(path)
        .map_err(Error::file("read", path))?
        .take(RECORD_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|e| damaged(path, e))?;
    let record = parse_record(&text).map_err(|reason| damaged(path, reason))?;
    if record.version != RECORD_VERSION || record.key != key {
        return Err(damaged(path, "it belongs to another entry"));
    }
    Ok(record)
}

fn parse_record(text: &str) -> Result<Record, String> {
    let (digest, body) = text.split_once('\n').ok_or("it has no digest line")?;
    let body = body.strip_suffix('\n').unwrap_or(body);
    if blake3::hash(body.as_bytes()).to_hex().as_str() != digest {
        return Err("its own digest does not match".into());
    }
    serde_json::from_str(body).map_err(|e| e.to_string())
}

/// Checks the text of a record, for fuzzing: any text is a record or an error.
///
/// # Errors
/// Says why the text is not a record.
#[cfg(feature = "fuzzing")]
pub fn check_record(text: &str) -> Result<(), String> {
    parse_record(text).map(|_| ())
}

fn damaged(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Damaged {
        path: path.into(),
        reason: reason.to_string(),
    }
}

/// Writes a file that others cannot read, whole or not at all. Several threads, and processes
/// of several containers, can do so at once: none writes to what another one renames.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).map_err(|error| {
        Error::system("draw random bytes")(std::io::Error::other(error.to_string()))
    })?;
    let unique = u64::from_le_bytes(unique);
    let temporary = path.with_extension(format!("tmp-{unique:016x}"));
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        Error::File {
            doing: "write",
            path: path.into(),
            source,
        }
    })
}
