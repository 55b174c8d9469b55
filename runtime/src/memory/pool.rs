//! Slots that wait for their next session.

use super::image::MemoryImage;
use super::slot::Slot;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

/// Memory of its own from which on a slot is reset on another thread: the system takes a
/// millisecond for each 10 MiB or so, which a turn that is rolled back would wait for.
const APART_BYTES_MIN: usize = 64 << 20;

/// The slots of one image. Slots in it hold the image's bytes exactly.
#[derive(Debug)]
pub(crate) struct SlotPool {
    image: Arc<MemoryImage>,
    capacity: usize,
    guard: usize,
    idle: Arc<Idle>,
}

/// Slots that hold nothing but the image.
#[derive(Debug)]
struct Idle {
    slots: Mutex<Vec<Slot>>,
    slots_max: usize,
    keep_pages: usize,
    /// Whether another thread is resetting a slot: there is one at a time.
    is_resetting: AtomicBool,
}

impl Idle {
    /// Resets a slot and keeps it, unless there are enough or that fails.
    fn put(&self, mut slot: Slot, dirty: Option<&[u32]>) {
        let is_full = self.slots.lock().len() >= self.slots_max;
        if !is_full && slot.reset(dirty, self.keep_pages).is_ok() {
            self.slots.lock().push(slot);
        }
    }
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
            idle: Arc::new(Idle {
                slots: Mutex::default(),
                slots_max,
                keep_pages,
                is_resetting: AtomicBool::new(false),
            }),
        }
    }

    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// A slot that was used before (warm) or a new one (cold).
    pub(crate) fn take(&self, share_growth: bool) -> io::Result<Arc<Slot>> {
        let idle = self.idle.slots.lock().pop();
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
        let Some(slot) = Arc::into_inner(slot) else {
            return;
        };
        let is_large = slot.active_bytes() >= APART_BYTES_MIN;
        if !is_large || self.idle.is_resetting.swap(true, Ordering::AcqRel) {
            return self.idle.put(slot, dirty);
        }
        let idle = Arc::clone(&self.idle);
        let dirty = dirty.map(<[u32]>::to_vec);
        let work = move || {
            idle.put(slot, dirty.as_deref());
            idle.is_resetting.store(false, Ordering::Release);
        };
        // Without a thread the slot is dropped here, and so unmapped.
        if Builder::new()
            .name("memex-reset".into())
            .spawn(work)
            .is_err()
        {
            self.idle.is_resetting.store(false, Ordering::Release);
        }
    }

    /// Unmaps every idle slot, so that the next sessions start cold.
    pub(crate) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.slots.lock());
        drop(idle);
    }
}
