//! Which symbolic links a guest can leave in a grant.
//!
//! A guest cannot follow a link out of a grant, but a program of the host that
//! reads the directory later can. So the host's directories get no link from a
//! guest that could lead out, now or after any move:
//!
//! - A guest makes *downward* links only: relative, without `..`. Wherever such
//!   a link is moved, it leads to something below the directory it stands in.
//! - Other links are the host's own. A guest neither moves nor multiplies them.
//! - A directory is moved to another parent only if every link in it is *closed*:
//!   downward, or with no more `..`, all in front, than there are directories
//!   between it and the one that is moved. Such a link leads to the same place
//!   in the moved directory. In the same parent nothing changes depth, and any
//!   directory can be renamed.
//!
//! What the host's own links lead to is the host's business. A guest gives no other
//! name to one that leads out when it makes a link (`check_reached`).
//!
//! The rule needs no depth below the grant, which another move could change.

use std::os::fd::OwnedFd;

use cap_std::fs::{Dir, MetadataExt};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, fstat, linkat, openat, readlinkat, renameat,
    renameat_with, statat, unlinkat,
};

use crate::errno::Errno;
use crate::host::{identity, parent};
use crate::interrupt::Interrupt;
use crate::moving::Alone;

/// How many entries are looked at before a directory is moved.
const ENTRIES_MAX: usize = 1_000_000;
/// How deep the directories may be that are moved.
const DEPTH_MAX: usize = 128;
/// Entries between two looks at the interrupt.
const LOOK_EVERY: usize = 1024;

/// How directories are opened that are looked through.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Does a link with this target lead below the directory it stands in, wherever
/// that is?
///
/// A target that names nothing, such as `.`, is its own directory: a path that
/// goes through it and up again would leave that.
pub(crate) fn is_downward(target: &[u8]) -> bool {
    let mut names = false;
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => return false,
            _ => names = true,
        }
    }
    names && !target.starts_with(b"/")
}

/// Does a link that stands so many directories below the top lead to something
/// below the top, wherever that is?
///
/// A `..` behind a name does not count as a step back: the name may be a link.
fn is_closed(target: &[u8], depth: usize) -> bool {
    let mut ups = 0;
    let mut names = false;
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if names => return false,
            b".." => ups += 1,
            _ => names = true,
        }
    }
    ups <= depth && !target.starts_with(b"/")
}

/// Fails if a link with this target would lead through a link of the host out of
/// the mount, as things are now.
///
/// Such a link is the host's own way out, and stays one under any name: this
/// keeps a guest from giving it another where a program of the host looks.
pub(crate) fn check_reached(dir: &Dir, path: &str, target: &str) -> Result<(), Errno> {
    let names = |text: &str| {
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut whole = names(path);
    whole.pop();
    whole.extend(names(target));
    // A target that is as long as one can be would be too long below a directory
    // that nobody has to name who follows the link.
    match dir.metadata(whole.join("/")).map_err(Errno::from) {
        Ok(_) | Err(Errno::Noent | Errno::Notdir) => Ok(()),
        // Where it leads cannot be told.
        Err(errno) => Err(errno),
    }
}

/// Moves a name within a mount.
///
/// `alone` says that no other session moves names of the mount meanwhile. Without
/// it names move within their directory only, where no link comes to lead
/// elsewhere.
pub(crate) fn rename(
    dir: &Dir,
    old: &str,
    new: &str,
    must_be_directory: bool,
    alone: Option<&Alone>,
    interrupt: &Interrupt,
) -> Result<(), Errno> {
    let (from, old) = parent(dir, old)?;
    let (to, new) = parent(dir, new)?;
    let (kind, mut checked) = look(&from, old)?;
    let stays = is_same(&from, &to)?;
    if alone.is_none() && !stays {
        return Err(Errno::Xdev);
    }
    // Held until the move has been checked: no other file gets its number.
    let mut _held = None;
    match kind {
        FileType::Directory if stays => {}
        FileType::Directory => {
            let top = openat(&from, old, DIRECTORY, Mode::empty())?;
            checked = identity(&fstat(&top)?);
            check_closed(top.try_clone()?, interrupt)?;
            _held = Some(top);
        }
        _ if must_be_directory => return Err(Errno::Notdir),
        FileType::Symlink => check_downward(&from, old)?,
        _ => {}
    }
    renameat(&from, old, &to, new)?;
    match look(&to, new) {
        Ok((_, moved)) if moved != checked && !stays => undo(&from, old, &to, new),
        _ => Ok(()),
    }
}

/// Moves back what a program of the host has put in the place of what was
/// checked.
fn undo(from: &Dir, old: &str, to: &Dir, new: &str) -> Result<(), Errno> {
    match renameat_with(to, new, from, old, RenameFlags::NOREPLACE) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Err(Errno::Notcapable),
        Err(error) => Err(error.into()),
    }
}

/// Gives a file, or a link itself, a second name in a mount.
pub(crate) fn hard_link(dir: &Dir, old: &str, new: &str) -> Result<(), Errno> {
    let (from, old) = parent(dir, old)?;
    let (to, new) = parent(dir, new)?;
    let (kind, checked) = look(&from, old)?;
    if kind == FileType::Symlink {
        check_downward(&from, old)?;
    }
    linkat(&from, old, &to, new, AtFlags::empty())?;
    match look(&to, new) {
        Ok((_, linked)) if linked != checked => {
            unlinkat(&to, new, AtFlags::empty())?;
            Err(Errno::Notcapable)
        }
        _ => Ok(()),
    }
}

/// The kind of what a name stands for, and which file it is.
fn look(dir: &Dir, name: &str) -> Result<(FileType, (u64, u64)), Errno> {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((FileType::from_raw_mode(stat.st_mode), identity(&stat)))
}

fn is_same(one: &Dir, other: &Dir) -> Result<bool, Errno> {
    let (one, other) = (one.dir_metadata()?, other.dir_metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn check_downward(dir: &Dir, name: &str) -> Result<(), Errno> {
    let target = readlinkat(dir, name, Vec::new())?;
    match is_downward(target.to_bytes()) {
        true => Ok(()),
        false => Err(Errno::Notcapable),
    }
}

/// Fails if a link in the directory could lead elsewhere once it is moved.
fn check_closed(top: OwnedFd, interrupt: &Interrupt) -> Result<(), Errno> {
    let mut levels = vec![rustix::fs::Dir::new(top)?];
    let mut seen = 0;
    loop {
        let depth = levels.len().saturating_sub(1);
        let Some(level) = levels.last_mut() else {
            return Ok(());
        };
        let Some(entry) = level.read() else {
            levels.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        seen += 1;
        if seen > ENTRIES_MAX {
            // As between two mounts: whoever wants it there copies it.
            return Err(Errno::Xdev);
        }
        if seen % LOOK_EVERY == 0 {
            interrupt.check()?;
        }
        let here = level.fd()?;
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        match kind {
            FileType::Symlink => {
                let target = readlinkat(here, name, Vec::new())?;
                if !is_closed(target.to_bytes(), depth) {
                    return Err(Errno::Notcapable);
                }
            }
            FileType::Directory if depth >= DEPTH_MAX => return Err(Errno::Xdev),
            FileType::Directory => {
                let below = openat(here, name, DIRECTORY, Mode::empty())?;
                levels.push(rustix::fs::Dir::new(below)?);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::{is_closed, is_downward, rename};
    use crate::errno::Errno;
    use crate::interrupt::Interrupt;
    use crate::moving::Alone;

    #[test]
    fn without_locks_names_move_within_their_directory_only() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["a/d", "b"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("a/f"), "").unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        let interrupt = Interrupt::default();
        let alone = Alone::wait(&dir, &interrupt).unwrap();
        assert!(alone.is_some());
        for name in ["d", "f"] {
            let (old, new) = (format!("a/{name}"), format!("a/{name}2"));
            rename(&dir, &old, &new, false, None, &interrupt).unwrap();
            let away = format!("b/{name}");
            let refused = rename(&dir, &new, &away, false, None, &interrupt);
            assert_eq!(refused, Err(Errno::Xdev));
            rename(&dir, &new, &away, false, alone.as_ref(), &interrupt).unwrap();
            assert!(folder.path().join(away).exists());
        }
    }

    #[test]
    fn links_that_lead_down_are_told_from_all_others() {
        for target in [
            "a", "a/b", "./a", "a/.", "a//b/", "...", "..a", "a/..b", " ..",
        ] {
            assert!(is_downward(target.as_bytes()), "{target:?}");
        }
        for target in [
            "", ".", "./", "./.", "..", "../a", "a/..", "a/../b", "./../a", "/", "/a", "//a",
            "a/../..",
        ] {
            assert!(!is_downward(target.as_bytes()), "{target:?}");
        }
    }

    #[test]
    fn a_link_is_closed_if_no_way_of_reading_it_leaves_the_top() {
        for (target, depth) in [
            ("a", 0),
            ("../a", 1),
            ("./../a", 1),
            ("../../a/b", 2),
            ("..", 1),
        ] {
            assert!(is_closed(target.as_bytes(), depth), "{target:?}");
            assert!(is_closed(target.as_bytes(), depth + 1), "{target:?}");
        }
        for (target, depth) in [
            ("..", 0),
            ("../a", 0),
            ("../../a", 1),
            ("a/..", 5),
            ("../a/../b", 5),
            ("/a", 5),
        ] {
            assert!(!is_closed(target.as_bytes(), depth), "{target:?}");
        }
    }
}
