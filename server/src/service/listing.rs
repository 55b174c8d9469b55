//! Looking at sandboxes. Nothing is woken for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::entry::{Entry, Place};
use super::state::{Inner, Service};
use crate::clock::now_ms;
use crate::error::ServiceError;
use crate::ledger::Lifetime;
use crate::names::Id;
use crate::sandbox::{Page, SandboxView, State};
use crate::tenants::{Principal, Scope};

/// Sandboxes of one page.
const PAGE_MAX: usize = 1_000;
/// Bytes of the metadata of one page: answers are held until they are taken.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Which sandboxes are listed. By default: the first hundred of all that have not ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListFilter {
    /// Those in one of these states. None: all that have not ended.
    pub states: Vec<StateName>,
    /// Those with all of this metadata.
    pub metadata: BTreeMap<String, String>,
    /// How many at most; 0 is a hundred.
    pub limit: usize,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// States, as lists tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateName {
    /// Live or asleep: a request finds it.
    Running,
    /// Paused.
    Paused,
    /// Ended, for a day.
    Gone,
}

/// What a sandbox uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SandboxUsage {
    /// Time of its turns in the guest, since the server started, in microseconds.
    pub cpu_us: u64,
    /// Its guest's memory after the last turn; 0 while it sleeps in the store.
    pub memory_bytes: u64,
    /// The bound of that.
    pub memory_bytes_max: u64,
    /// Bytes in the store.
    pub stored_bytes: u64,
    /// The bound of what its files hold.
    pub file_bytes_max: u64,
}

impl Service {
    /// What is told of a sandbox; of one that has ended, for a day, when and why.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub async fn get(&self, who: &Principal, id: &Id) -> Result<SandboxView, ServiceError> {
        let entry = self.inner.look(who, id)?;
        Ok(self.inner.view(&entry))
    }

    /// A page of the tenant's sandboxes, newest first. It is shorter than its limit where
    /// their metadata is long.
    ///
    /// # Errors
    /// For an `after` that no page gave.
    pub async fn list(
        &self,
        who: &Principal,
        filter: ListFilter,
    ) -> Result<Page<SandboxView>, ServiceError> {
        who.require(Scope::Create)?;
        let after = match &filter.after {
            None => None,
            Some(token) => Some(place_of(token).ok_or_else(|| {
                ServiceError::invalid(
                    "the page's token is none",
                    "use the `next` of the page before",
                )
            })?),
        };
        let limit = match filter.limit {
            0 => 100,
            limit => limit.min(PAGE_MAX),
        };
        let inner = &self.inner;
        let mut found = inner.selected(who, &filter, after);
        let shown = within(&found, limit);
        let has_more = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| has_more);
        let next = next.map(|((created, id), _)| format!("{created}.{id}"));
        Ok(Page {
            items: found.iter().map(|(_, entry)| inner.view(entry)).collect(),
            next,
        })
    }

    /// The page of the tenant's sandboxes that comes after `skipped` of them, newest first, and
    /// how many there are in all. Only what is on the page is looked at closely: the metadata of
    /// all could be many megabytes.
    ///
    /// # Errors
    /// As [`Service::list`].
    pub(crate) async fn list_from(
        &self,
        who: &Principal,
        filter: &ListFilter,
        skipped: usize,
    ) -> Result<(Vec<SandboxView>, usize), ServiceError> {
        who.require(Scope::Create)?;
        let inner = &self.inner;
        let found = inner.selected(who, filter, None);
        let page = found.iter().skip(skipped).take(filter.limit.min(PAGE_MAX));
        let items = page.map(|(_, entry)| inner.view(entry)).collect();
        Ok((items, found.len()))
    }

    /// What a sandbox uses.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub fn usage(&self, who: &Principal, id: &Id) -> Result<SandboxUsage, ServiceError> {
        let entry = self.inner.look(who, id)?;
        let limits = &entry.profile.policy.limits;
        Ok(SandboxUsage {
            cpu_us: entry.cpu_us.load(Ordering::Relaxed),
            memory_bytes: entry.memory_bytes.load(Ordering::Relaxed),
            memory_bytes_max: limits.memory_bytes,
            stored_bytes: entry.stored_bytes.load(Ordering::Relaxed),
            file_bytes_max: limits.file_bytes,
        })
    }
}

impl ListFilter {
    fn takes(&self, is_gone: bool, is_paused: bool, metadata: &BTreeMap<String, String>) -> bool {
        let state = match (is_gone, is_paused) {
            (true, _) => StateName::Gone,
            (false, true) => StateName::Paused,
            (false, false) => StateName::Running,
        };
        let is_wanted = match self.states.is_empty() {
            true => !is_gone,
            false => self.states.contains(&state),
        };
        let has = |(name, value): (&String, &String)| metadata.get(name) == Some(value);
        is_wanted && self.metadata.iter().all(has)
    }
}

fn place_of(token: &str) -> Option<(u64, Id)> {
    let (created, id) = token.split_once('.')?;
    Some((created.parse().ok()?, Id::parse(id)?))
}

/// How many of these are on a page: at least one, and no more than `limit`.
fn within(found: &[((u64, Id), Arc<Entry>)], limit: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = |(_, entry): &&(_, Arc<Entry>)| {
        let record = entry.record.lock();
        let metadata = record.metadata.iter();
        let taken = metadata.map(|(name, value)| name.len() + value.len());
        bytes = bytes.saturating_add(taken.sum());
        bytes <= PAGE_BYTES_MAX
    };
    let fitting = found.iter().take(limit).take_while(fits).count();
    fitting.max(limit.min(1))
}

impl Inner {
    /// The tenant's sandboxes that a filter takes, newest first; those after a place.
    fn selected(
        &self,
        who: &Principal,
        filter: &ListFilter,
        after: Option<(u64, Id)>,
    ) -> Vec<((u64, Id), Arc<Entry>)> {
        let mut found: Vec<((u64, Id), Arc<Entry>)> = Vec::new();
        for entry in self.registry.all() {
            if entry.tenant.name() != who.tenant() {
                continue;
            }
            let place = {
                let record = entry.record.lock();
                let is_paused = record.is_paused(now_ms());
                if !filter.takes(record.ended.is_some(), is_paused, &record.metadata) {
                    continue;
                }
                (record.created_ms, record.id)
            };
            if after.is_none_or(|after| place < after) {
                found.push((place, entry));
            }
        }
        found.sort_unstable_by_key(|found| std::cmp::Reverse(found.0));
        found
    }

    pub(super) fn view(&self, entry: &Entry) -> SandboxView {
        let record = entry.record.lock();
        let limits = &entry.profile.policy.limits;
        let turns = entry.turns.load(Ordering::Relaxed);
        SandboxView {
            id: entry.id,
            state: match (record.ended, record.is_paused(now_ms()), entry.place()) {
                (Some(ended), _, _) => State::Gone(ended),
                (None, true, _) => State::Paused,
                (None, _, Place::Awake) => State::Live,
                (None, _, Place::Memory | Place::Store) => State::Asleep,
            },
            metadata: record.metadata.clone(),
            created_ms: record.created_ms,
            expires_ms: match record.lifetime {
                Lifetime::Until(until) => Some(until),
                Lifetime::Paused(_) => None,
            },
            on_timeout: record.on_timeout,
            durability: record.durability,
            image: entry.profile.image.clone(),
            parent: record.parent,
            turns: (turns > 0).then_some(turns),
            memory_bytes_max: limits.memory_bytes,
            file_bytes_max: limits.file_bytes,
            stored_bytes: entry.stored_bytes.load(Ordering::Relaxed),
        }
    }
}
