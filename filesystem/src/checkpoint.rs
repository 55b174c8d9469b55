//! Taking a session's state and making a session from it.

use std::sync::Arc;

use crate::abi::{FDFLAG_APPEND, RIGHT_FD_READ, RIGHT_FD_WRITE};
use crate::descriptor::{Descriptor, Table, Target};
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::host;
use crate::interrupt::Interrupt;
use crate::namespace::{Namespace, Source};
use crate::open::Request;
use crate::path::Normal;
use crate::quota::{Ledger, Quota};
use crate::resolution::{Last, Place, resolve};
use crate::state::{FileState, Kind, LostFile, Saved};

impl FileSystem {
    /// The state as of now. Costs a few pointers and the open descriptors;
    /// content is shared until it changes.
    #[must_use]
    pub fn checkpoint(&self) -> FileState {
        let unused = Arc::ptr_eq(&self.tree, &self.namespace.empty);
        FileState {
            tree: (!unused).then(|| Arc::clone(&self.tree)),
            open: if self.table.len() == 0 {
                Arc::default()
            } else {
                self.table
                    .iter()
                    .map(|(fd, open)| self.save(fd, open))
                    .collect()
            },
            granted: self.ledger.granted,
        }
    }

    /// A session that continues from a state, which may be shared by many.
    ///
    /// Files outside scratch are opened again by path, never created or cut,
    /// and only as far as the namespace now permits. A descriptor for which
    /// that fails is reported, keeps its number, and answers `Stale` to
    /// everything but closing.
    #[must_use]
    pub fn restore(
        namespace: Arc<Namespace>,
        quota: Quota,
        state: &FileState,
    ) -> (Self, Vec<LostFile>) {
        let tree = state.tree.as_ref().unwrap_or(&namespace.empty);
        let mut files = Self {
            tree: Arc::clone(tree),
            namespace,
            table: Table::default(),
            ledger: Ledger::new(quota, state.granted),
            now_ns: 0,
            interrupt: Interrupt::default(),
            is_host_held: false,
        };
        let mut lost = Vec::new();
        for saved in state.open.iter() {
            let target = files.reopen(saved).unwrap_or_else(|reason| {
                lost.push(LostFile {
                    fd: saved.fd,
                    path: saved.path.as_ref().to_owned(),
                    reason,
                });
                Target::Lost
            });
            let directory = match &target {
                Target::Scratch(node) => files.tree.directory(*node).is_ok(),
                Target::Virtual { .. } | Target::HostDirectory { .. } => true,
                _ => false,
            };
            let descriptor = Descriptor {
                path: Arc::clone(&saved.path),
                rights_base: saved.rights_base,
                rights_inheriting: saved.rights_inheriting,
                read: saved.rights_base & RIGHT_FD_READ != 0,
                write: saved.rights_base & RIGHT_FD_WRITE != 0 && !directory,
                flags: saved.flags,
                offset: saved.offset,
                target,
            };
            files.table.put(saved.fd, descriptor);
        }
        if !lost.is_empty() {
            files.release_lost(state);
        }
        (files, lost)
    }

    fn save(&self, fd: u32, open: &Descriptor) -> Saved {
        Saved {
            fd,
            path: Arc::clone(&open.path),
            rights_base: open.rights_base,
            rights_inheriting: open.rights_inheriting,
            flags: open.flags,
            offset: open.offset,
            kind: match &open.target {
                Target::Scratch(node) => Kind::Scratch(*node),
                Target::MountedFile { .. } | Target::HostFile { .. } => Kind::File,
                Target::Virtual { .. } | Target::HostDirectory { .. } => Kind::Directory,
                Target::Lost => Kind::Lost,
            },
        }
    }

    fn reopen(&mut self, saved: &Saved) -> Result<Target, Errno> {
        let directory = match saved.kind {
            Kind::Lost => return Err(Errno::Stale),
            Kind::Scratch(node) => return self.reopen_scratch(saved, node),
            Kind::File => false,
            Kind::Directory => true,
        };
        if self.table.len() as u64 >= self.ledger.quota.open_files {
            return Err(Errno::Mfile);
        }
        let normal = Normal {
            path: saved.path.as_ref().to_owned(),
            directory_required: directory,
        };
        let resolved = resolve(&self.namespace, &self.tree, normal, Last::Keep)?;
        if let Place::Scratch { .. } | Place::ScratchRoot(_) = resolved.place {
            return Err(Errno::Noent);
        }
        let request = Request::again(saved.rights_base, directory);
        let target = self.open_target(&resolved, request)?;
        match &target {
            Target::HostFile { file, .. } if saved.flags & FDFLAG_APPEND != 0 => {
                host::set_append(file, true)?;
            }
            Target::Virtual { .. } | Target::HostDirectory { .. } if !directory => {
                return Err(Errno::Isdir);
            }
            _ => {}
        }
        Ok(target)
    }

    fn reopen_scratch(&self, saved: &Saved, node: u64) -> Result<Target, Errno> {
        self.tree.node(node)?;
        let (mount, _) = self.namespace.find(&saved.path).ok_or(Errno::Noent)?;
        match self.namespace.mount(mount).map(|mount| &mount.source) {
            Some(Source::Scratch(_)) => Ok(Target::Scratch(node)),
            _ => Err(Errno::Noent),
        }
    }

    /// Frees nameless files whose only descriptors were lost.
    fn release_lost(&mut self, state: &FileState) {
        for saved in state.open.iter() {
            if let Kind::Scratch(node) = saved.kind {
                self.release(node);
            }
        }
    }
}
