//! The heap of a session as a delta against its image.

use super::delta::{Page, PageDelta};
use crate::memory::{Layer, MemoryImage};
use crate::platform::PAGE_BYTES;
use std::cmp::Ordering;
use std::sync::Arc;

/// What a function that calls no other may use below the stack pointer.
const RED_ZONE_BYTES: u32 = 128;

/// A page by its number.
pub(crate) type SavedPage = (u32, Arc<PageDelta>);

/// Memory and registers of a session at rest. Cloning shares the pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeapState {
    /// Pages that differ from the image, by ascending number.
    pub(crate) pages: Arc<Vec<SavedPage>>,
    /// Frozen ranges beyond the image, ascending; `pages` lie on top of them.
    pub(crate) layers: Vec<Layer>,
    /// Size of linear memory in bytes.
    pub(crate) memory_bytes: u64,
    /// The guest's stack pointer.
    pub(crate) stack_pointer: i32,
}

impl HeapState {
    /// The state of a session that has not run.
    pub(crate) fn of_image(image: &MemoryImage, stack_pointer: i32) -> Self {
        Self {
            pages: Arc::default(),
            layers: Vec::new(),
            memory_bytes: image.len() as u64,
            stack_pointer,
        }
    }

    /// Takes what is in memory now, with `layers` and the stack pointer already
    /// up to date. `dirty` are the pages that may differ, ascending.
    ///
    /// The C stack below the pointer, which memory begins with, is not taken: no
    /// function reads there what an earlier one left.
    ///
    /// Appends to `unchanged` those pages that equal the image.
    pub(crate) fn take(
        &mut self,
        dirty: &[u32],
        memory: &[u8],
        image: &MemoryImage,
        unchanged: &mut Vec<u32>,
    ) {
        self.memory_bytes = memory.len() as u64;
        let dead = dirty.partition_point(|number| *number < self.first_live_page());
        let dirty = dirty.get(dead..).unwrap_or_default();
        let pages = Arc::make_mut(&mut self.pages);
        let (mut known, mut met) = (0, 0);
        let mut fresh = Vec::new();
        for &number in dirty {
            let (Some(current), Some(base)) = (page_of(memory, number), image.page_array(number))
            else {
                continue;
            };
            while pages.get(known).is_some_and(|(page, _)| *page < number) {
                known += 1;
            }
            // What lies on top of a layer says nothing about the image.
            let is_whole = self.layers.iter().any(|layer| layer.holds(number));
            match pages.get_mut(known) {
                Some((page, saved)) if *page == number => {
                    met += 1;
                    if is_whole && !saved.is_whole() {
                        *saved = Arc::new(PageDelta::whole(current));
                    } else {
                        PageDelta::update(saved, current, base);
                    }
                }
                _ if is_whole => fresh.push((number, Arc::new(PageDelta::whole(current)))),
                _ if current != base => {
                    fresh.push((number, Arc::new(PageDelta::between(current, base))));
                }
                _ => unchanged.push(number),
            }
        }
        if met < pages.len() {
            keep_only(pages, dirty);
        }
        if !fresh.is_empty() {
            pages.append(&mut fresh);
            pages.sort_unstable_by_key(|(page, _)| *page);
        }
    }

    /// Pages, and pages of frozen ranges, that are not shared with an earlier state.
    pub(crate) fn pages_changed_since(&self, earlier: &Self) -> u64 {
        let (mut ours, mut theirs) = (
            self.pages.iter().peekable(),
            earlier.pages.iter().peekable(),
        );
        let mut changed = 0;
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((our, _)), Some((their, _))) => our.cmp(their),
            };
            let our = order.is_le().then(|| ours.next()).flatten();
            let their = order.is_ge().then(|| theirs.next()).flatten();
            let is_shared = match (our, their) {
                (Some((_, our)), Some((_, their))) => Arc::ptr_eq(our, their),
                _ => false,
            };
            changed += u64::from(!is_shared);
        }
        let is_known = |layer: &&Layer| {
            let same = |other: &Layer| {
                Arc::ptr_eq(&layer.file, &other.file)
                    && (layer.first, layer.offset) == (other.first, other.offset)
            };
            earlier.layers.iter().any(same)
        };
        let fresh = self.layers.iter().filter(|layer| !is_known(layer));
        changed + fresh.map(|layer| u64::from(layer.pages)).sum::<u64>()
    }

    /// The first page that is not wholly below the stack pointer.
    fn first_live_page(&self) -> u32 {
        self.stack_pointer
            .cast_unsigned()
            .saturating_sub(RED_ZONE_BYTES)
            / PAGE_BYTES as u32
    }

    /// Calls `visit` with every page that may differ from the image.
    pub(crate) fn each_page(
        &self,
        image: &MemoryImage,
        mut visit: impl FnMut(u32, &Page),
    ) -> std::io::Result<()> {
        const BLOCK_PAGES: u32 = 64;
        let mut above = self.pages.iter().peekable();
        let mut block = vec![0; BLOCK_PAGES as usize * PAGE_BYTES];
        for layer in &self.layers {
            let mut first = layer.first;
            while first < layer.end() {
                let count = BLOCK_PAGES.min(layer.end() - first);
                let bytes = block
                    .get_mut(..count as usize * PAGE_BYTES)
                    .unwrap_or_default();
                layer.read(first, bytes)?;
                for (number, page) in (first..).zip(bytes.chunks_exact(PAGE_BYTES)) {
                    while let Some(saved) = above.next_if(|(above, _)| *above < number) {
                        show(saved, image, &mut visit);
                    }
                    if let Some(saved) = above.next_if(|(above, _)| *above == number) {
                        show(saved, image, &mut visit);
                    } else if let Ok(page) = page.try_into() {
                        visit(number, page);
                    }
                }
                first += count;
            }
        }
        above.for_each(|saved| show(saved, image, &mut visit));
        Ok(())
    }

    /// Bytes that this state holds beyond what it shares with the image.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(|layer| u64::from(layer.pages)).sum();
        let pages: usize = self.pages.iter().map(|(_, delta)| delta.len()).sum();
        pages as u64 + layers * PAGE_BYTES as u64
    }
}

/// Drops the pages that are not dirty: those are the image's. They are so again, or lie in
/// a slot that was filled from another state than this one. Both lists ascend.
fn keep_only(pages: &mut Vec<SavedPage>, dirty: &[u32]) {
    let mut at = 0;
    pages.retain(|(page, _)| {
        while dirty.get(at).is_some_and(|number| number < page) {
            at += 1;
        }
        dirty.get(at) == Some(page)
    });
}

fn show((number, delta): &SavedPage, image: &MemoryImage, visit: &mut impl FnMut(u32, &Page)) {
    let mut page = image.page_array(*number).copied().unwrap_or(EMPTY);
    delta.apply(&mut page);
    visit(*number, &page);
}

const EMPTY: Page = [0; PAGE_BYTES];

fn page_of(memory: &[u8], number: u32) -> Option<&Page> {
    let start = number as usize * PAGE_BYTES;
    memory.get(start..start + PAGE_BYTES)?.try_into().ok()
}
