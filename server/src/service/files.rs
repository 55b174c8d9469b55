//! Files of a sandbox, for its client. No code of the guest runs.

use std::sync::Arc;

use bytes::Bytes;
use memex_runtime::{Errno, SessionFiles};
use memex_sessions::files::{
    DEPTH_MAX, FileEntry, FileKind, entry_of, folders_on_the_way, listed, make_folders, removed,
};

use super::entry::{Body, Entry};
use super::state::{Inner, Service};
use super::tree::{absolute, refused};
use crate::error::ServiceError;
use crate::names::Id;
use crate::sandbox::Durability;
use crate::tenants::{HeldBody, Principal, Scope};

impl Service {
    /// What there is of a path; of a link, the link itself.
    ///
    /// # Errors
    /// `no-such-file`.
    pub async fn stat(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
    ) -> Result<FileEntry, ServiceError> {
        let path = absolute(path)?;
        let looked = self.looking(who, id, move |files| {
            entry_of(files, &path).map_err(|e| refused(&path, e))
        });
        looked.await
    }

    /// What lies in a folder, and in its folders to this depth; 1 is the folder alone.
    ///
    /// # Errors
    /// `no-such-file`, `not-a-folder`; `invalid-path` where too much lies in it.
    pub async fn list_folder(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
        depth: u32,
    ) -> Result<Vec<FileEntry>, ServiceError> {
        let path = absolute(path)?;
        let depth = depth.clamp(1, DEPTH_MAX);
        let looked = self.looking(who, id, move |files| {
            listed(files, &path, depth).map_err(|error| refused(&path, error))
        });
        looked.await
    }

    /// Those of all that lies in a folder that `choose` takes. It is called where the folder is
    /// read, in the tenant's own time of threads, with the folder's path.
    ///
    /// # Errors
    /// As [`Service::list_folder`], and what `choose` says.
    pub(crate) async fn search_folder(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
        choose: impl FnOnce(&str, Vec<FileEntry>) -> Result<Vec<FileEntry>, ServiceError>
        + Send
        + 'static,
    ) -> Result<Vec<FileEntry>, ServiceError> {
        let path = absolute(path)?;
        let looked = self.looking(who, id, move |files| {
            let found = listed(files, &path, DEPTH_MAX).map_err(|error| refused(&path, error))?;
            choose(&path, found)
        });
        looked.await
    }

    /// A piece of a file: at most `bytes_max` bytes from `offset` on.
    ///
    /// # Errors
    /// `no-such-file`, `is-folder`.
    pub async fn read_file(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
        offset: u64,
        bytes_max: usize,
    ) -> Result<Vec<u8>, ServiceError> {
        let path = absolute(path)?;
        let looked = self.looking(who, id, move |files| {
            files
                .read(&path, offset, bytes_max)
                .map_err(|error| refused(&path, error))
        });
        looked.await
    }

    /// Writes a file, whole or not at all. Folders on the way are made.
    ///
    /// # Errors
    /// `is-folder`, `read-only`, `no-space`.
    pub async fn write_file(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
        pieces: Vec<Bytes>,
    ) -> Result<FileEntry, ServiceError> {
        let path = absolute(path)?;
        let bytes = pieces.iter().map(Bytes::len).sum();
        let held = HeldBody::admit(&who.tenant, bytes)?;
        let written = self.changing(who, id, move |files| {
            let _held = held;
            let written = folders_on_the_way(files, &path)
                .and_then(|_| files.write(&path, pieces.iter().map(|piece| &piece[..])))
                .and_then(|()| entry_of(files, &path));
            written.map_err(|error| refused(&path, error))
        });
        written.await
    }

    /// Makes a folder, with those on the way. Says whether it is new.
    ///
    /// # Errors
    /// `exists` where something else has the name, `read-only`, `no-space`.
    pub async fn make_folder(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
    ) -> Result<bool, ServiceError> {
        let path = absolute(path)?;
        let made = self.changing(who, id, move |files| {
            make_folders(files, &path).map_err(|error| refused(&path, error))
        });
        made.await
    }

    /// Removes a file, a link, or a folder with everything in it.
    ///
    /// # Errors
    /// `no-such-file`, `read-only`.
    pub async fn remove_file(
        &self,
        who: &Principal,
        id: &Id,
        path: &str,
    ) -> Result<(), ServiceError> {
        let path = absolute(path)?;
        let removed = self.changing(who, id, move |files| {
            removed(files, &path).map_err(|error| refused(&path, error))
        });
        removed.await
    }

    /// Gives a file or a folder another name.
    ///
    /// # Errors
    /// `no-such-file`, `exists`, `read-only`.
    pub async fn move_file(
        &self,
        who: &Principal,
        id: &Id,
        from: &str,
        to: &str,
    ) -> Result<FileEntry, ServiceError> {
        let (from, to) = (absolute(from)?, absolute(to)?);
        let moved = self.changing(who, id, move |files| {
            let moved = files
                .stat(&from, false)
                .map_err(|error| refused(&from, error));
            moved?;
            let moved = folders_on_the_way(files, &to)
                .and_then(|_| files.rename(&from, &to))
                .and_then(|()| entry_of(files, &to));
            moved.map_err(|error| refused(&to, error))
        });
        moved.await
    }

    async fn looking<R: Send + 'static>(
        &self,
        who: &Principal,
        id: &Id,
        work: impl FnOnce(&mut SessionFiles<'_>) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let entry = self.inner.entry(who, id, Scope::Files)?;
        self.inner.check_awake(&entry)?;
        let done = self.inner.on_thread(&entry, move |inner, entry, body| {
            inner.with_files(entry, body, work)
        });
        done.await
    }

    async fn changing<R: Send + 'static>(
        &self,
        who: &Principal,
        id: &Id,
        work: impl FnOnce(&mut SessionFiles<'_>) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let entry = self.inner.entry_for_work(who, id, Scope::Files)?;
        let done = self.inner.on_thread(&entry, move |inner, entry, body| {
            let done = inner.with_files(entry, body, work)?;
            inner.keep_files(entry, body)?;
            Ok(done)
        });
        done.await
    }
}

impl Inner {
    fn with_files<R: Send + 'static>(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        work: impl FnOnce(&mut SessionFiles<'_>) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        self.with_session(entry, body, move |session| {
            let mut files = session.files().map_err(|_| super::waking::lost())?;
            work(&mut files)
        })?
    }

    /// Saves what was written, as turns are.
    fn keep_files(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        let durability = entry.record.lock().durability;
        match durability {
            Durability::Memory => {
                body.is_unsaved = true;
                Ok(())
            }
            _ => self.save_now(entry, body, "files"),
        }
    }

    /// An empty scope with the same files.
    pub(super) fn restarted(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
    ) -> Result<(), ServiceError> {
        let kept = self.with_files(entry, body, |files| {
            let mut kept = Vec::new();
            for root in ["/home/user", "/tmp"] {
                match gathered(files, root, &mut kept) {
                    Ok(()) | Err(Errno::Noent | Errno::Notdir) => {}
                    Err(error) => return Err(refused(root, error)),
                }
            }
            Ok(kept)
        })?;
        // Turns count from 1 again: what an equal request came to before is no answer.
        let removed = self.folder.remove_turn(entry.tenant.name(), &entry.id);
        removed.map_err(|error| super::assembling::no_room(&error))?;
        // The history goes on: the empty scope is the child of the state before.
        let head = self.head(entry, body)?;
        self.forget_session(entry, body);
        body.keyed.clear();
        body.head = Some(None);
        let restored = self.with_files(entry, body, move |files| {
            for (path, content) in kept {
                let put = match content {
                    None => make_folders(files, &path).map(|_| ()),
                    Some(content) => files.write(&path, [&content[..]]),
                };
                put.map_err(|error| refused(&path, error))?;
            }
            Ok(())
        });
        body.head = Some(head);
        if let Err(error) = restored {
            self.forget_session(entry, body);
            return Err(error);
        }
        self.save_now(entry, body, "restarted")
    }
}

/// Every file below a folder; folders have no content.
type Gathered = Vec<(String, Option<Vec<u8>>)>;

fn gathered(files: &mut SessionFiles<'_>, root: &str, into: &mut Gathered) -> Result<(), Errno> {
    for entry in listed(files, root, DEPTH_MAX)? {
        match entry.kind {
            FileKind::Folder => into.push((entry.path, None)),
            FileKind::File => {
                let length = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
                let content = files.read(&entry.path, 0, length)?;
                into.push((entry.path, Some(content)));
            }
            FileKind::Link | FileKind::Other => {}
        }
    }
    Ok(())
}
