//! From a guest path to the place it names.

use crate::errno::Errno;
use crate::namespace::{Namespace, Source};
use crate::path::{Normal, normalise, split};
use crate::scratch::{Body, NodeId, SCRATCH_DEPTH_MAX, Tree};

/// How many symbolic links of scratch one path may go through.
pub const SYMLINKS_MAX: u32 = 40;

/// The target of a path, and how it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// Normal, with the links of scratch resolved.
    pub(crate) path: String,
    pub(crate) directory_required: bool,
    pub(crate) mount: usize,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A made-up directory.
    Virtual,
    /// No such name in a made-up directory, and none can be made.
    Absent,
    /// A mounted file.
    File,
    /// In a host directory; what is there is not known yet.
    Host {
        /// Relative to the mount's handle, `.` for the mount itself.
        rest: String,
        writable: bool,
    },
    /// The root of a scratch mount.
    ScratchRoot(NodeId),
    /// A name in a scratch directory, there or not.
    Scratch {
        parent: NodeId,
        name: String,
        node: Option<NodeId>,
        /// Directories between the mount and the name, the name included.
        depth: usize,
    },
}

/// Whether a symbolic link as the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Follow,
    Keep,
}

/// Finds where a path leads, through aliases and the links of scratch but not of hosts.
pub(crate) fn resolve(
    namespace: &Namespace,
    tree: &Tree,
    start: Normal,
    last: Last,
) -> Result<Resolved, Errno> {
    let mut normal = start;
    for _ in 0..=SYMLINKS_MAX {
        let (mount, rest) = namespace.find(&normal.path).ok_or(Errno::Noent)?;
        let source = &namespace.mount(mount).ok_or(Errno::Noent)?.source;
        let place = match source {
            Source::Virtual if rest.is_empty() => Place::Virtual,
            Source::Virtual if rest.trim_start_matches('/').contains('/') => {
                return Err(Errno::Noent);
            }
            Source::Virtual => Place::Absent,
            Source::File(_) if rest.is_empty() => Place::File,
            Source::File(_) => return Err(Errno::Notdir),
            Source::Directory { writable, .. } => Place::Host {
                rest: host_path(rest),
                writable: *writable,
            },
            Source::Alias(target) => {
                let separator = if rest.is_empty() { "" } else { "/" };
                let rest = rest.trim_start_matches('/');
                let path = format!("{target}{separator}{rest}");
                normal = Normal { path, ..normal };
                continue;
            }
            Source::Scratch(root) => match walk(tree, *root, rest, &normal, last)? {
                Step::Place(place) => place,
                Step::Again(next) => {
                    normal = next;
                    continue;
                }
            },
        };
        return Ok(Resolved {
            path: normal.path,
            directory_required: normal.directory_required,
            mount,
            place,
        });
    }
    Err(Errno::Loop)
}

fn host_path(rest: &str) -> String {
    let rest = rest.trim_start_matches('/');
    if rest.is_empty() { "." } else { rest }.to_owned()
}

enum Step {
    Place(Place),
    /// A link was met: start over with this path.
    Again(Normal),
}

fn walk(tree: &Tree, root: NodeId, rest: &str, whole: &Normal, last: Last) -> Result<Step, Errno> {
    if rest.is_empty() {
        return Ok(Step::Place(Place::ScratchRoot(root)));
    }
    let depth = rest.split('/').count();
    if depth > SCRATCH_DEPTH_MAX {
        return Err(Errno::Nametoolong);
    }
    let mut parent = root;
    let mut remaining = rest;
    loop {
        let (name, after) = remaining
            .split_once('/')
            .map_or((remaining, None), |(name, after)| (name, Some(after)));
        let node = tree.directory(parent)?.get(name);
        let follow = after.is_some() || last == Last::Follow;
        if let (Some(id), true) = (node, follow)
            && let Body::Symlink(target) = &tree.node(id)?.body
        {
            return redirect(whole, after, target).map(Step::Again);
        }
        let Some(after) = after else {
            return Ok(Step::Place(Place::Scratch {
                parent,
                name: name.to_owned(),
                node,
                depth,
            }));
        };
        parent = node.ok_or(Errno::Noent)?;
        remaining = after;
    }
}

/// The path that results when the link before `after` is replaced by its target.
fn redirect(whole: &Normal, after: Option<&str>, target: &str) -> Result<Normal, Errno> {
    let link = match after {
        Some(after) => whole
            .path
            .len()
            .checked_sub(after.len() + 1)
            .and_then(|end| whole.path.get(..end))
            .ok_or(Errno::Inval)?,
        None => &whole.path,
    };
    let (directory, _) = split(link).ok_or(Errno::Inval)?;
    let pointed = normalise(directory, target.as_bytes())?;
    let Some(after) = after else {
        return Ok(Normal {
            directory_required: whole.directory_required || pointed.directory_required,
            ..pointed
        });
    };
    Ok(Normal {
        directory_required: whole.directory_required,
        ..normalise(&pointed.path, after.as_bytes())?
    })
}
