//! One process: a table under a lock.

use crate::{
    Claim, Committed, Entry, Epoch, Error, Lease, Name, Node, NodeState, Placement, Sequence,
    Settings,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// A placement for the nodes of one process. Nothing of it survives the process.
pub struct InProcess {
    settings: Settings,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    nodes: BTreeMap<Name, (NodeState, Instant)>,
    sessions: HashMap<Name, Session>,
}

#[derive(Default)]
struct Session {
    epoch: Epoch,
    owner: Option<Name>,
    last: Option<(Sequence, Vec<u8>)>,
}

impl InProcess {
    /// An empty one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            tables: Mutex::default(),
        }
    }

    fn is_alive(&self, tables: &Tables, node: &Name) -> bool {
        let said = tables.nodes.get(node);
        said.is_some_and(|(_, at)| at.elapsed() < self.settings.node_lifetime)
    }
}

#[async_trait]
impl Placement for InProcess {
    async fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error> {
        let mut tables = self.tables.lock();
        tables.nodes.insert(node.clone(), (state, Instant::now()));
        Ok(())
    }

    async fn leave(&self, node: &Name) -> Result<(), Error> {
        self.tables.lock().nodes.remove(node);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let mut tables = self.tables.lock();
        let lifetime = self.settings.node_lifetime;
        tables.nodes.retain(|_, (_, at)| at.elapsed() < lifetime);
        let nodes = tables.nodes.iter().map(|(name, (state, _))| Node {
            name: name.clone(),
            state: *state,
        });
        Ok(nodes.collect())
    }

    async fn owner(&self, session: &Name) -> Result<Option<Lease>, Error> {
        let tables = self.tables.lock();
        let found = tables.sessions.get(session);
        Ok(found.and_then(|found| {
            Some(Lease {
                session: session.clone(),
                node: found.owner.clone()?,
                epoch: found.epoch,
            })
        }))
    }

    async fn claim(
        &self,
        session: &Name,
        node: &Name,
        over: Option<Epoch>,
    ) -> Result<Claim, Error> {
        let mut tables = self.tables.lock();
        if let Some(found) = tables.sessions.get(session)
            && let Some(owner) = &found.owner
            && owner != node
            && over != Some(found.epoch)
            && self.is_alive(&tables, owner)
        {
            return Ok(Claim::Theirs(Lease {
                session: session.clone(),
                node: owner.clone(),
                epoch: found.epoch,
            }));
        }
        let found = tables.sessions.entry(session.clone()).or_default();
        found.epoch += 1;
        found.owner = Some(node.clone());
        Ok(Claim::Ours(Lease {
            session: session.clone(),
            node: node.clone(),
            epoch: found.epoch,
        }))
    }

    async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let mut tables = self.tables.lock();
        if let Some(found) = tables.sessions.get_mut(&lease.session)
            && found.epoch == lease.epoch
        {
            found.owner = None;
        }
        Ok(())
    }

    async fn commit(
        &self,
        session: &Name,
        expected: Sequence,
        entry: &Entry,
    ) -> Result<Sequence, Error> {
        let bytes = entry.encode()?;
        let mut tables = self.tables.lock();
        let found = tables.sessions.entry(session.clone()).or_default();
        let last = found.last.as_ref().map_or(0, |(sequence, _)| *sequence);
        if last != expected {
            return Err(Error::Conflict { expected });
        }
        found.last = Some((last + 1, bytes));
        Ok(last + 1)
    }

    async fn last(&self, session: &Name) -> Result<Option<Committed>, Error> {
        let tables = self.tables.lock();
        let last = tables
            .sessions
            .get(session)
            .and_then(|found| found.last.as_ref());
        last.map(|(sequence, bytes)| {
            let entry = Entry::decode(bytes, &format!("the log of {session}"))?;
            Ok(Committed {
                sequence: *sequence,
                entry,
            })
        })
        .transpose()
    }
}
