//! The watchers of all sandboxes: what each saw last, and who waits for changes.
//!
//! Nothing inside a sandbox reports changes. Its files change while code runs and
//! when a client writes them; so a watcher looks again after each, and compares.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::super::connect::{Code, ConnectError};
use super::changes::{Change, Look, changes};
use super::entries::{Entry, seen};
use crate::error::ServiceError;
use crate::names::Id;
use crate::service::{FileEntry, FileKind, Service};
use crate::tenants::Principal;

/// Watchers of one sandbox that wait to be asked.
const WATCHERS_MAX: usize = 32;
/// Sandboxes with watchers.
const SANDBOXES_MAX: usize = 10_000;
/// Names that a watcher compares.
const NAMES_MAX: usize = 20_000;
/// How deep a watcher looks that looks into folders.
const DEPTH_MAX: u32 = 32;

/// All watchers.
#[derive(Debug, Default)]
pub(in super::super) struct Watchers(Mutex<HashMap<Id, Watched>>);

#[derive(Debug)]
struct Watched {
    tenant: String,
    watchers: BTreeMap<String, Arc<AsyncMutex<Watcher>>>,
    touched: watch::Sender<u64>,
}

impl Watched {
    fn of(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            watchers: BTreeMap::new(),
            touched: watch::Sender::new(0),
        }
    }

    /// Watchers that are asked, and streams.
    fn count(&self) -> usize {
        self.watchers.len() + self.touched.receiver_count()
    }
}

/// What a client wants to watch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Watch {
    pub(super) path: String,
    pub(super) recursive: bool,
    pub(super) include_entry: bool,
}

/// One watcher: a folder, and what was in it when it was last looked at.
#[derive(Debug)]
pub(super) struct Watcher {
    folder: String,
    is_recursive: bool,
    with_entries: bool,
    look: Look,
}

/// A change, with what is there now if it was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    name: String,
    #[serde(rename = "type")]
    event: super::changes::Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<Entry>,
}

impl Watchers {
    /// Files of a sandbox may have changed.
    pub(in super::super) fn touched(&self, id: Id) {
        if let Some(watched) = self.0.lock().get(&id) {
            watched
                .touched
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// The sandbox has ended.
    pub(in super::super) fn forget(&self, id: Id) {
        self.0.lock().remove(&id);
    }

    /// Told whenever files of a sandbox may have changed, until it is forgotten.
    pub(super) fn listen(
        &self,
        service: &Service,
        who: &Principal,
        id: Id,
    ) -> Result<watch::Receiver<u64>, ConnectError> {
        self.add(service, who, id, |watched| Ok(watched.touched.subscribe()))
    }

    /// Keeps a watcher to be asked; returns its id.
    pub(super) fn keep(
        &self,
        service: &Service,
        who: &Principal,
        id: Id,
        watcher: Watcher,
    ) -> Result<String, ConnectError> {
        let name = Id::random().map_err(|error| {
            ConnectError::new(Code::Internal, format!("no random number: {error}"))
        })?;
        self.add(service, who, id, |watched| {
            if watched.watchers.len() >= WATCHERS_MAX {
                return Err(ConnectError::new(
                    Code::ResourceExhausted,
                    format!("the sandbox has {WATCHERS_MAX} watchers\nhint: stop one"),
                ));
            }
            let watcher = Arc::new(AsyncMutex::new(watcher));
            watched.watchers.insert(name.to_string(), watcher);
            Ok(name.to_string())
        })
    }

    pub(super) fn find(&self, id: Id, watcher: &str) -> Option<Arc<AsyncMutex<Watcher>>> {
        self.0.lock().get(&id)?.watchers.get(watcher).cloned()
    }

    pub(super) fn remove(&self, id: Id, watcher: &str) -> bool {
        let mut all = self.0.lock();
        let Some(watched) = all.get_mut(&id) else {
            return false;
        };
        watched.watchers.remove(watcher).is_some()
    }

    /// Adds a watcher or a stream, where the tenant may have one more.
    fn add<T>(
        &self,
        service: &Service,
        who: &Principal,
        id: Id,
        work: impl FnOnce(&mut Watched) -> Result<T, ConnectError>,
    ) -> Result<T, ConnectError> {
        let (tenant, most) = (who.tenant(), who.tenant.quota().watchers);
        let mut all = self.0.lock();
        if count_of(&all, tenant) >= most || all.len() >= SANDBOXES_MAX {
            // A sandbox that ended by itself has left its watchers here.
            all.retain(|id, watched| watched.count() > 0 && !service.is_gone(id));
        }
        if count_of(&all, tenant) >= most {
            let message = format!(
                "the tenant has {most} watchers, as many as its quota allows\nhint: stop one"
            );
            return Err(ConnectError::new(Code::ResourceExhausted, message));
        }
        if all.len() >= SANDBOXES_MAX && !all.contains_key(&id) {
            let message = "there are too many watchers on this server\nhint: try again later";
            return Err(ConnectError::new(Code::ResourceExhausted, message));
        }
        work(all.entry(id).or_insert_with(|| Watched::of(tenant)))
    }
}

fn count_of(all: &HashMap<Id, Watched>, tenant: &str) -> usize {
    let own = all.values().filter(|watched| watched.tenant == tenant);
    own.map(Watched::count).sum()
}

impl Watcher {
    /// Begins to watch a folder.
    pub(super) async fn begin(
        service: &Service,
        who: &Principal,
        id: Id,
        asked: &Watch,
    ) -> Result<Self, ConnectError> {
        let folder = service.stat(who, &id, &asked.path).await?;
        if folder.kind == FileKind::File {
            let message = format!("path is not a directory: {}", asked.path);
            return Err(ConnectError::new(Code::InvalidArgument, message));
        }
        let mut watcher = Self {
            folder: folder.path,
            is_recursive: asked.recursive,
            with_entries: asked.include_entry,
            look: Look::new(),
        };
        watcher.look = watcher.look_again(service, who, id).await?.0;
        Ok(watcher)
    }

    /// What changed since the last time.
    pub(super) async fn news(
        &mut self,
        service: &Service,
        who: &Principal,
        id: Id,
    ) -> Result<Vec<Event>, ConnectError> {
        let (look, entries) = self.look_again(service, who, id).await?;
        let found = changes(&self.look, &look);
        self.look = look;
        let with_entries = self.with_entries;
        let told = |Change { name, event }| {
            let is_there = event != super::changes::Event::Rename;
            // Two events of one name both have the entry.
            let entry = entries.get(&name).filter(|_| with_entries && is_there);
            Event {
                entry: entry.cloned().map(Entry::from),
                name,
                event,
            }
        };
        Ok(found.into_iter().map(told).collect())
    }

    async fn look_again(
        &self,
        service: &Service,
        who: &Principal,
        id: Id,
    ) -> Result<(Look, BTreeMap<String, FileEntry>), ConnectError> {
        let depth = if self.is_recursive { DEPTH_MAX } else { 1 };
        let listed = service.list_folder(who, &id, &self.folder, depth).await;
        let listed = match listed {
            Ok(listed) => listed,
            // The folder has gone, and all that was in it.
            Err(error) if is_missing(&error) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if listed.len() > NAMES_MAX {
            let message = format!(
                "there are more than {NAMES_MAX} names in the folder\nhint: watch one within it"
            );
            return Err(ConnectError::new(Code::ResourceExhausted, message));
        }
        let (mut look, mut entries) = (Look::new(), BTreeMap::new());
        for entry in listed {
            let name = entry.path.strip_prefix(self.folder.as_str());
            let name = name.map_or(entry.path.as_str(), |name| name.trim_start_matches('/'));
            look.insert(name.to_owned(), seen(&entry));
            if self.with_entries {
                entries.insert(name.to_owned(), entry);
            }
        }
        Ok((look, entries))
    }
}

fn is_missing(error: &ServiceError) -> bool {
    matches!(error.code, "no-such-file" | "not-a-folder")
}
