//! Which sandboxes there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::entry::Entry;
use crate::error::{ErrorKind, ServiceError};
use crate::ledger::{Profile, SnapshotRecord};
use crate::names::Id;
use crate::sandbox::{EndReason, Ended};

/// All sandboxes and snapshots, those that have ended lately included.
#[derive(Default)]
pub(super) struct Registry {
    entries: RwLock<HashMap<Id, Arc<Entry>>>,
    profiles: Mutex<HashMap<String, std::sync::Weak<Profile>>>,
    /// By tenant and name.
    pub(super) snapshots: RwLock<BTreeMap<(String, Id), SnapshotRecord>>,
    /// Requests with a key, by tenant and key.
    requests: Mutex<HashMap<(String, String), Request>>,
}

/// A request to make a sandbox that came with a key.
#[derive(Clone)]
struct Request {
    digest: String,
    /// None while it is being made.
    made: Option<Id>,
}

/// What is known of a request with a key.
pub(super) enum Known {
    /// Nothing: whoever asked makes it now, and tells.
    New,
    /// It was made.
    Made(Id),
}

impl Registry {
    pub(super) fn insert(&self, entry: Arc<Entry>) {
        self.entries.write().insert(entry.id, entry);
    }

    pub(super) fn remove(&self, id: &Id) -> Option<Arc<Entry>> {
        self.entries.write().remove(id)
    }

    /// A sandbox of a tenant. Those of others are not there.
    pub(super) fn find(&self, tenant: &str, id: &Id) -> Option<Arc<Entry>> {
        let entries = self.entries.read();
        let entry = entries.get(id)?;
        (entry.tenant.name() == tenant).then(|| Arc::clone(entry))
    }

    /// A sandbox, whoever it belongs to: for tokens, which name no tenant.
    pub(super) fn find_any(&self, id: &Id) -> Option<Arc<Entry>> {
        self.entries.read().get(id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.read().values().cloned().collect()
    }

    /// The profile of this form, shared with equal ones.
    pub(super) fn share(&self, profile: Profile) -> Arc<Profile> {
        let mut profiles = self.profiles.lock();
        if let Some(known) = profiles
            .get(&profile.name)
            .and_then(std::sync::Weak::upgrade)
        {
            return known;
        }
        profiles.retain(|_, known| known.strong_count() > 0);
        let shared = Arc::new(profile);
        profiles.insert(shared.name.clone(), Arc::downgrade(&shared));
        shared
    }

    pub(super) fn profile(&self, name: &str) -> Option<Arc<Profile>> {
        self.profiles.lock().get(name)?.upgrade()
    }

    /// Takes a request with a key: it is new, or equal to one before.
    pub(super) fn ask(&self, tenant: &str, key: &str, digest: &str) -> Result<Known, ServiceError> {
        let mut requests = self.requests.lock();
        let name = (tenant.to_owned(), key.to_owned());
        let Some(known) = requests.get(&name) else {
            let request = Request {
                digest: digest.to_owned(),
                made: None,
            };
            requests.insert(name, request);
            return Ok(Known::New);
        };
        if known.digest != digest {
            return Err(mismatch(key));
        }
        known.made.map(Known::Made).ok_or_else(|| {
            ServiceError::new(
                ErrorKind::Conflict,
                "idempotency-in-progress",
                "the request with this key is being worked on",
                "send it again in a moment",
            )
            .retry_after(std::time::Duration::from_secs(1))
        })
    }

    /// What a request came to; none lets it be made again.
    pub(super) fn tell(&self, tenant: &str, key: &str, digest: &str, made: Option<Id>) {
        let mut requests = self.requests.lock();
        let name = (tenant.to_owned(), key.to_owned());
        match made {
            None => {
                requests.remove(&name);
            }
            Some(_) => {
                let digest = digest.to_owned();
                requests.insert(name, Request { digest, made });
            }
        }
    }
}

/// A key that came with another request before.
pub(super) fn mismatch(key: &str) -> ServiceError {
    let key: String = key.chars().take(100).collect();
    ServiceError::new(
        ErrorKind::Conflict,
        "idempotency-mismatch",
        format!("another request came with the key {key:?} before"),
        "use a new key for a new request",
    )
}

/// The answer for a sandbox that has ended.
pub(super) fn gone(id: &Id, ended: Ended) -> ServiceError {
    let reason = match ended.reason {
        EndReason::Deleted => "it was deleted",
        EndReason::Expired => "its lifetime was over",
        EndReason::Unused => "it was not used for as long as the server keeps sleepers",
        EndReason::Fault => "a fault of the server lost it",
    };
    ServiceError::new(
        ErrorKind::Gone,
        "sandbox-gone",
        format!("the sandbox {id} has ended: {reason}"),
        "make another one; a longer `lifetime_s`, or `on_timeout: \"pause\"`, keeps it longer",
    )
}

/// What is said of a sandbox that is paused.
pub(super) fn paused(id: &Id) -> ServiceError {
    ServiceError::new(
        ErrorKind::Conflict,
        "paused",
        format!("the sandbox {id} is paused"),
        "resume it first",
    )
}
