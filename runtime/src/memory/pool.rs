//! Slots that wait for their next session.

use super::image::MemoryImage;
use super::slot::Slot;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

/// The slots of one image. Slots in it hold the image's bytes exactly.
#[derive(Debug)]
pub(crate) struct SlotPool {
    image: Arc<MemoryImage>,
    capacity: usize,
    guard: usize,
    slots_max: usize,
    keep_pages: usize,
    idle: Mutex<Vec<Slot>>,
}

impl SlotPool {
    pub(crate) fn new(
        image: Arc<MemoryImage>,
        capacity: usize,
        guard: usize,
        slots_max: usize,
        keep_pages: usize,
    ) -> Self {
        Self {
            image,
            capacity,
            guard,
            slots_max,
            keep_pages,
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// A slot that was used before (warm) or a new one (cold).
    pub(crate) fn take(&self, share_growth: bool) -> io::Result<Arc<Slot>> {
        let idle = self.idle.lock().pop();
        let mut slot = match idle {
            Some(slot) => slot,
            None => Slot::new(Some(Arc::clone(&self.image)), self.capacity, self.guard)?,
        };
        slot.share_growth(share_growth);
        Ok(Arc::new(slot))
    }

    /// Resets a slot and keeps it, unless something still refers to it, the
    /// pool is full or the reset fails: then it is unmapped.
    pub(crate) fn give(&self, slot: Arc<Slot>, dirty: Option<&[u32]>) {
        let Some(mut slot) = Arc::into_inner(slot) else {
            return;
        };
        if self.idle.lock().len() >= self.slots_max || slot.reset(dirty, self.keep_pages).is_err() {
            return;
        }
        self.idle.lock().push(slot);
    }

    /// Unmaps every idle slot, so that the next sessions start cold.
    pub(crate) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }
}
