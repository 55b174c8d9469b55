//! The table of mounts.

use std::fs::File;

use cap_std::fs::Dir;

use crate::error::Error;
use crate::path::{below, is_normal, split};
use crate::scratch::{HOME_ROOT, NodeId, TMP_ROOT, Tree};
use std::sync::Arc;

/// Where the sandboxes of chat assistants have their files, by which code that was
/// written for them names it: the home under another name.
const ALIAS: (&str, &str) = ("/mnt/data", "/home/user");

/// The rights of a guest in a mounted directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look and read.
    ReadOnly,
    /// Look, read, write, create and remove.
    ReadWrite,
}

/// The mounts that sessions see: immutable, shared between them.
///
/// It holds its handles until it is dropped, so that a directory renamed or
/// replaced on the host stays the one that was granted.
#[derive(Debug)]
pub struct Namespace {
    /// Longest paths first, so that the first prefix found is the longest.
    mounts: Vec<Mount>,
    /// The scratch tree of a session that has not used it.
    pub(crate) empty: Arc<Tree>,
}

#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) source: Source,
    /// Whether times and serial numbers are constants; see
    /// [`NamespaceBuilder::constant`].
    pub(crate) constant: bool,
    /// Whether the directory above does not list it.
    hidden: bool,
    /// Mounts directly below: name and index.
    pub(crate) children: Vec<(String, usize)>,
}

#[derive(Debug)]
pub(crate) enum Source {
    /// A directory that exists only because a mount lies below it.
    Virtual,
    Directory {
        dir: Dir,
        writable: bool,
    },
    File(File),
    Scratch(NodeId),
    /// Another name of what is at this path.
    Alias(&'static str),
}

impl Namespace {
    /// Starts with nothing mounted: no host files, no scratch.
    pub fn builder() -> NamespaceBuilder {
        NamespaceBuilder {
            mounts: Vec::new(),
            constants: 0,
            scratch: false,
        }
    }

    /// The mount that takes a normal path, and what is left of it below.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<(usize, &'a str)> {
        self.mounts
            .iter()
            .enumerate()
            .find_map(|(index, mount)| Some((index, below(&mount.path, path)?)))
    }

    pub(crate) fn mount(&self, index: usize) -> Option<&Mount> {
        self.mounts.get(index)
    }
}

/// Collects mounts. Defaults: no host mounts, none of them constant, scratch off.
#[derive(Debug)]
pub struct NamespaceBuilder {
    mounts: Vec<(String, Source)>,
    /// How many of `mounts`, from the first, are constant.
    constants: usize,
    scratch: bool,
}

impl NamespaceBuilder {
    /// Mounts a host directory at a guest path.
    #[must_use]
    pub fn directory(mut self, guest_path: &str, dir: Dir, access: Access) -> Self {
        let writable = access == Access::ReadWrite;
        self.mounts
            .push((guest_path.to_owned(), Source::Directory { dir, writable }));
        self
    }

    /// Mounts one regular file of the host, read-only.
    #[must_use]
    pub fn file(mut self, guest_path: &str, file: File) -> Self {
        self.mounts
            .push((guest_path.to_owned(), Source::File(file)));
        self
    }

    /// Says that what was mounted so far holds the same files on every machine.
    ///
    /// Its times and serial numbers are constants then, its directories are
    /// listed by name, and nothing that a guest can see of it depends on the
    /// host's file system. Only for directories without links that are never
    /// written: two names of one file have two serial numbers here.
    #[must_use]
    pub fn constant(mut self) -> Self {
        self.constants = self.mounts.len();
        self
    }

    /// Whether `/tmp` and `/home/user` are private in-memory trees.
    ///
    /// `/mnt/data` is then another name of `/home/user`, unless a mount is there, above
    /// or below. No listing shows it, so that a walk through all files meets each once.
    #[must_use]
    pub fn scratch(mut self, enabled: bool) -> Self {
        self.scratch = enabled;
        self
    }

    /// Checks the mounts and puts them together.
    ///
    /// Directories above a mount that no other mount provides are made up;
    /// they show nothing but the way to it, and hide what a surrounding mount
    /// has there.
    ///
    /// # Errors
    /// A malformed or repeated guest path, a handle of the wrong kind, or a
    /// mount inside a writable host directory, where a guest could reach the
    /// hidden part by renaming a directory above it, through a link it makes,
    /// or by another spelling on a host that folds case.
    pub fn build(mut self) -> Result<Namespace, Error> {
        if self.scratch {
            self.mounts
                .push(("/tmp".to_owned(), Source::Scratch(TMP_ROOT)));
            self.mounts
                .push(("/home/user".to_owned(), Source::Scratch(HOME_ROOT)));
        }
        for (path, source) in &self.mounts {
            check(path, source)?;
        }
        let mut mounts: Vec<Mount> = Vec::new();
        for (index, (path, source)) in self.mounts.into_iter().enumerate() {
            if mounts.iter().any(|mount| mount.path == path) {
                return Err(Error::DuplicateMount { path });
            }
            mounts.push(Mount {
                path,
                source,
                constant: index < self.constants,
                hidden: false,
                children: Vec::new(),
            });
        }
        refuse_nesting(&mounts)?;
        add_ancestors(&mut mounts);
        if self.scratch {
            add_alias(&mut mounts);
        }
        mounts.sort_by(|a, b| (b.path.len(), &a.path).cmp(&(a.path.len(), &b.path)));
        add_children(&mut mounts);
        Ok(Namespace {
            mounts,
            empty: Arc::new(Tree::new()),
        })
    }
}

fn check(path: &str, source: &Source) -> Result<(), Error> {
    let refuse = |reason| {
        Err(Error::MountPath {
            path: path.to_owned(),
            reason,
        })
    };
    if !path.starts_with('/') {
        return refuse("it is not absolute");
    }
    if !is_normal(path) {
        return refuse("it has empty, \".\", \"..\", overlong or NUL-bearing components");
    }
    let unreadable = |source| Error::MountHandle {
        path: path.to_owned(),
        source,
    };
    let (fits, expected) = match source {
        Source::File(_) if path == "/" => return refuse("a file cannot be the root"),
        Source::File(file) => (
            file.metadata().map_err(unreadable)?.is_file(),
            "regular file",
        ),
        Source::Directory { dir, .. } => (
            dir.dir_metadata().map_err(unreadable)?.is_dir(),
            "directory",
        ),
        Source::Virtual | Source::Scratch(_) | Source::Alias(_) => (true, "directory"),
    };
    if fits {
        return Ok(());
    }
    Err(Error::MountKind {
        path: path.to_owned(),
        expected,
    })
}

fn refuse_nesting(mounts: &[Mount]) -> Result<(), Error> {
    for outer in mounts {
        let movable = match outer.source {
            Source::Directory { writable, .. } => writable,
            // A file is found by its exact path only, so what lies below it
            // hides nothing: an archive on the import path may have the
            // directories it needs beside its members.
            Source::File(_) | Source::Virtual | Source::Scratch(_) | Source::Alias(_) => false,
        };
        let inner = mounts
            .iter()
            .find(|inner| inner.path != outer.path && below(&outer.path, &inner.path).is_some());
        if let (true, Some(inner)) = (movable, inner) {
            return Err(Error::NestedMount {
                inner: inner.path.clone(),
                outer: outer.path.clone(),
            });
        }
    }
    Ok(())
}

fn add_ancestors(mounts: &mut Vec<Mount>) {
    let mut wanted = vec!["/".to_owned()];
    for mount in mounts.iter() {
        let mut path = mount.path.as_str();
        while let Some((parent, _)) = split(path) {
            // Below a file there are no directories: a walk along the path of an
            // archive must end at the archive.
            let in_file = mounts.iter().any(|file| {
                matches!(file.source, Source::File(_)) && below(&file.path, parent).is_some()
            });
            if in_file && !mounts.iter().any(|mount| mount.path == parent) {
                path = parent;
                continue;
            }
            wanted.push(parent.to_owned());
            path = parent;
        }
    }
    for path in wanted {
        if !mounts.iter().any(|mount| mount.path == path) {
            mounts.push(Mount {
                path,
                source: Source::Virtual,
                constant: false,
                hidden: false,
                children: Vec::new(),
            });
        }
    }
}

/// Adds the alias of the home, with the directories above it that are not there.
fn add_alias(mounts: &mut Vec<Mount>) {
    let (alias, home) = ALIAS;
    let is_taken = mounts.iter().any(|mount| match mount.source {
        // A directory that is only on the way to another one is no reason.
        Source::Virtual => mount.path == alias,
        _ => below(&mount.path, alias).is_some() || below(alias, &mount.path).is_some(),
    });
    if is_taken {
        return;
    }
    let mut path = Some((alias, Source::Alias(home)));
    while let Some((here, source)) = path {
        if mounts.iter().any(|mount| mount.path == here) {
            return;
        }
        mounts.push(Mount {
            path: here.to_owned(),
            source,
            constant: false,
            hidden: true,
            children: Vec::new(),
        });
        path = split(here).map(|(parent, _)| (parent, Source::Virtual));
    }
}

fn add_children(mounts: &mut [Mount]) {
    let listed: Vec<(usize, String)> = mounts
        .iter()
        .enumerate()
        .filter(|(_, mount)| !mount.hidden)
        .map(|(index, mount)| (index, mount.path.clone()))
        .collect();
    for mount in mounts {
        mount.children = listed
            .iter()
            .filter_map(|(index, path)| {
                let (parent, name) = split(path)?;
                (parent == mount.path).then(|| (name.to_owned(), *index))
            })
            .collect();
    }
}
