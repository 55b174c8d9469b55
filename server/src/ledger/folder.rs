//! The files.
//!
//! ```text
//! DATA/secret  DATA/keys.json  DATA/audit.jsonl
//! DATA/profiles/DIGEST.json
//! DATA/tenants/TENANT/sandboxes/ID.json      its record
//! DATA/tenants/TENANT/sandboxes/ID.waiting   its turn that waits
//! DATA/tenants/TENANT/sandboxes/ID.turn      its last turn that was asked for with a key
//! DATA/tenants/TENANT/snapshots/ID.json
//! ```
//! Every name is an identifier or a digest that this program made.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

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
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Makes room for a tenant.
    pub(crate) fn add_tenant(&self, tenant: &str) -> io::Result<()> {
        make_private_directory(&self.sandboxes(tenant))?;
        make_private_directory(&self.snapshots(tenant))
    }

    /// Records of a tenant's sandboxes; those that cannot be read are told to the log.
    pub(crate) fn records(&self, tenant: &str) -> io::Result<Vec<Record>> {
        documents(&self.sandboxes(tenant))
    }

    /// Records of a tenant's snapshots.
    pub(crate) fn snapshot_records(&self, tenant: &str) -> io::Result<Vec<SnapshotRecord>> {
        documents(&self.snapshots(tenant))
    }

    pub(crate) fn write_record(
        &self,
        tenant: &str,
        record: &Record,
        durable: bool,
    ) -> io::Result<()> {
        let path = self.sandbox(tenant, &record.id, "json");
        write_private(&path, &encoded(record)?, durable)
    }

    /// Forgets a sandbox.
    pub(crate) fn remove_record(&self, tenant: &str, id: &Id) -> io::Result<()> {
        for kind in ["turn", "waiting", "json"] {
            remove(&self.sandbox(tenant, id, kind))?;
        }
        Ok(())
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
        self.sandbox(tenant, id, "json").exists()
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
                        let read: Named = read_json(&path, &bytes)?;
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
        let bytes = bytes.ok_or_else(|| damaged(&path, "it is not there"))?;
        let profile = Profile::read(&bytes).map_err(|what| damaged(&path, &what))?;
        match profile.name == name {
            true => Ok(profile),
            false => Err(damaged(&path, "it is not what its name says")),
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
    // What a later program has written is told as such, and not by its first new field.
    let written: Written = read_json(path, &bytes)?;
    match written.version {
        Some(version) if version != VERSION => {
            Err(damaged(path, &format!("it has version {version}")))
        }
        _ => read_json(path, &bytes).map(Some),
    }
}

#[derive(Deserialize)]
struct Written {
    version: Option<u32>,
}

fn read_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| damaged(path, &error.to_string()))
}

/// All documents of a folder. What an interrupted write left behind is removed.
fn documents<T: DeserializeOwned>(folder: &Path) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => match document(&path) {
                Ok(value) => found.extend(value),
                Err(error) => tracing::error!(%error, "a record cannot be read, and is left alone"),
            },
            Some("partial") => remove(&path)?,
            _ => {}
        }
    }
    Ok(found)
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} is damaged: {what}", path.display()),
    )
}
