//! The entries of a host directory while it is being listed.

use std::collections::VecDeque;

use cap_std::fs::{Dir, MetadataExt, ReadDir};

use crate::abi::FileType;
use crate::errno::Errno;
use crate::host;
use crate::interrupt::Interrupt;
use crate::namespace::Mount;

/// Entries read between two looks at the interrupt.
const LOOK_EVERY: u32 = 1024;

/// A host directory being listed.
///
/// It keeps the last batch, since a guest whose buffer cut an entry off asks
/// for it again; going back further starts the listing over.
#[derive(Debug)]
pub(crate) struct Listing {
    entries: Entries,
    /// The place of the first entry in `window`.
    start: u64,
    window: VecDeque<(u64, String, FileType)>,
}

/// The source of the entries of a host directory.
#[derive(Debug)]
enum Entries {
    /// The host, in its order.
    Host { entries: ReadDir, device: u64 },
    /// A constant mount, whose entries are in the order of their names.
    Constant(std::vec::IntoIter<(u64, String, FileType)>),
}

impl Listing {
    /// Whether a place lies before what can still be given.
    pub(crate) fn is_past(&self, from: u64) -> bool {
        from < self.start
    }

    /// Lists `dir`; `constant` is its guest path if it is of a constant mount.
    pub(crate) fn new(dir: &Dir, constant: Option<&str>) -> Result<Self, Errno> {
        let device = dir.dir_metadata()?.dev();
        let entries = Entries::Host {
            entries: dir.entries()?,
            device,
        };
        Ok(Self {
            entries: match constant {
                None => entries,
                Some(path) => entries.in_order(path)?,
            },
            start: 0,
            window: VecDeque::new(),
        })
    }

    /// Entries from a place on, which must not be before the window. The place
    /// is what a guest says, and the way there may be long.
    ///
    /// Names that are not UTF-8 are left out, as no path could reach them;
    /// so are those that a mount hides.
    pub(crate) fn batch(
        &mut self,
        from: u64,
        want: usize,
        mount: Option<&Mount>,
        interrupt: &Interrupt,
    ) -> Result<impl Iterator<Item = (u64, u64, String, FileType)>, Errno> {
        let mut at_end = false;
        let mut walked = 0_u32;
        let mut look = || {
            walked = walked.wrapping_add(1);
            match walked.is_multiple_of(LOOK_EVERY) {
                true => interrupt.check(),
                false => Ok(()),
            }
        };
        while !at_end {
            look()?;
            while self.start < from && self.window.pop_front().is_some() {
                self.start = self.start.saturating_add(1);
            }
            if self.start >= from && self.window.len() >= want {
                break;
            }
            match self.entries.next(&mut look)? {
                None => at_end = true,
                Some(entry) if is_child(mount, &entry.1) => {}
                Some(entry) => self.window.push_back(entry),
            }
        }
        let start = self.start;
        let past_end = start < from;
        Ok(self
            .window
            .iter()
            .take(if past_end { 0 } else { want })
            .zip(start..)
            .map(|((ino, name, filetype), place)| (place, *ino, name.clone(), *filetype)))
    }
}

impl Entries {
    /// The next entry whose name is UTF-8. `look` is called for each other one.
    fn next(
        &mut self,
        look: &mut impl FnMut() -> Result<(), Errno>,
    ) -> Result<Option<(u64, String, FileType)>, Errno> {
        match self {
            Self::Constant(entries) => Ok(entries.next()),
            Self::Host { entries, device } => {
                for entry in entries {
                    let entry = entry?;
                    if let Ok(name) = entry.file_name().into_string() {
                        let (ino, filetype) = host::entry(&entry, *device);
                        return Ok(Some((ino, name, filetype)));
                    }
                    look()?;
                }
                Ok(None)
            }
        }
    }

    /// The entries of a constant mount's directory at a guest path. How many
    /// there are was bounded when the directory was made.
    fn in_order(mut self, path: &str) -> Result<Self, Errno> {
        let mut found = Vec::new();
        while let Some((_, name, filetype)) = self.next(&mut || Ok(()))? {
            let ino = host::constant_serial(&format!("{}/{name}", path.trim_end_matches('/')));
            found.push((ino, name, filetype));
        }
        found.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
        Ok(Self::Constant(found.into_iter()))
    }
}

/// Whether a mount hides the name.
pub(crate) fn is_child(mount: Option<&Mount>, name: &str) -> bool {
    mount.is_some_and(|mount| mount.children.iter().any(|(child, _)| child == name))
}
