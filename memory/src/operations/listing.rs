//! `list_files`: the tree of the memory.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use crate::path::PATH_DEPTH_MAX;
use crate::place::Last;
use crate::tree::{self, Entry, is_hidden};
use crate::{Error, Memory};

/// The longest tree that is drawn.
const LISTING_BYTES_MAX: usize = 32 << 20;

impl Memory {
    /// `list_files`: the tree of the memory as text.
    #[must_use]
    pub fn list_files(&self) -> String {
        let mut listing = Listing {
            memory: self,
            text: String::from("./"),
            escapes: self.is_extended(),
            above: Vec::new(),
        };
        let drawn = self.check_root().and_then(|()| {
            let entries = visible(self.root(), true);
            let entries = entries.map_err(|errno| Error::system(errno, "."))?;
            listing.above.extend(identity(self.root()));
            let drawn = listing.draw(self.root(), &entries, "", "", 0);
            drawn.map_err(|errno| Error::system(errno, "."))
        });
        match drawn {
            Ok(()) => listing.text.trim_end().to_owned(),
            Err(error) => format!("Error: {error}"),
        }
    }
}

struct Listing<'m> {
    memory: &'m Memory,
    text: String,
    /// Names with line ends in them must not look like other entries; the
    /// trained model's tree shows them as they are.
    escapes: bool,
    /// The directories that are being drawn: a link to one of them is not drawn again.
    above: Vec<(u64, u64)>,
}

/// What tells a directory from any other.
// The types of the fields are not the same on every system.
#[allow(clippy::unnecessary_cast)]
fn identity(directory: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let stat = fstat(directory).ok()?;
    Some((stat.st_dev as u64, stat.st_ino as u64))
}

fn visible(directory: BorrowedFd<'_>, at_root: bool) -> Result<Vec<Entry>, Errno> {
    let mut entries = tree::entries(directory, at_root)?;
    entries.retain(|entry| !is_hidden(&entry.name));
    Ok(entries)
}

impl Listing<'_> {
    fn draw(
        &mut self,
        directory: BorrowedFd<'_>,
        entries: &[Entry],
        path: &str,
        indent: &str,
        depth: usize,
    ) -> Result<(), Errno> {
        let last = entries.len().saturating_sub(1);
        for (index, entry) in entries.iter().enumerate() {
            if self.text.len() > LISTING_BYTES_MAX {
                return Err(Errno::OVERFLOW);
            }
            let is_last = index == last;
            self.text.push('\n');
            self.text.push_str(indent);
            self.text.push_str(if is_last { "└── " } else { "├── " });
            self.name(&entry.name);
            let path = format!("{path}{}", entry.name);
            let below = match entry.kind {
                FileType::Directory => tree::open(directory, &entry.raw),
                FileType::Symlink => match self.linked(&path) {
                    Some(below) => Ok(below),
                    None => continue,
                },
                _ => continue,
            };
            self.text.push('/');
            let own = below
                .as_ref()
                .ok()
                .and_then(|below| identity(below.as_fd()));
            if own.is_some_and(|own| self.above.contains(&own)) {
                continue;
            }
            let contents = below
                .as_ref()
                .map_err(|errno| *errno)
                .and_then(|below| visible(below.as_fd(), false));
            match (below.as_ref(), contents) {
                (Ok(_), Ok(contents)) if contents.is_empty() => self.text.push_str(" (empty)"),
                (Ok(below), Ok(contents)) if depth < PATH_DEPTH_MAX => {
                    let indent = format!("{indent}{}", if is_last { "    " } else { "│   " });
                    let path = format!("{path}/");
                    let height = self.above.len();
                    self.above.extend(own);
                    self.draw(below.as_fd(), &contents, &path, &indent, depth + 1)?;
                    self.above.truncate(height);
                }
                (_, Err(Errno::ACCESS | Errno::PERM)) => {
                    self.text.push_str(" [Permission Denied]");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The directory that a link leads to, if it stays in the memory.
    fn linked(&self, path: &str) -> Option<OwnedFd> {
        let place = self.memory.find(path, Last::Follow).ok()?;
        match place.file_type() {
            Some(FileType::Directory) => place.open_directory().ok(),
            _ => None,
        }
    }

    fn name(&mut self, name: &str) {
        match self.escapes && name.contains(char::is_control) {
            false => self.text.push_str(name),
            true => {
                for c in name.chars() {
                    match c {
                        '\n' => self.text.push_str("\\n"),
                        c if c.is_control() => {
                            self.text.push_str(&format!("\\x{:02x}", u32::from(c)));
                        }
                        c => self.text.push(c),
                    }
                }
            }
        }
    }
}
