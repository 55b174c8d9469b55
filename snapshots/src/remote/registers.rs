//! Small objects of a bucket that several machines replace in turn.

use std::sync::Arc;

use object_store::UpdateVersion;

use super::bucket::{Bucket, Written};
use crate::Error;

/// Objects that are written only by who knows what they were: what a store does for its
/// sessions, for those who keep other things beside them
/// ([`ObjectStore::registers`](crate::ObjectStore::registers)).
#[derive(Clone)]
pub struct Registers {
    pub(super) bucket: Arc<Bucket>,
}

/// Which state of a register was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterVersion(UpdateVersion);

impl Registers {
    /// What a register holds, if it is there.
    pub fn read(&self, name: &str) -> Result<Option<(Vec<u8>, RegisterVersion)>, Error> {
        let found = self.bucket.read(name)?;
        Ok(found.map(|(bytes, version)| (bytes, RegisterVersion(version))))
    }

    /// Writes a register if it is still as it was read; without a version, if it is not
    /// there. Says whether it did.
    pub fn replace(
        &self,
        name: &str,
        version: Option<&RegisterVersion>,
        bytes: Vec<u8>,
    ) -> Result<bool, Error> {
        let version = version.map(|version| version.0.clone());
        Ok(self.bucket.replace(name, version, bytes)? == Written::Yes)
    }

    /// The names below a directory, sorted.
    pub fn list(&self, directory: &str) -> Result<Vec<String>, Error> {
        let mut names = self.bucket.list(directory, |found| Some(found.name))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Takes registers away, whatever they hold.
    pub fn remove(&self, names: Vec<String>) -> Result<(), Error> {
        self.bucket.remove_many(names)
    }
}

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registers")
            .field("place", &self.bucket.place(""))
            .finish()
    }
}
