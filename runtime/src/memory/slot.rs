//! One reservation of address space and the linear memory in it.
#![allow(unsafe_code)]

use super::growth::{LAYERS_MAX, Layer, unnamed_file};
use super::image::MemoryImage;
use super::runs::runs;
use super::space::{CAPACITY_BYTES, GC_HEAP_BYTES};
use crate::platform::{PAGE_BYTES, Reservation};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

thread_local! {
    /// The slot that the next memory created on this thread uses. The engine
    /// calls [`SlotCreator::new_memory`] inside `instantiate`, on the same
    /// thread, and offers no other way to hand it an argument.
    static HANDOFF: RefCell<Option<Arc<Slot>>> = const { RefCell::new(None) };
}

/// Resets in a row that find a page unchanged before it is given back to the
/// system. A session may use a page and leave it as it was: reference counts
/// go up and down again.
const IDLE_RESETS_MAX: u8 = 8;
/// Pages that are given back at once, at least: each run costs a system call.
const FORGOTTEN_PAGES_MIN: usize = 64;

/// A reservation with an image mapped at its base, fit for one session at a
/// time.
#[derive(Debug)]
pub(crate) struct Slot {
    reservation: Reservation,
    image: Option<Arc<MemoryImage>>,
    /// Bytes from the base that are readable and writable.
    accessible: AtomicUsize,
    /// Bytes that the guest sees as its memory.
    size: AtomicUsize,
    /// Pages that are private although equal to the image, kept from earlier
    /// sessions: writing to them again costs no fault.
    hot: Vec<u32>,
    /// For each hot page, in how many resets in a row it was unchanged.
    idle_resets: Vec<u8>,
    growth: Mutex<Growth>,
}

/// How the memory beyond the image is backed.
#[derive(Debug, Default)]
struct Growth {
    /// Whether growth goes to a file that forks can map.
    shares: bool,
    layers: Vec<Layer>,
    /// The file that memory from `active_from` on is written to.
    active: Option<Arc<File>>,
    active_from: usize,
}

impl Growth {
    /// Whether the next growth goes to a file of its own.
    fn may_share(&self) -> bool {
        self.shares && self.active.is_none() && self.layers.len() < LAYERS_MAX
    }
}

impl Slot {
    /// Reserves `capacity + guard` bytes and maps the image.
    pub(crate) fn new(
        image: Option<Arc<MemoryImage>>,
        capacity: usize,
        guard: usize,
    ) -> io::Result<Self> {
        let bytes = capacity
            .checked_add(guard)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let reservation = Reservation::new(bytes)?;
        let mut accessible = 0;
        if let Some(image) = &image {
            accessible = image.len();
            // SAFETY: the reservation is new, nothing refers into it.
            // JUSTIFICATION: see `Reservation::map_private`.
            unsafe { reservation.map_private(0, image.file(), 0, image.len())? };
        }
        Ok(Self {
            reservation,
            image,
            accessible: AtomicUsize::new(accessible),
            size: AtomicUsize::new(accessible),
            hot: Vec::new(),
            idle_resets: Vec::new(),
            growth: Mutex::default(),
        })
    }

    /// Chooses, for the next session, whether growth goes to a file that forks
    /// can map or to private memory.
    pub(crate) fn share_growth(&mut self, shares: bool) {
        self.growth.get_mut().shares = shares;
    }

    /// Maps the frozen layers of a state. Only into a slot that did not grow.
    pub(crate) fn map_layers(&self, layers: &[Layer]) -> io::Result<()> {
        let mut growth = self.growth.lock();
        for layer in layers {
            let start = layer.first as usize * PAGE_BYTES;
            let length = layer.pages as usize * PAGE_BYTES;
            if start != self.accessible.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            // SAFETY: the range lies beyond what the guest can access, so
            // nothing refers into it.
            // JUSTIFICATION: see `growth`.
            unsafe {
                self.reservation
                    .map_private(start, &layer.file, layer.offset, length)?
            };
            self.accessible.store(start + length, Ordering::Relaxed);
            growth.layers.push(layer.clone());
        }
        growth.active_from = self.accessible.load(Ordering::Relaxed);
        Ok(())
    }

    /// Freezes what the session has grown by, and returns all layers. The
    /// guest must not run: at rest, or inside of a call of the host.
    pub(crate) fn freeze(&self) -> io::Result<Vec<Layer>> {
        let mut growth = self.growth.lock();
        let end = self.accessible.load(Ordering::Relaxed);
        let from = growth.active_from;
        if let Some(file) = growth.active.clone().filter(|_| end > from) {
            let offset = (from - self.image_len()) as u64;
            // SAFETY: the guest does not run, and the host holds no reference
            // into its memory: the caller has the session, or the call's
            // `Caller`, by `&mut`. A guest that goes on finds the same bytes
            // at the same addresses.
            // JUSTIFICATION: see `growth`.
            unsafe {
                self.reservation
                    .map_private(from, &file, offset, end - from)?
            };
            let first = (from / PAGE_BYTES) as u32;
            let pages = ((end - from) / PAGE_BYTES) as u32;
            let joins = |last: &&mut Layer| {
                Arc::ptr_eq(&last.file, &file)
                    && last.end() == first
                    && last.offset + u64::from(last.pages) * PAGE_BYTES as u64 == offset
            };
            match growth.layers.last_mut().filter(joins) {
                Some(last) => last.pages += pages,
                None => growth.layers.push(Layer {
                    first,
                    pages,
                    file,
                    offset,
                }),
            }
            growth.active_from = end;
        }
        Ok(growth.layers.clone())
    }

    /// Bytes that the session has grown by and that are not frozen.
    pub(crate) fn active_bytes(&self) -> usize {
        let growth = self.growth.lock();
        if growth.active.is_none() {
            return 0;
        }
        self.accessible
            .load(Ordering::Relaxed)
            .saturating_sub(growth.active_from)
    }

    fn image_len(&self) -> usize {
        self.image.as_ref().map_or(0, |image| image.len())
    }

    /// Offers the slot to the next memory that this thread creates.
    pub(crate) fn hand_off(slot: &Arc<Self>) {
        HANDOFF.set(Some(Arc::clone(slot)));
    }

    /// Takes back an offer that was not taken.
    pub(crate) fn withdraw() {
        HANDOFF.set(None);
    }

    pub(crate) fn base(&self) -> usize {
        self.reservation.base() as usize
    }

    /// Pages that were private when the session began.
    pub(crate) fn hot(&self) -> &[u32] {
        &self.hot
    }

    /// Puts the image back: over the `dirty` pages where they are known and
    /// few, by a new mapping otherwise.
    ///
    /// `self` by mutable reference: no session and no engine refers to the slot
    /// any more.
    pub(crate) fn reset(&mut self, dirty: Option<&[u32]>, keep_pages: usize) -> io::Result<()> {
        let image_len = self.image.as_ref().map_or(0, |image| image.len());
        let accessible = *self.accessible.get_mut();
        if accessible > image_len {
            // SAFETY: `&mut self`: nothing refers into the slot.
            // JUSTIFICATION: memory that grew has to be given back.
            unsafe {
                self.reservation
                    .reserve(image_len, accessible - image_len)?
            };
            *self.accessible.get_mut() = image_len;
        }
        *self.growth.get_mut() = Growth::default();
        *self.size.get_mut() = image_len;
        let Some(image) = self.image.clone() else {
            return Ok(());
        };
        match dirty {
            Some(pages) if pages.len() <= keep_pages => self.copy_back(&image, pages),
            _ => {
                self.hot.clear();
                self.idle_resets.clear();
                // SAFETY: as above.
                // JUSTIFICATION: a new mapping forgets every private page at
                // once, on every system.
                unsafe { self.reservation.map_private(0, image.file(), 0, image_len) }
            }
        }
    }

    fn copy_back(&mut self, image: &MemoryImage, pages: &[u32]) -> io::Result<()> {
        let mut before = std::mem::take(&mut self.hot)
            .into_iter()
            .zip(std::mem::take(&mut self.idle_resets))
            .peekable();
        let mut unused = Vec::new();
        for &page in pages {
            let start = page as usize * PAGE_BYTES;
            if start + PAGE_BYTES > image.len() {
                continue;
            }
            let base = image.page(page);
            // SAFETY: the page lies inside the image, which is mapped readable
            // and writable at the base; `&mut self` makes this the only
            // reference.
            // JUSTIFICATION: copying a few pages back is 50 times cheaper than
            // mapping the image anew and faulting it in again.
            let current = unsafe {
                std::slice::from_raw_parts_mut(self.reservation.base().add(start), PAGE_BYTES)
            };
            while before.next_if(|(hot, _)| *hot < page).is_some() {}
            let known = before.next_if(|(hot, _)| *hot == page);
            let mut idle = 0;
            if current == base {
                idle = known.map_or(0, |(_, idle)| idle).saturating_add(1);
            } else {
                current.copy_from_slice(base);
            }
            if idle > IDLE_RESETS_MAX {
                unused.push(page);
            }
            self.hot.push(page);
            self.idle_resets.push(idle);
        }
        if unused.len() >= FORGOTTEN_PAGES_MIN {
            self.forget(&unused)?;
        }
        Ok(())
    }

    /// Gives back pages that the last sessions did not need, so that a slot
    /// which once ran something large does not stay expensive to reset.
    fn forget(&mut self, pages: &[u32]) -> io::Result<()> {
        if !cfg!(target_os = "linux") {
            return Ok(());
        }
        self.discard(pages)?;
        let is_kept = |page: &u32| pages.binary_search(page).is_err();
        let kept = self.hot.iter().map(is_kept).collect::<Vec<_>>();
        let mut keep = kept.iter().copied();
        self.hot.retain(|_| keep.next().unwrap_or(true));
        let mut keep = kept.iter().copied();
        self.idle_resets.retain(|_| keep.next().unwrap_or(true));
        Ok(())
    }

    /// Gives back pages that equal the image, of the session that the slot has: the guest
    /// must not run. Takes pages beyond the image off the list; those stay.
    pub(crate) fn give_back(&self, pages: &mut Vec<u32>) -> io::Result<()> {
        let end = (self.image_len() / PAGE_BYTES) as u32;
        pages.truncate(pages.partition_point(|page| *page < end));
        self.discard(pages)
    }

    /// Forgets private pages of the image, which are the file's again when they are read.
    fn discard(&self, pages: &[u32]) -> io::Result<()> {
        for (first, count) in runs(pages) {
            let (offset, len) = (first as usize * PAGE_BYTES, count as usize * PAGE_BYTES);
            // SAFETY: no guest runs, and the host holds no reference into the memory: the
            // caller has the slot, or the session that uses it, by `&mut`. The pages lie
            // inside of the image and equal it, so whoever reads them next finds the same
            // bytes.
            // JUSTIFICATION: a page that stays private is compared at each turn and reset.
            unsafe { self.reservation.discard(offset, len)? };
        }
        Ok(())
    }

    fn grow_to(&self, bytes: usize) -> io::Result<()> {
        let accessible = self.accessible.load(Ordering::Relaxed);
        if bytes > accessible {
            let mut growth = self.growth.lock();
            if growth.may_share() {
                growth.active = unnamed_file()?.map(Arc::new);
                growth.active_from = accessible;
            }
            match growth.active.clone() {
                Some(file) => self.grow_shared(&file, accessible, bytes)?,
                // SAFETY: making inaccessible memory accessible invalidates no
                // reference.
                // JUSTIFICATION: `memory.grow`.
                None => unsafe {
                    self.reservation
                        .protect(accessible, bytes - accessible, true)?;
                },
            }
            self.accessible.store(bytes, Ordering::Relaxed);
        }
        self.size.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn grow_shared(&self, file: &File, from: usize, to: usize) -> io::Result<()> {
        let image_len = self.image_len();
        file.set_len((to - image_len) as u64)?;
        let offset = (from - image_len) as u64;
        // SAFETY: the range is inaccessible until now, so nothing refers into
        // it.
        // JUSTIFICATION: see `growth`.
        unsafe { self.reservation.map_shared(from, file, offset, to - from) }
    }
}

/// Gives the engine memories in slots, and room for its own heap.
#[derive(Debug, Default)]
pub(crate) struct SlotCreator {
    heaps: Heaps,
}

/// Reservations for the engine's own heap that no instance uses. Each session needs one and
/// few write to it; a mapping for each would cost a restore a fifth of its time, and more
/// where other threads map too.
#[derive(Debug, Default, Clone)]
struct Heaps {
    idle: Arc<Mutex<Vec<Arc<Slot>>>>,
}

/// Reservations that are kept, as many as slots: address space, and nothing else.
const HEAPS_IDLE_MAX: usize = 256;

impl Heaps {
    fn take(&self) -> Option<Arc<Slot>> {
        self.idle.lock().pop()
    }

    /// Keeps a reservation that its instance is done with, as it was when it was new.
    fn give(&self, slot: &mut Arc<Slot>) {
        let Some(own) = Arc::get_mut(slot) else {
            return;
        };
        if own.reset(None, 0).is_ok() {
            let mut idle = self.idle.lock();
            if idle.len() < HEAPS_IDLE_MAX {
                idle.push(Arc::clone(slot));
            }
        }
    }
}

// SAFETY: `new_memory` returns a memory of `reserved` bytes of address space
// and a guard behind it that is never made accessible, zero or image bytes
// inside, and a base that does not move.
// JUSTIFICATION: the only way to give wasmtime a memory of our own.
unsafe impl MemoryCreator for SlotCreator {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved.ok_or("a memory without a reservation is not supported")?;
        // The engine's own heap comes this way too, with a smaller reservation.
        let offered = if capacity == CAPACITY_BYTES {
            HANDOFF.take()
        } else {
            None
        };
        let is_heap = capacity == GC_HEAP_BYTES && guard == 0;
        let idle = is_heap.then(|| self.heaps.take()).flatten();
        let slot = match offered.or(idle) {
            Some(slot) => slot,
            None => Arc::new(Slot::new(None, capacity, guard).map_err(|e| e.to_string())?),
        };
        let size = minimum.max(slot.image.as_ref().map_or(0, |image| image.len()));
        slot.grow_to(size).map_err(|e| e.to_string())?;
        let maximum = maximum.unwrap_or(usize::MAX).min(capacity);
        Ok(Box::new(SlotMemory {
            slot,
            maximum,
            capacity,
            heaps: is_heap.then(|| self.heaps.clone()),
        }))
    }
}

struct SlotMemory {
    slot: Arc<Slot>,
    maximum: usize,
    capacity: usize,
    /// Where the slot goes when the memory is dropped, if it is the engine's own heap.
    heaps: Option<Heaps>,
}

impl Drop for SlotMemory {
    fn drop(&mut self) {
        if let Some(heaps) = &self.heaps {
            heaps.give(&mut self.slot);
        }
    }
}

// SAFETY: the memory lies in the slot's reservation, which the `Arc` keeps
// mapped; `byte_size` never exceeds what is accessible.
// JUSTIFICATION: see `SlotCreator`.
unsafe impl LinearMemory for SlotMemory {
    fn byte_size(&self) -> usize {
        self.slot.size.load(Ordering::Relaxed)
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.maximum {
            wasmtime::bail!("memory would exceed {} bytes", self.maximum);
        }
        self.slot.grow_to(new_size)?;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slot.reservation.base()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The engine's heap of one session is empty again for the next.
    #[test]
    fn a_reservation_is_used_again_and_empty() {
        let creator = SlotCreator::default();
        let memory = || {
            let ty = MemoryType::new(0, None);
            let reserved = Some(GC_HEAP_BYTES);
            creator.new_memory(ty, 0, None, reserved, 0).unwrap()
        };
        let mut first = memory();
        let base = first.as_ptr();
        first.grow_to(1 << 16).unwrap();
        // SAFETY: the memory was just grown to 64 KiB.
        // JUSTIFICATION: what the engine does.
        unsafe { base.write(7) };
        let other = memory();
        assert_ne!(other.as_ptr(), base, "one is in use");
        drop(first);
        let mut again = memory();
        assert_eq!((again.as_ptr(), again.byte_size()), (base, 0));
        again.grow_to(1 << 16).unwrap();
        // SAFETY: as above.
        // JUSTIFICATION: as above.
        assert_eq!(unsafe { base.read() }, 0);
        let many: Vec<_> = (0..HEAPS_IDLE_MAX + 3).map(|_| memory()).collect();
        drop((many, other, again));
        assert_eq!(creator.heaps.idle.lock().len(), HEAPS_IDLE_MAX);
    }
}
