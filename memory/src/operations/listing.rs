//! `list_files`: the tree of the memory.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::path::PATH_DEPTH_MAX;
use crate::tree::{self, Entry, is_hidden};
use crate::{Error, Memory};

/// The longest tree that is drawn.
const LISTING_BYTES_MAX: usize = 32 << 20;

impl Memory {
    /// `list_files`: the tree of the memory as text.
    #[must_use]
    pub fn list_files(&self) -> String {
        let mut listing = Listing {
            text: String::from("./"),
            escapes: self.is_extended(),
        };
        let drawn = self.check_root().and_then(|()| {
            let entries = visible(self.root(), true);
            let entries = entries.map_err(|errno| Error::system(errno, "."))?;
            let drawn = listing.draw(self.root(), &entries, "", 0);
            drawn.map_err(|errno| Error::system(errno, "."))
        });
        match drawn {
            Ok(()) => listing.text.trim_end().to_owned(),
            Err(error) => format!("Error: {error}"),
        }
    }
}

struct Listing {
    text: String,
    /// Names with line ends in them must not look like other entries; the
    /// trained model's tree shows them as they are.
    escapes: bool,
}

fn visible(directory: BorrowedFd<'_>, at_root: bool) -> Result<Vec<Entry>, Errno> {
    let mut entries = tree::entries(directory, at_root)?;
    entries.retain(|entry| !is_hidden(&entry.name));
    Ok(entries)
}

impl Listing {
    fn draw(
        &mut self,
        directory: BorrowedFd<'_>,
        entries: &[Entry],
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
            if entry.kind != FileType::Directory {
                continue;
            }
            self.text.push('/');
            let below = tree::open(directory, &entry.raw);
            let contents = below
                .as_ref()
                .map_err(|errno| *errno)
                .and_then(|below| visible(below.as_fd(), false));
            match (below.as_ref(), contents) {
                (Ok(_), Ok(contents)) if contents.is_empty() => self.text.push_str(" (empty)"),
                (Ok(below), Ok(contents)) if depth < PATH_DEPTH_MAX => {
                    let indent = format!("{indent}{}", if is_last { "    " } else { "│   " });
                    self.draw(below.as_fd(), &contents, &indent, depth + 1)?;
                }
                (_, Err(Errno::ACCESS | Errno::PERM)) => {
                    self.text.push_str(" [Permission Denied]");
                }
                _ => {}
            }
        }
        Ok(())
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
