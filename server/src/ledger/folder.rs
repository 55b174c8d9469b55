//! The files, and the journal for what is small and changes with every sandbox.
//!
//! ```text
//! DATA/secret  DATA/keys.json  DATA/audit.jsonl
//! DATA/ledger/                               the journal; its key r/TENANT/ID has the
//!                                            record of a sandbox
//! DATA/profiles/DIGEST.json
//! DATA/tenants/TENANT/sandboxes/ID.waiting   its turn that waits
//! DATA/tenants/TENANT/sandboxes/ID.turn      its last turn that was asked for with a key
//! DATA/tenants/TENANT/snapshots/ID.json
//! ```
//! Earlier programs kept each record in a file `ID.json` beside these; such files go into the
//! journal when they are read.
//!
//! Every name is an identifier or a digest that this program made.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memex_journal::{Change, Journal, Options};
use memex_sessions::Outcome;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::profile::Profile;
use super::record::{Record, SnapshotRecord, VERSION, WaitingRecord};
use crate::files::{make_private_directory, read_private, remove, write_private};
use crate::names::Id;

/// The largest of these files that is read.
const FILE_BYTES_MAX: usize = 256 << 20;

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
    journal: Arc<Journal>,
}

/// A turn that was asked for with a key, and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptTurn {
    pub(crate) key: String,
    /// The digest of the request.
    pub(crate) request: String,
    /// Its number.
    pub(crate) turn: u64,
    /// The saved state that it led to; none while that is in memory alone. It is written
    /// before the sandbox's name leads there: where it is no part of the sandbox's history,
    /// the turn was not acknowledged, and counts for nothing.
    pub(crate) snapshot: Option<String>,
    pub(crate) outcome: Outcome,
}

impl Folder {
    /// Opens the data directory, and makes it where it is not there.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        make_private_directory(&root.join("profiles"))?;
        make_private_directory(&root.join("tenants"))?;
        let ledger = root.join("ledger");
        let journal = Journal::open(&ledger, Options::default()).map_err(of_journal)?;
        Ok(Self {
            root: root.to_owned(),
            journal: Arc::new(journal),
        })
    }

    /// The journal, which states of sandboxes are kept in, too.
    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Makes room for a tenant.
    pub(crate) fn add_tenant(&self, tenant: &str) -> io::Result<()> {
        make_private_directory(&self.sandboxes(tenant))?;
        make_private_directory(&self.snapshots(tenant))
    }

    /// Records of a tenant's sandboxes; those that cannot be read are told to the log.
    pub(crate) fn records(&self, tenant: &str) -> io::Result<Vec<Record>> {
        self.adopt(tenant)?;
        let mut found = Vec::new();
        for (key, _) in self.journal.keys(&tenant_key(tenant)) {
            match self.value(&key) {
                Ok(record) => found.extend(record),
                Err(error) => tracing::error!(%error, "a record cannot be read, and is left alone"),
            }
        }
        Ok(found)
    }

    /// Takes the records that an earlier program has left in files into the journal.
    fn adopt(&self, tenant: &str) -> io::Result<()> {
        let mut adopted = Vec::new();
        for path in documents(&self.sandboxes(tenant))? {
            let record: Record = match document(&path) {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "a record cannot be read, and is left alone");
                    continue;
                }
            };
            // One that is in the journal is newer.
            if !self.journal.has(&record_key(tenant, &record.id)) {
                self.write_record(tenant, &record, false)?;
            }
            adopted.push(path);
        }
        if !adopted.is_empty() {
            self.settle()?;
        }
        adopted.iter().try_for_each(|path| remove(path))
    }

    /// Records of a tenant's snapshots.
    pub(crate) fn snapshot_records(&self, tenant: &str) -> io::Result<Vec<SnapshotRecord>> {
        let mut found = Vec::new();
        for path in documents(&self.snapshots(tenant))? {
            match document(&path) {
                Ok(value) => found.extend(value),
                Err(error) => tracing::error!(%error, "a record cannot be read, and is left alone"),
            }
        }
        Ok(found)
    }

    pub(crate) fn write_record(
        &self,
        tenant: &str,
        record: &Record,
        durable: bool,
    ) -> io::Result<()> {
        let (key, bytes) = (record_key(tenant, &record.id), encoded(record)?);
        let change = Change::put(&key, &bytes);
        let change = match record.ended {
            // The end of a sandbox gives more room than its record takes.
            Some(_) => change.freeing(),
            None => change,
        };
        self.append(&[change], durable)
    }

    /// Forgets a sandbox.
    pub(crate) fn remove_record(&self, tenant: &str, id: &Id) -> io::Result<()> {
        for kind in ["turn", "waiting", "json"] {
            remove(&self.sandbox(tenant, id, kind))?;
        }
        let key = record_key(tenant, id);
        match self.journal.has(&key) {
            true => self.append(&[Change::remove(&key)], false),
            false => Ok(()),
        }
    }

    fn append(&self, changes: &[Change<'_>], durable: bool) -> io::Result<()> {
        let place = self.journal.append(changes).map_err(of_journal)?;
        match durable {
            true => self.journal.settle(place).map_err(of_journal),
            false => Ok(()),
        }
    }

    /// Makes everything durable that the journal has.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let end = self.journal.end();
        self.journal.settle(end).map_err(of_journal)
    }

    fn value<T: DeserializeOwned>(&self, key: &[u8]) -> io::Result<Option<T>> {
        let Some(bytes) = self.journal.get(key).map_err(of_journal)? else {
            return Ok(None);
        };
        read_document(&String::from_utf8_lossy(key), &bytes).map(Some)
    }

    pub(crate) fn write_waiting(
        &self,
        tenant: &str,
        id: &Id,
        waiting: &WaitingRecord,
        durable: bool,
    ) -> io::Result<()> {
        write_private(
            &self.sandbox(tenant, id, "waiting"),
            &encoded(waiting)?,
            durable,
        )
    }

    pub(crate) fn waiting(&self, tenant: &str, id: &Id) -> io::Result<Option<WaitingRecord>> {
        document(&self.sandbox(tenant, id, "waiting"))
    }

    pub(crate) fn remove_waiting(&self, tenant: &str, id: &Id) -> io::Result<()> {
        remove(&self.sandbox(tenant, id, "waiting"))
    }

    pub(crate) fn write_turn(
        &self,
        tenant: &str,
        id: &Id,
        turn: &KeptTurn,
        durable: bool,
    ) -> io::Result<()> {
        write_private(&self.sandbox(tenant, id, "turn"), &encoded(turn)?, durable)
    }

    pub(crate) fn remove_turn(&self, tenant: &str, id: &Id) -> io::Result<()> {
        remove(&self.sandbox(tenant, id, "turn"))
    }

    pub(crate) fn turn(&self, tenant: &str, id: &Id) -> io::Result<Option<KeptTurn>> {
        document(&self.sandbox(tenant, id, "turn"))
    }

    pub(crate) fn write_snapshot(&self, tenant: &str, record: &SnapshotRecord) -> io::Result<()> {
        let path = self.snapshots(tenant).join(format!("{}.json", record.id));
        write_private(&path, &encoded(record)?, true)
    }

    pub(crate) fn remove_snapshot(&self, tenant: &str, id: &Id) -> io::Result<()> {
        remove(&self.snapshots(tenant).join(format!("{id}.json")))
    }

    /// Writes a profile, unless it is there.
    pub(crate) fn write_profile(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.profile_path(name);
        match path.exists() {
            true => Ok(()),
            false => write_private(&path, bytes, true),
        }
    }

    pub(crate) fn has_record(&self, tenant: &str, id: &Id) -> bool {
        // One that could not be read is a file still.
        self.journal.has(&record_key(tenant, id)) || self.sandbox(tenant, id, "json").exists()
    }

    pub(crate) fn has_waiting(&self, tenant: &str, id: &Id) -> bool {
        self.sandbox(tenant, id, "waiting").exists()
    }

    pub(crate) fn has_snapshot(&self, tenant: &str, id: &Id) -> bool {
        self.snapshots(tenant).join(format!("{id}.json")).exists()
    }

    /// The profiles that are there, by name.
    pub(crate) fn profiles(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.root.join("profiles"))? {
            let path = entry?.path();
            let is_profile = path.extension() == Some(OsStr::new("json"));
            let name = path.file_stem().and_then(OsStr::to_str);
            found.extend(name.filter(|_| is_profile).map(str::to_owned));
        }
        Ok(found)
    }

    /// The profiles that records name, of all tenants that ever were. `known` spares the
    /// reading of a sandbox's record. A record that cannot be read is an error: what it names
    /// is not known.
    pub(crate) fn profiles_named(
        &self,
        known: impl Fn(&str, &Id) -> Option<String>,
    ) -> io::Result<HashSet<String>> {
        #[derive(Deserialize)]
        struct Named {
            profile: String,
        }
        let mut named = HashSet::new();
        for (key, _) in self.journal.keys(RECORDS) {
            let known = parts_of(&key).and_then(|(tenant, id)| known(tenant, &id));
            match known {
                Some(name) => drop(named.insert(name)),
                // It may have been removed since.
                None => {
                    if let Some(bytes) = self.journal.get(&key).map_err(of_journal)? {
                        let read: Named = read_json(&String::from_utf8_lossy(&key), &bytes)?;
                        named.insert(read.profile);
                    }
                }
            }
        }
        for tenant in std::fs::read_dir(self.root.join("tenants"))? {
            let tenant = tenant?.file_name();
            let Some(tenant) = tenant.to_str() else {
                continue;
            };
            for folder in [self.sandboxes(tenant), self.snapshots(tenant)] {
                for entry in std::fs::read_dir(folder)? {
                    let path = entry?.path();
                    if path.extension() != Some(OsStr::new("json")) {
                        continue;
                    }
                    let id = path.file_stem().and_then(OsStr::to_str).and_then(Id::parse);
                    if let Some(name) = id.and_then(|id| known(tenant, &id)) {
                        named.insert(name);
                        continue;
                    }
                    // It may have been removed since.
                    if let Some(bytes) = read_private(&path, FILE_BYTES_MAX)? {
                        let read: Named = read_json(&path.display().to_string(), &bytes)?;
                        named.insert(read.profile);
                    }
                }
            }
        }
        Ok(named)
    }

    pub(crate) fn remove_profile(&self, name: &str) -> io::Result<()> {
        remove(&self.profile_path(name))
    }

    /// Reads a profile.
    pub(crate) fn profile(&self, name: &str) -> io::Result<Profile> {
        let path = self.profile_path(name);
        let bytes = read_private(&path, FILE_BYTES_MAX)?;
        let damaged = |what: &str| damaged(&path.display().to_string(), what);
        let bytes = bytes.ok_or_else(|| damaged("it is not there"))?;
        let profile = Profile::read(&bytes).map_err(|what| damaged(&what))?;
        match profile.name == name {
            true => Ok(profile),
            false => Err(damaged("it is not what its name says")),
        }
    }

    fn profile_path(&self, name: &str) -> PathBuf {
        // A name that comes from a record is a digest, or names nothing.
        let is_digest = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = if is_digest { name } else { "none" };
        self.root.join("profiles").join(format!("{name}.json"))
    }

    fn sandboxes(&self, tenant: &str) -> PathBuf {
        self.root.join("tenants").join(tenant).join("sandboxes")
    }

    fn snapshots(&self, tenant: &str) -> PathBuf {
        self.root.join("tenants").join(tenant).join("snapshots")
    }

    fn sandbox(&self, tenant: &str, id: &Id, kind: &str) -> PathBuf {
        self.sandboxes(tenant).join(format!("{id}.{kind}"))
    }
}

fn encoded(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::other)
}

fn document<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let Some(bytes) = read_private(path, FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    read_document(&path.display().to_string(), &bytes).map(Some)
}

/// What a later program has written is told as such, and not by its first new field.
fn read_document<T: DeserializeOwned>(place: &str, bytes: &[u8]) -> io::Result<T> {
    let written: Written = read_json(place, bytes)?;
    match written.version {
        Some(version) if version != VERSION => {
            Err(damaged(place, &format!("it has version {version}")))
        }
        _ => read_json(place, bytes),
    }
}

#[derive(Deserialize)]
struct Written {
    version: Option<u32>,
}

fn read_json<T: DeserializeOwned>(place: &str, bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| damaged(place, &error.to_string()))
}

/// The documents of a folder. What an interrupted write left behind is removed.
fn documents(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => found.push(path),
            Some("partial") => remove(&path)?,
            _ => {}
        }
    }
    Ok(found)
}

/// What keys of records begin with.
const RECORDS: &[u8] = b"r/";

fn tenant_key(tenant: &str) -> Vec<u8> {
    [RECORDS, tenant.as_bytes(), b"/"].concat()
}

fn record_key(tenant: &str, id: &Id) -> Vec<u8> {
    [RECORDS, tenant.as_bytes(), b"/", id.as_str().as_bytes()].concat()
}

/// The tenant and the sandbox of a record's key.
fn parts_of(key: &[u8]) -> Option<(&str, Id)> {
    let key = std::str::from_utf8(key.strip_prefix(RECORDS)?).ok()?;
    let (tenant, id) = key.split_once('/')?;
    Some((tenant, Id::parse(id)?))
}

fn of_journal(error: memex_journal::Error) -> io::Error {
    use memex_journal::Error;
    let kind = match &error {
        Error::Full { .. } => io::ErrorKind::StorageFull,
        Error::Damaged { .. } => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

fn damaged(place: &str, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{place} is damaged: {what}"),
    )
}
