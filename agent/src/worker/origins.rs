//! The sandboxes of a worker: one for each spec that sessions came with.

use std::sync::Arc;

use memex_runtime::{Cache, Cpu, NoProgress, Sandbox};
use memex_sessions::Images;
use parking_lot::Mutex;

use super::begin::Origin;

/// Sandboxes that are kept for the next session; the one that was used longest
/// ago goes first. Sessions keep theirs for themselves.
const SANDBOXES_MAX: usize = 64;
/// Cache directories whose images are kept loaded. An agent has one.
const CACHES_MAX: usize = 4;

/// Sandboxes by what they are made of. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub(super) struct Origins {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    images: Vec<Images>,
    sandboxes: Vec<(Origin, Sandbox)>,
}

impl Origins {
    /// The sandbox of a spec, made on first need. The error is a sentence for
    /// the agent.
    pub(super) fn sandbox(&self, origin: &Origin) -> Result<Sandbox, String> {
        if let Some(sandbox) = self.kept(origin) {
            return Ok(sandbox);
        }
        // Not under the lock: sessions of other specs do not wait for this one.
        let sandbox = self.make(origin).map_err(|error| error.to_string())?;
        let mut kept = self.kept.lock();
        if kept.sandboxes.len() >= SANDBOXES_MAX {
            kept.sandboxes.remove(0);
        }
        kept.sandboxes.push((origin.clone(), sandbox.clone()));
        Ok(sandbox)
    }

    /// A sandbox that is there, which is then the one used last.
    fn kept(&self, origin: &Origin) -> Option<Sandbox> {
        let mut kept = self.kept.lock();
        let place = kept.sandboxes.iter().position(|(other, _)| other == origin);
        let found = kept.sandboxes.remove(place?);
        let sandbox = found.1.clone();
        kept.sandboxes.push(found);
        Some(sandbox)
    }

    fn make(&self, origin: &Origin) -> Result<Sandbox, memex_sessions::Error> {
        let resolved = origin.spec.resolve()?;
        let policy = Arc::clone(resolved.policy());
        self.images(origin)?
            .sandbox(&origin.spec.image, policy, &mut NoProgress)
    }

    fn images(&self, origin: &Origin) -> Result<Images, memex_sessions::Error> {
        let cpu = Cpu::from_name(&origin.cpu)?;
        let mut kept = self.kept.lock();
        let mut known = kept.images.iter().map(|images| (images, images.cache()));
        let same = |cache: &Cache| cache.root() == origin.cache && cache.cpu() == cpu;
        if let Some((images, _)) = known.find(|(_, cache)| same(cache)) {
            return Ok(images.clone());
        }
        let images = Images::open(Cache::open(&origin.cache)?.for_cpu(cpu))?;
        if kept.images.len() >= CACHES_MAX {
            kept.images.remove(0);
        }
        kept.images.push(images.clone());
        Ok(images)
    }
}
