//! What a page of a session has that its image does not: the lines that
//! differ.

use crate::platform::PAGE_BYTES;
use std::sync::Arc;

/// The bytes of one page.
pub(crate) type Page = [u8; PAGE_BYTES];

/// Bytes of a line, the grain of changes.
pub(crate) const LINE_BYTES: usize = 64;

type Line = [u8; LINE_BYTES];

/// A page as its difference to a base. A small turn changes a few lines of
/// each page it touches, so a session's copy of its heap takes a tenth of the
/// pages, and putting it into a slot writes a tenth of the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageDelta {
    /// A bit for each line, the lowest for the first.
    mask: u64,
    /// The lines of the set bits, in order.
    lines: Box<[Line]>,
}

impl PageDelta {
    /// The difference between a page and its base.
    pub(crate) fn between(page: &Page, base: &Page) -> Self {
        Self::of_lines(page, changed(page, base))
    }

    /// A page that does not depend on any base.
    pub(crate) fn whole(page: &Page) -> Self {
        Self::of_lines(page, u64::MAX)
    }

    fn of_lines(page: &Page, mask: u64) -> Self {
        let mut lines = Vec::with_capacity(mask.count_ones() as usize);
        lines.extend(selected(page, mask));
        Self {
            mask,
            lines: lines.into(),
        }
    }

    /// Whether the page does not depend on any base.
    pub(crate) fn is_whole(&self) -> bool {
        self.mask == u64::MAX
    }

    /// Brings a shared difference up to date: in place where nobody else has it
    /// and as many lines differ as before, as a new one otherwise.
    pub(crate) fn update(shared: &mut Arc<Self>, page: &Page, base: &Page) {
        if shared.describes(page, base) {
            return;
        }
        let mask = if shared.is_whole() {
            u64::MAX
        } else {
            changed(page, base)
        };
        match Arc::get_mut(shared) {
            Some(delta) if delta.lines.len() == mask.count_ones() as usize => {
                delta.mask = mask;
                for (line, current) in delta.lines.iter_mut().zip(selected(page, mask)) {
                    *line = *current;
                }
            }
            _ => *shared = Arc::new(Self::of_lines(page, mask)),
        }
    }

    /// Whether base and difference make up the page. Most pages of a session
    /// stay as they are for many turns: long runs are compared at once.
    fn describes(&self, page: &Page, base: &Page) -> bool {
        let (page, _) = page.as_chunks::<LINE_BYTES>();
        let (base, _) = base.as_chunks::<LINE_BYTES>();
        let (mut at, mut known, mut mask) = (0, 0, self.mask);
        while at < page.len() {
            let same = (mask.trailing_zeros() as usize).min(page.len() - at);
            if page.get(at..at + same) != base.get(at..at + same) {
                return false;
            }
            at += same;
            mask = mask.checked_shr(same as u32).unwrap_or(0);
            let other = mask.trailing_ones() as usize;
            if page.get(at..at + other) != self.lines.get(known..known + other) {
                return false;
            }
            at += other;
            known += other;
            mask = mask.checked_shr(other as u32).unwrap_or(0);
        }
        true
    }

    /// Writes the page over its base.
    pub(crate) fn apply(&self, page: &mut Page) {
        let (lines, _) = page.as_chunks_mut::<LINE_BYTES>();
        let mut mask = self.mask;
        for line in &self.lines {
            let at = mask.trailing_zeros() as usize;
            mask &= mask.wrapping_sub(1);
            if let Some(target) = lines.get_mut(at) {
                *target = *line;
            }
        }
    }

    /// Bytes that the difference takes.
    pub(crate) fn len(&self) -> usize {
        size_of::<Self>() + self.lines.len() * LINE_BYTES
    }
}

fn changed(page: &Page, base: &Page) -> u64 {
    let (page, _) = page.as_chunks::<LINE_BYTES>();
    let (base, _) = base.as_chunks::<LINE_BYTES>();
    let mut mask = 0;
    for (at, (line, base)) in page.iter().zip(base).enumerate() {
        mask |= u64::from(line != base) << at;
    }
    mask
}

fn selected(page: &Page, mask: u64) -> impl Iterator<Item = &Line> {
    let (lines, _) = page.as_chunks::<LINE_BYTES>();
    let mut left = mask;
    std::iter::from_fn(move || {
        let line = lines.get(left.trailing_zeros() as usize)?;
        left &= left.wrapping_sub(1);
        Some(line)
    })
}

const _: () = assert!(PAGE_BYTES / LINE_BYTES == u64::BITS as usize);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_applied_is_the_page(
            edits in proptest::collection::vec((0..PAGE_BYTES, any::<u8>()), 0..80),
            more in proptest::collection::vec((0..PAGE_BYTES, any::<u8>()), 0..8),
        ) {
            let base = [7; PAGE_BYTES];
            let mut page = base;
            for (at, byte) in edits {
                page[at] = byte;
            }
            let mut delta = Arc::new(PageDelta::between(&page, &base));
            let earlier = Arc::clone(&delta);
            let mut copy = base;
            delta.apply(&mut copy);
            prop_assert!(copy == page);
            PageDelta::update(&mut delta, &page, &base);
            prop_assert!(Arc::ptr_eq(&delta, &earlier));

            // What somebody else has stays as it is.
            let mut later = page;
            for (at, byte) in more {
                later[at] = byte;
            }
            PageDelta::update(&mut delta, &later, &base);
            let mut copy = base;
            earlier.apply(&mut copy);
            prop_assert!(copy == page);
            drop(earlier);

            for current in [&later, &page, &later] {
                PageDelta::update(&mut delta, current, &base);
                let mut copy = base;
                delta.apply(&mut copy);
                prop_assert!(copy == *current);
            }

            let mut whole = Arc::new(PageDelta::whole(&later));
            PageDelta::update(&mut whole, &page, &base);
            let mut copy = [1; PAGE_BYTES];
            whole.apply(&mut copy);
            prop_assert!(copy == page);
        }
    }
}
