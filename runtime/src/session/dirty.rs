//! The pages that a session has for itself: those that may differ from its image.

use crate::memory::{IdlePages, Slot};
use crate::platform::{DirtyTracking, PAGE_BYTES, private_pages, thread_faults};
use std::io;

/// The list of a guest's private pages.
#[derive(Debug)]
pub(super) struct Dirty {
    pub(super) tracking: DirtyTracking,
    pub(super) pages: Vec<u32>,
    /// Whether `pages` holds all of them.
    pub(super) complete: bool,
    idle: IdlePages,
}

impl Dirty {
    /// Those of a slot that no guest has run in since it was reset.
    pub(super) fn new(tracking: DirtyTracking, slot: &Slot) -> Self {
        Self {
            tracking,
            pages: slot.hot().to_vec(),
            complete: thread_faults().is_some() && tracking != DirtyTracking::Compare,
            idle: IdlePages::default(),
        }
    }

    /// Brings the list up to date for a memory of `bytes` bytes; ascending.
    pub(super) fn update(&mut self, slot: &Slot, bytes: usize) -> &[u32] {
        if !self.complete {
            self.pages.clear();
            match private_pages(self.tracking, slot.base(), bytes, &mut self.pages) {
                Some(()) => self.complete = thread_faults().is_some(),
                None => {
                    self.pages.clear();
                    self.pages.extend(0..(bytes / PAGE_BYTES) as u32);
                }
            }
        }
        &self.pages
    }

    /// Gives back pages that the session does not use, now that these equal the image. The
    /// guest is at rest.
    pub(super) fn give_back(&mut self, slot: &Slot, unchanged: &[u32]) -> io::Result<()> {
        if !cfg!(target_os = "linux") || !self.complete {
            return Ok(());
        }
        if let Some(mut pages) = self.idle.look(unchanged) {
            slot.give_back(&mut pages)?;
            let is_kept = |page: &u32| pages.binary_search(page).is_err();
            self.pages.retain(is_kept);
        }
        Ok(())
    }
}
