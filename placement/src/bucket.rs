//! The store of states alone: conditional writes in its bucket, and no server besides.
//!
//! | kept | object | until |
//! |---|---|---|
//! | a node | `placement/CLUSTER/nodes/NODE` | it leaves |
//! | a lease | `placement/CLUSTER/leases/SESSION` | given back; the number of leases stays |
//! | an entry | `placement/CLUSTER/log/SESSION/NUMBER` | so many newer ones |
//!
//! Clocks of machines differ, so no time is written: a node is alive while others see
//! its object change.

use crate::entry::damaged;
use crate::{
    Claim, Committed, ENTRY_BYTES_MAX, Entry, Epoch, Error, Lease, Name, Node, NodeState,
    Placement, Sequence, Settings,
};
use async_trait::async_trait;
use memex_snapshots::{RegisterVersion, Registers};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

const ENGINE: &str = "the store";
/// How often a session is asked for again when others take and leave it meanwhile.
const CLAIMS_MAX: usize = 8;
/// No lease and no node needs more.
const SMALL_BYTES_MAX: usize = 1024;

/// A placement in the bucket of a store.
pub struct InBucket(Arc<Kept>);

struct Kept {
    registers: Registers,
    settings: Settings,
    /// What nodes last said, and since when they have said nothing else.
    seen: Mutex<HashMap<Name, (Vec<u8>, Instant)>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    node: Option<String>,
    epoch: Epoch,
}

/// A lease as it was read: who has it, which it is, and the version to replace.
struct Read {
    owner: Option<Name>,
    epoch: Epoch,
    version: RegisterVersion,
}

impl InBucket {
    /// Uses a bucket that refuses writes over what the writer has not seen, which is
    /// tried first.
    pub async fn open(registers: Registers, settings: Settings) -> Result<Self, Error> {
        let kept = Arc::new(Kept {
            registers,
            settings,
            seen: Mutex::default(),
        });
        let placement = Self(kept);
        placement.with(Kept::probe).await?;
        Ok(placement)
    }

    /// Runs requests, which wait for the network, where waiting is no harm.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Kept) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let kept = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&kept))
            .await
            .map_err(|error| Error::unavailable(ENGINE, "end a request", error))?
    }
}

impl Kept {
    fn place(&self, kind: &str, rest: &str) -> String {
        format!("placement/{}/{kind}/{rest}", self.settings.cluster)
    }

    /// Whether the service does what all this stands on: some say yes to every write.
    fn probe(&self) -> Result<(), Error> {
        let name = self.place("probe", &format!("{:016x}", rand()?));
        let failed = |error| Error::unavailable(ENGINE, "be tried", error);
        let write = |version: Option<&RegisterVersion>, bytes: &[u8]| {
            let written = self.registers.replace(&name, version, bytes.to_vec());
            written.map_err(failed)
        };
        let unfit = |reason: &str| Error::Unfit {
            engine: ENGINE,
            reason: format!("{reason}; use a service with conditional writes"),
        };
        if !write(None, b"1")? {
            return Err(unfit("it refuses a new object"));
        }
        let tried = (|| {
            if write(None, b"2")? {
                return Err(unfit("it replaces an object that was to be new"));
            }
            let (_, first) = (self.registers.read(&name).map_err(failed)?)
                .ok_or_else(|| unfit("it does not show what was written"))?;
            if !write(Some(&first), b"3")? {
                return Err(unfit("it refuses the replacement of what was read"));
            }
            if write(Some(&first), b"4")? {
                return Err(unfit("it replaces what has changed since it was read"));
            }
            match self.registers.read(&name).map_err(failed)? {
                Some((bytes, _)) if bytes == b"3" => Ok(()),
                _ => Err(unfit("it shows something else than was written")),
            }
        })();
        let removed = self.registers.remove(vec![name.clone()]).map_err(failed);
        tried.and(removed)
    }

    fn lease(&self, session: &Name) -> Result<Option<Read>, Error> {
        let name = self.place("leases", session.as_str());
        let found = self.registers.read(&name);
        let found = found.map_err(|error| Error::unavailable(ENGINE, "read a lease", error))?;
        let Some((bytes, version)) = found else {
            return Ok(None);
        };
        if bytes.len() > SMALL_BYTES_MAX {
            return Err(damaged(&name, "it is longer than a lease can be"));
        }
        let held: Held =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&name, &error.to_string()))?;
        let owner = held.node.as_deref().map(Name::new).transpose();
        Ok(Some(Read {
            owner: owner.map_err(|error| damaged(&name, &error.to_string()))?,
            epoch: held.epoch,
            version,
        }))
    }

    /// Replaces a lease; the new epoch, or nothing if another was faster.
    fn hold(
        &self,
        session: &Name,
        node: Option<&Name>,
        before: Option<&Read>,
        epoch: Epoch,
    ) -> Result<bool, Error> {
        let held = Held {
            node: node.map(ToString::to_string),
            epoch,
        };
        let bytes =
            serde_json::to_vec(&held).map_err(|error| damaged("a lease", &error.to_string()))?;
        let name = self.place("leases", session.as_str());
        let version = before.map(|before| &before.version);
        let written = self.registers.replace(&name, version, bytes);
        written.map_err(|error| Error::unavailable(ENGINE, "write a lease", error))
    }

    fn claim(&self, session: &Name, node: &Name, over: Option<Epoch>) -> Result<Claim, Error> {
        for _ in 0..CLAIMS_MAX {
            let before = self.lease(session)?;
            if let Some(before) = &before
                && let Some(owner) = &before.owner
                && owner != node
                && over != Some(before.epoch)
                && self.is_alive(owner)?
            {
                return Ok(Claim::Theirs(Lease {
                    session: session.clone(),
                    node: owner.clone(),
                    epoch: before.epoch,
                }));
            }
            let last = before.as_ref().map_or(0, |before| before.epoch);
            let epoch = last
                .checked_add(1)
                .ok_or_else(|| damaged("a lease", "its number cannot rise"))?;
            if self.hold(session, Some(node), before.as_ref(), epoch)? {
                return Ok(Claim::Ours(Lease {
                    session: session.clone(),
                    node: node.clone(),
                    epoch,
                }));
            }
        }
        let reason = "others take the session again and again";
        Err(Error::unavailable(ENGINE, "settle who runs it", reason))
    }

    fn is_alive(&self, node: &Name) -> Result<bool, Error> {
        let name = self.place("nodes", node.as_str());
        let found = self.registers.read(&name);
        let found = found.map_err(|error| Error::unavailable(ENGINE, "look for a node", error))?;
        Ok(found.is_some_and(|(bytes, _)| self.is_changing(node, bytes)))
    }

    /// Whether what a node says has changed within its lifetime, as seen from here.
    fn is_changing(&self, node: &Name, said: Vec<u8>) -> bool {
        let mut seen = self.seen.lock();
        match seen.get(node) {
            Some((before, since)) if *before == said => {
                since.elapsed() < self.settings.node_lifetime
            }
            _ => {
                seen.insert(node.clone(), (said, Instant::now()));
                true
            }
        }
    }

    fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error> {
        let name = self.place("nodes", node.as_str());
        let failed = |error| Error::unavailable(ENGINE, "renew a node", error);
        for _ in 0..CLAIMS_MAX {
            let version = self.registers.read(&name).map_err(failed)?;
            let said = format!("{} {:016x}", state.text(), rand()?);
            let version = version.as_ref().map(|(_, version)| version);
            let written = self.registers.replace(&name, version, said.into_bytes());
            if written.map_err(failed)? {
                return Ok(());
            }
        }
        let reason = "another node has its name";
        Err(Error::unavailable(ENGINE, "renew a node", reason))
    }

    fn nodes(&self) -> Result<Vec<Node>, Error> {
        let listed = self
            .registers
            .list(&format!("placement/{}/nodes", self.settings.cluster));
        let listed = listed.map_err(|error| Error::unavailable(ENGINE, "list the nodes", error))?;
        let mut nodes = Vec::new();
        for name in listed.iter().filter_map(|name| Name::new(name).ok()) {
            let found = self.registers.read(&self.place("nodes", name.as_str()));
            let found = found.map_err(|error| Error::unavailable(ENGINE, "read a node", error))?;
            if let Some((bytes, _)) = found.filter(|(bytes, _)| bytes.len() <= SMALL_BYTES_MAX) {
                let word = bytes.split(|byte| *byte == b' ').next();
                let state = NodeState::of_text(word.unwrap_or_default());
                if self.is_changing(&name, bytes) {
                    nodes.push(Node { name, state });
                }
            }
        }
        Ok(nodes)
    }

    /// The numbers of the entries that are kept, oldest first.
    fn numbers(&self, session: &Name) -> Result<Vec<Sequence>, Error> {
        let listed = self.registers.list(&self.place("log", session.as_str()));
        let listed = listed.map_err(|error| Error::unavailable(ENGINE, "list a log", error))?;
        Ok(listed.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn entry_name(&self, session: &Name, number: Sequence) -> String {
        self.place("log", &format!("{session}/{number:020}"))
    }

    fn commit(&self, session: &Name, expected: Sequence, entry: &Entry) -> Result<Sequence, Error> {
        let conflict = Error::Conflict { expected };
        let bytes = entry.encode()?;
        let before = self.numbers(session)?;
        if before.last().copied().unwrap_or(0) != expected {
            return Err(conflict);
        }
        let number = expected
            .checked_add(1)
            .ok_or_else(|| damaged("a log", "its numbers cannot rise"))?;
        let name = self.entry_name(session, number);
        let failed = |error| Error::unavailable(ENGINE, "commit", error);
        let added = self.registers.replace(&name, None, bytes.clone());
        if !added.map_err(failed)? {
            // An entry names its request and node: the same is ours, and its answer was lost.
            let there = self.registers.read(&name).map_err(failed)?;
            if there.is_none_or(|(found, _)| found != bytes) {
                return Err(conflict);
            }
        }
        // Whoever slept between the list and the write may have put an entry where one
        // had been and gone: then the log does not go on from it.
        let after = self.numbers(session)?;
        let follows = after.iter().skip_while(|found| **found < number);
        if !follows
            .copied()
            .eq(number..=after.last().copied().unwrap_or(0))
        {
            let removed = self.registers.remove(vec![name]);
            removed.map_err(|error| Error::unavailable(ENGINE, "take an entry back", error))?;
            return Err(conflict);
        }
        let kept = u64::from(self.settings.entries_kept.max(1));
        let old = after.iter().filter(|found| **found + kept <= number);
        let old: Vec<_> = old.map(|found| self.entry_name(session, *found)).collect();
        if !old.is_empty()
            && let Err(error) = self.registers.remove(old)
        {
            tracing::warn!(%error, %session, "old entries of a log stay");
        }
        Ok(number)
    }

    fn last(&self, session: &Name) -> Result<Option<Committed>, Error> {
        let Some(sequence) = self.numbers(session)?.last().copied() else {
            return Ok(None);
        };
        let name = self.entry_name(session, sequence);
        let found = self.registers.read(&name);
        let found = found.map_err(|error| Error::unavailable(ENGINE, "read a log", error))?;
        let Some((bytes, _)) = found.filter(|(bytes, _)| bytes.len() <= ENTRY_BYTES_MAX) else {
            return Err(damaged(&name, "it is gone, or longer than an entry can be"));
        };
        let entry = Entry::decode(&bytes, &name)?;
        Ok(Some(Committed { sequence, entry }))
    }
}

/// A number that nobody guesses, so that what is written differs from what was.
fn rand() -> Result<u64, Error> {
    getrandom::u64().map_err(|error| {
        Error::unavailable(ENGINE, "be asked: no random numbers", error.to_string())
    })
}

#[async_trait]
impl Placement for InBucket {
    async fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error> {
        let node = node.clone();
        self.with(move |kept| kept.renew(&node, state)).await
    }

    async fn leave(&self, node: &Name) -> Result<(), Error> {
        let node = node.clone();
        self.with(move |kept| {
            let removed = kept
                .registers
                .remove(vec![kept.place("nodes", node.as_str())]);
            removed.map_err(|error| Error::unavailable(ENGINE, "let a node leave", error))
        })
        .await
    }

    async fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.with(Kept::nodes).await
    }

    async fn owner(&self, session: &Name) -> Result<Option<Lease>, Error> {
        let session = session.clone();
        self.with(move |kept| {
            let found = kept.lease(&session)?;
            Ok(found.and_then(|found| {
                Some(Lease {
                    session,
                    node: found.owner?,
                    epoch: found.epoch,
                })
            }))
        })
        .await
    }

    async fn claim(
        &self,
        session: &Name,
        node: &Name,
        over: Option<Epoch>,
    ) -> Result<Claim, Error> {
        let (session, node) = (session.clone(), node.clone());
        self.with(move |kept| kept.claim(&session, &node, over))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let lease = lease.clone();
        self.with(move |kept| {
            let found = kept.lease(&lease.session)?;
            if let Some(found) = found.filter(|found| found.epoch == lease.epoch) {
                // If it is no longer as it was, it is another's.
                kept.hold(&lease.session, None, Some(&found), found.epoch)?;
            }
            Ok(())
        })
        .await
    }

    async fn commit(
        &self,
        session: &Name,
        expected: Sequence,
        entry: &Entry,
    ) -> Result<Sequence, Error> {
        let (session, entry) = (session.clone(), entry.clone());
        self.with(move |kept| kept.commit(&session, expected, &entry))
            .await
    }

    async fn last(&self, session: &Name) -> Result<Option<Committed>, Error> {
        let session = session.clone();
        self.with(move |kept| kept.last(&session)).await
    }
}
