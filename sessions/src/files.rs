//! The files of a session as a tree, for front ends: paths, and entries with what lies
//! below them. No code of the guest runs.

use std::collections::VecDeque;

use memex_runtime::{Errno, FileStat, FileType, SessionFiles};

/// Where relative paths begin.
const HOME: &str = "/home/user";
/// Entries that one listing has, and that one removal removes.
const ENTRIES_MAX: usize = 10_000;
/// Bytes of the paths of one listing: a path can be a hundred times as long as most are.
const LISTED_BYTES_MAX: usize = 4 << 20;
/// The depth of folders to which a listing goes.
pub const DEPTH_MAX: u32 = 64;
/// The longest path that is looked at.
const PATH_BYTES_MAX: usize = 4096;

/// A file, a folder or a link of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name; empty of `/`.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Its length.
    pub bytes: u64,
    /// When its content changed last, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// Where a link leads.
    pub target: Option<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Something that is none of these.
    Other,
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It has no characters.
    #[error("the path is empty")]
    Empty,
    /// It has a NUL.
    #[error("the path has a NUL")]
    Nul,
    /// It has more bytes than are looked at.
    #[error("the path is too long")]
    Long,
}

/// The path as it is from `/` on, without `.` and doubled slashes. Relative ones begin at
/// `/home/user`.
///
/// # Errors
/// For what is no path, or too long for one.
pub fn absolute(path: &str) -> Result<String, PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.contains('\0') {
        return Err(PathError::Nul);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(PathError::Long);
    }
    let mut parts: Vec<&str> = Vec::new();
    let home = if path.starts_with('/') { "" } else { HOME };
    for part in home.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

/// The folder that a path lies in.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// What there is of a path; of a link, the link itself.
///
/// # Errors
/// As [`SessionFiles::stat`].
pub fn entry_of(files: &mut SessionFiles<'_>, path: &str) -> Result<FileEntry, Errno> {
    let stat = files.stat(path, false)?;
    described(files, path, &stat)
}

fn described(
    files: &mut SessionFiles<'_>,
    path: &str,
    stat: &FileStat,
) -> Result<FileEntry, Errno> {
    let kind = match stat.filetype {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Folder,
        FileType::SymbolicLink => FileKind::Link,
        _ => FileKind::Other,
    };
    let target = match kind {
        FileKind::Link => Some(files.link_target(path)?),
        _ => None,
    };
    Ok(FileEntry {
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        path: path.to_owned(),
        kind,
        bytes: stat.size,
        modified_ns: stat.mtim,
        target,
    })
}

/// What lies below a folder, folder by folder, to this depth; 1 is the folder alone.
///
/// # Errors
/// As [`SessionFiles::list`]; `Nametoolong` past 10,000 entries, or 4 MiB of their paths.
pub fn listed(
    files: &mut SessionFiles<'_>,
    path: &str,
    depth: u32,
) -> Result<Vec<FileEntry>, Errno> {
    let mut found: Vec<FileEntry> = Vec::new();
    let mut room = LISTED_BYTES_MAX;
    let mut folders = VecDeque::from([(path.to_owned(), depth)]);
    while let Some((folder, depth)) = folders.pop_front() {
        let left = ENTRIES_MAX.saturating_sub(found.len());
        let mut names: Vec<String> = files
            .list(&folder, left)?
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        names.sort_unstable();
        for name in names {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let entry = match entry_of(files, &path) {
                // Something of the host that has gone.
                Err(Errno::Noent) => continue,
                entry => entry?,
            };
            let target = entry.target.as_ref().map_or(0, String::len);
            let left = room.checked_sub(entry.path.len().saturating_add(target));
            room = left.ok_or(Errno::Nametoolong)?;
            if entry.kind == FileKind::Folder && depth > 1 {
                folders.push_back((path, depth - 1));
            }
            found.push(entry);
        }
    }
    Ok(found)
}

/// Makes a folder and those on the way. Says whether it is new.
///
/// # Errors
/// `Exist` where something else has the name, and as [`SessionFiles::make_folder`].
pub fn make_folders(files: &mut SessionFiles<'_>, path: &str) -> Result<bool, Errno> {
    match files.stat(path, true) {
        Ok(stat) if stat.filetype == FileType::Directory => return Ok(false),
        Ok(_) => return Err(Errno::Exist),
        Err(Errno::Noent) => {}
        Err(error) => return Err(error),
    }
    let mut missing = vec![path];
    let mut above = parent(path);
    while above != "/" {
        match files.stat(above, true) {
            Ok(stat) if stat.filetype == FileType::Directory => break,
            Ok(_) => return Err(Errno::Notdir),
            Err(Errno::Noent) => missing.push(above),
            Err(error) => return Err(error),
        }
        above = parent(above);
    }
    for path in missing.into_iter().rev() {
        files.make_folder(path)?;
    }
    Ok(true)
}

/// Makes the folders that a name needs.
///
/// # Errors
/// As [`make_folders`]; `Notdir` where one is a file.
pub fn folders_on_the_way(files: &mut SessionFiles<'_>, path: &str) -> Result<(), Errno> {
    match make_folders(files, parent(path)) {
        Err(Errno::Exist) => Err(Errno::Notdir),
        made => made.map(|_| ()),
    }
}

/// Removes what is in a folder before the folder. A folder that is a mount, or has one in
/// it, is left as it is.
///
/// # Errors
/// `Busy` for a mount, and as [`SessionFiles::remove`].
pub fn removed(files: &mut SessionFiles<'_>, path: &str) -> Result<(), Errno> {
    let stat = files.stat(path, false)?;
    if stat.filetype == FileType::Directory {
        if path == "/" || files.stat(parent(path), true)?.dev != stat.dev {
            return Err(Errno::Busy);
        }
        let mut below = listed(files, path, DEPTH_MAX)?;
        for entry in below.iter().filter(|entry| entry.kind == FileKind::Folder) {
            if files.stat(&entry.path, false)?.dev != stat.dev {
                return Err(Errno::Busy);
            }
        }
        // Folders come before what is in them.
        below.reverse();
        for entry in below {
            files.remove(&entry.path)?;
        }
    }
    files.remove(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_home_or_at_the_root_and_never_leave_it() {
        for (path, want) in [
            ("a.txt", "/home/user/a.txt"),
            ("/a//b/./c", "/a/b/c"),
            ("../x", "/home/x"),
            ("../../../../etc/passwd", "/etc/passwd"),
            ("/..", "/"),
            ("/", "/"),
        ] {
            assert_eq!(absolute(path).unwrap(), want, "{path}");
        }
        for wrong in ["", "a\0b", &"x".repeat(PATH_BYTES_MAX + 1)] {
            assert!(absolute(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            (parent("/a/b"), parent("/a"), parent("/")),
            ("/a", "/", "/")
        );
    }
}
