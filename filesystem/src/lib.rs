//! The files a guest sees: WASI preview 1 file calls over a private namespace.
//!
//! A [`Namespace`] is the table of mounts: directories and files of the host,
//! opened once when it is built, and in-memory scratch trees at `/tmp` and
//! `/home/user`. It is immutable and shared by sessions. A [`FileSystem`] is
//! the state of one session: open descriptors, the content of its scratch
//! trees, and the used part of its [`Quota`]. That state is a value,
//! [`FileState`], saved and restored between turns.
//!
//! The caller is hostile: every argument of every call may be anything. Calls
//! answer with an [`Errno`], never with a panic, and hold no more memory than
//! the quota and the caller's own buffers account for.
//!
//! This crate does not depend on WebAssembly. The embedder copies arguments out
//! of the guest's memory, owns descriptors 0 to 2, and sets the clock.
//!
//! # How a path is resolved
//! 1. It is joined to its directory's path, and `.` and `..` are resolved as
//!    text; `..` never goes above `/`.
//! 2. The longest mount that is a prefix takes it.
//! 3. In a host directory, `cap-std` walks the rest from the directory's
//!    handle, and refuses whatever would leave it. In scratch, symbolic links
//!    are resolved within the guest's namespace and may point to any mount.
//!
//! ```
//! use std::sync::Arc;
//! use memex_filesystem::{FileSystem, Namespace, Quota, OFLAG_CREAT, RIGHT_FD_READ, RIGHT_FD_WRITE};
//!
//! let namespace = Arc::new(Namespace::builder().scratch(true).build()?);
//! let quota = Quota { open_files: 64, file_bytes: 1 << 20, files: 100 };
//! let mut files = FileSystem::new(Arc::clone(&namespace), quota);
//! let rights = RIGHT_FD_READ | RIGHT_FD_WRITE;
//! let fd = files.path_open(3, 0, b"tmp/note", OFLAG_CREAT, rights, 0, 0)?;
//! files.fd_write(fd, b"kept")?;
//!
//! let state = files.checkpoint();
//! files.fd_pwrite(fd, b"lost", 0)?;
//! let (mut files, lost) = FileSystem::restore(namespace, quota, &state);
//! assert!(lost.is_empty());
//! let mut text = [0; 4];
//! files.fd_pread(fd, &mut text, 0)?;
//! assert_eq!(&text, b"kept");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod abi;
mod checkpoint;
mod codec;
mod confinement;
mod descriptor;
mod directories;
mod duplicating;
mod entries;
mod errno;
mod error;
mod files;
mod filesystem;
mod host;
mod interrupt;
mod links;
mod listing;
mod moving;
mod names;
mod namespace;
mod open;
mod path;
mod quota;
mod rename;
mod resolution;
mod scratch;
mod state;
mod statistics;

pub use abi::*;
pub use duplicating::Usage;
pub use errno::Errno;
pub use error::Error;
pub use filesystem::FileSystem;
pub use interrupt::Interrupt;
pub use namespace::{Access, Namespace, NamespaceBuilder};
pub use path::{COMPONENT_BYTES_MAX, PATH_BYTES_MAX};
pub use quota::{Breach, Quota};
pub use resolution::SYMLINKS_MAX;
pub use scratch::SCRATCH_DEPTH_MAX;
pub use state::{FileState, LostFile, scratch_files};
