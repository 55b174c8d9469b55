//! Collection: removing unused objects.
//!
//! Most of the work, reading every record, is done while others write. Then,
//! batch by batch, writers are kept out while it is looked once more at what
//! they added, and objects are removed: snapshots first, then their links,
//! then their chunks. So a crash leaves at worst unused chunks.

use std::collections::HashSet;
use std::time::SystemTime;

use crate::backend::{Backend, Key, Kind, Listed};
use crate::codec::{decode_link, decode_snapshot, encode_link};
use crate::plan::{Node, Plan, Survey, plan};
use crate::record::unix_ms;
use crate::{Error, GcReport, Retention, SnapshotId, SnapshotStore};

/// Objects removed before writers get their turn.
const REMOVED_PER_SWEEP: usize = 4096;
/// Objects removed at a time.
const REMOVED_AT_ONCE: usize = 512;
/// Sweeps in a row that may come to nothing.
const IDLE_SWEEPS_MAX: u32 = 3;
/// Records held in memory undecoded.
const READ_AT_ONCE: usize = 256;

pub(crate) fn collect<B: Backend>(
    backend: &B,
    retention: &Retention,
    now: SystemTime,
) -> Result<GcReport, Error> {
    let cutoff = now.checked_sub(retention.grace).map_or(0, unix_ms);
    // What is not in this listing is never removed, however old it claims to be.
    let listing = backend.list()?;
    let mut collection = Collection {
        backend,
        retention,
        cutoff,
        candidates: listing.iter().map(|listed| listed.key).collect(),
        survey: Survey::default(),
        damaged: HashSet::new(),
        report: GcReport::default(),
    };
    collection.refresh(&listing)?;
    let mut idle = 0;
    while let Swept::Partly { removed } = collection.sweep()? {
        idle = if removed == 0 { idle + 1 } else { 0 };
        if idle == IDLE_SWEEPS_MAX {
            return Err(Error::Busy {
                place: backend.place_pointer(""),
                what: "the right to remove ended each time before anything was removed",
            });
        }
    }
    Ok(collection.report)
}

/// How far a sweep came.
enum Swept {
    All,
    Partly { removed: usize },
}

struct Collection<'a, B> {
    backend: &'a B,
    retention: &'a Retention,
    cutoff: u64,
    candidates: HashSet<Key>,
    survey: Survey,
    damaged: HashSet<SnapshotId>,
    report: GcReport,
}

impl<B: Backend> Collection<'_, B> {
    /// Removes one batch with writers kept out.
    fn sweep(&mut self) -> Result<Swept, Error> {
        let sweep = self.backend.sweep()?;
        // First, since removing a snapshot can need room for a link; and only
        // here, where no file can be one that is still being written.
        self.report.bytes += self.backend.remove_leftovers(self.cutoff)?;
        let present = self.backend.list()?;
        self.refresh(&present)?;
        self.survey.heads = self
            .backend
            .sessions()?
            .iter()
            .map(|head| head.snapshot)
            .collect();
        let plan = plan(&self.survey, &self.damaged, self.retention);
        if let Some(id) = plan.unreadable.first() {
            self.backend.get(id)?;
        }
        let links: Vec<(Key, Vec<u8>)> = plan
            .links
            .iter()
            .map(|(from, to)| (Key::link(from), encode_link(from, to)))
            .collect();
        self.backend.write(&links)?;
        self.survey.links.extend(&plan.links);

        let doomed = self.doomed(&plan, &present);
        let batch = doomed.get(..REMOVED_PER_SWEEP).unwrap_or(&doomed);
        self.report.kept = plan.kept.len() as u64;
        let mut removed = 0;
        for group in batch.chunks(REMOVED_AT_ONCE) {
            if !self.backend.sweep_lasts(&sweep) {
                return Ok(Swept::Partly { removed });
            }
            let keys: Vec<Key> = group.iter().map(|listed| listed.key).collect();
            self.backend.remove(&keys)?;
            self.count(group);
            removed += group.len();
        }
        Ok(match removed < doomed.len() {
            true => Swept::Partly { removed },
            false => Swept::All,
        })
    }

    /// What to remove, in the order in which to remove it.
    fn doomed(&self, plan: &Plan, present: &[Listed]) -> Vec<Listed> {
        let mut doomed: Vec<Listed> = present
            .iter()
            .filter(|listed| !plan.keeps(&listed.key) && !self.is_young(listed))
            .copied()
            .collect();
        doomed.sort_by_key(|listed| match listed.key.kind {
            Kind::Snapshot => 0,
            Kind::Link => 1,
            Kind::Chunk => 2,
        });
        doomed
    }

    fn is_young(&self, listed: &Listed) -> bool {
        listed.modified_unix_ms > self.cutoff || !self.candidates.contains(&listed.key)
    }

    fn count(&mut self, removed: &[Listed]) {
        for listed in removed {
            self.report.bytes += listed.bytes;
            match listed.key.kind {
                Kind::Snapshot => self.report.removed += 1,
                Kind::Chunk => self.report.chunks_removed += 1,
                Kind::Link => {}
            }
        }
    }

    /// Brings the survey up to what `present` lists.
    fn refresh(&mut self, present: &[Listed]) -> Result<(), Error> {
        let keys: HashSet<Key> = present.iter().map(|listed| listed.key).collect();
        self.survey
            .nodes
            .retain(|id, _| keys.contains(&Key::snapshot(id)));
        self.survey
            .links
            .retain(|id, _| keys.contains(&Key::link(id)));
        // A snapshot that is saved again becomes young again.
        for listed in present
            .iter()
            .filter(|listed| listed.key.kind == Kind::Snapshot)
        {
            let young = self.is_young(listed);
            let id = SnapshotId::from_bytes(listed.key.digest);
            if let Some(node) = self.survey.nodes.get_mut(&id) {
                node.young = young;
            }
        }
        let new: Vec<&Listed> = present
            .iter()
            .filter(|listed| self.is_new(&listed.key))
            .collect();
        for group in new.chunks(READ_AT_ONCE) {
            let keys: Vec<Key> = group.iter().map(|listed| listed.key).collect();
            for (listed, object) in group.iter().zip(self.backend.read_many(&keys)?) {
                if let Some(object) = object {
                    self.learn(listed, &object)?;
                }
            }
        }
        Ok(())
    }

    fn is_new(&self, key: &Key) -> bool {
        let id = SnapshotId::from_bytes(key.digest);
        match key.kind {
            Kind::Snapshot => !self.survey.nodes.contains_key(&id) && !self.damaged.contains(&id),
            Kind::Link => !self.survey.links.contains_key(&id),
            Kind::Chunk => false,
        }
    }

    /// A snapshot that cannot be read is remembered: if a trail reaches it,
    /// the collection ends there; if none does, it is garbage. One of another
    /// version always ends it.
    fn learn(&mut self, listed: &Listed, object: &[u8]) -> Result<(), Error> {
        let id = SnapshotId::from_bytes(listed.key.digest);
        let place = || self.backend.place(&listed.key);
        if listed.key.kind == Kind::Link {
            let to = decode_link(object, &id).map_err(|flaw| flaw.at(place()))?;
            self.survey.links.insert(id, to);
            return Ok(());
        }
        match decode_snapshot(object, &id).map_err(|flaw| flaw.at(place())) {
            Ok((record, _)) => {
                let node = Node {
                    parent: record.parent,
                    turn: record.turn,
                    labelled: record.label.is_some(),
                    young: self.is_young(listed),
                    chunk_ids: record.chunk_ids,
                };
                self.survey.nodes.insert(id, node);
            }
            Err(Error::Damaged { .. }) => {
                self.damaged.insert(id);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }
}
