//! The file of keys.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::key::{KeyRecord, issue};
use crate::clock::wall_ms;
use crate::files::{make_private_directory, read_private, write_private};
use crate::names::{Id, check_tenant_name};
use crate::tenants::Scope;

const VERSION: u32 = 1;
const FILE: &str = "keys.json";
const FILE_BYTES_MAX: usize = 16 << 20;
/// Characters of a key's name.
const ID_CHARS: usize = 10;
const LABEL_CHARS_MAX: usize = 100;

/// The file of keys of a server's data directory. Commands change it while the server
/// runs, which looks at it again every few seconds.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

/// A key that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewKey {
    /// Whose it is.
    pub tenant: String,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
    /// What a person calls it.
    pub label: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<KeyRecord>,
}

impl KeyFile {
    /// The file of keys in a server's data directory, which is made where it is not there.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(directory: &Path) -> io::Result<Self> {
        make_private_directory(directory)?;
        Ok(Self {
            path: directory.join(FILE),
        })
    }

    /// All keys.
    ///
    /// # Errors
    /// What the system says, and what is wrong with the file.
    pub fn read(&self) -> io::Result<Vec<KeyRecord>> {
        let Some(bytes) = read_private(&self.path, FILE_BYTES_MAX)? else {
            return Ok(Vec::new());
        };
        parse(&bytes).map_err(|what| self.damaged(&what))
    }

    /// Makes a key and returns it: it is not kept.
    ///
    /// # Errors
    /// What is wrong with the tenant's name or the label, and what the system says.
    pub fn add(&self, new: NewKey) -> io::Result<(String, KeyRecord)> {
        let refused = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        check_tenant_name(&new.tenant).map_err(refused)?;
        let label = new.label.as_deref().unwrap_or_default();
        if label.chars().count() > LABEL_CHARS_MAX || label.chars().any(char::is_control) {
            return Err(refused(format!(
                "a label has at most {LABEL_CHARS_MAX} characters, and none that steers a terminal"
            )));
        }
        let (key, digest) = issue()?;
        let id = Id::random()?;
        let record = KeyRecord {
            id: id.as_str().chars().take(ID_CHARS).collect(),
            tenant: new.tenant,
            scopes: new.scopes,
            digest,
            created_ms: wall_ms(),
            expires_ms: new.expires_ms,
            label: new.label,
        };
        self.change(|keys| keys.push(record.clone()))?;
        Ok((key, record))
    }

    /// Ends a key by its name; false where there is none of that name.
    ///
    /// # Errors
    /// What the system says.
    pub fn revoke(&self, id: &str) -> io::Result<bool> {
        let mut found = false;
        self.change(|keys| {
            let before = keys.len();
            keys.retain(|key| key.id != id);
            found = keys.len() < before;
        })?;
        Ok(found)
    }

    /// When it was changed last.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        std::fs::metadata(&self.path)
            .and_then(|found| found.modified())
            .ok()
    }

    /// Changes the file while no other process does.
    fn change(&self, work: impl FnOnce(&mut Vec<KeyRecord>)) -> io::Result<()> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.with_extension("lock"))?;
        lock.lock()?;
        let mut keys = self.read()?;
        work(&mut keys);
        let document = Document {
            version: VERSION,
            keys,
        };
        let bytes = serde_json::to_vec_pretty(&document).map_err(io::Error::other)?;
        write_private(&self.path, &bytes, true)
    }

    fn damaged(&self, what: &dyn std::fmt::Display) -> io::Error {
        let what = format!("{} is no file of keys: {what}", self.path.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    }
}

/// The keys of a file with these bytes.
///
/// # Errors
/// What is wrong with them.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<KeyRecord>, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match document.version {
        VERSION => Ok(document.keys),
        other => Err(format!("it has version {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_and_go_and_their_secret_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path()).unwrap();
        assert!(file.read().unwrap().is_empty());
        let new = NewKey {
            tenant: "acme".to_owned(),
            scopes: vec![Scope::Run, Scope::Files],
            ..NewKey::default()
        };
        let (key, record) = file.add(new.clone()).unwrap();
        let (_, second) = file.add(new).unwrap();
        let text = std::fs::read_to_string(directory.path().join(FILE)).unwrap();
        assert!(text.contains(&record.digest) && !text.contains(&key));
        assert!(!file.revoke("nothing").unwrap());
        assert!(file.revoke(&record.id).unwrap());
        assert_eq!(file.read().unwrap(), [second]);
    }

    #[test]
    fn a_damaged_file_is_told_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        for text in [
            "",
            "{}",
            r#"{"version":2,"keys":[]}"#,
            r#"{"version":1,"keys":[1]}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let error = file.read().unwrap_err();
            assert!(error.to_string().contains("is no file of keys"), "{error}");
            assert!(
                file.add(NewKey {
                    tenant: "a".into(),
                    ..NewKey::default()
                })
                .is_err()
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
