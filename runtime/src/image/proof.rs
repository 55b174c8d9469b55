//! The mark of an image that has passed its self-test.
//!
//! An image gets its name after the test, and the mark with it. Earlier versions gave the
//! name first: of a build that was killed in its test, an image is left that nobody has
//! proved. It has no mark, and is proved when it is loaded.

use super::entry::{check_private, write_atomically};
use crate::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const MARK: &str = "proven";

/// Marks an image as proved. The mark is its name, the digest of what was proved.
pub(super) fn mark(directory: &Path, name: &str) -> Result<(), Error> {
    write_atomically(&directory.join(MARK), name.as_bytes())
}

/// Whether an image is marked.
pub(super) fn is_marked(directory: &Path, name: &str) -> bool {
    let path = directory.join(MARK);
    let mut found = Vec::new();
    let read = |file: File| file.take(name.len() as u64 + 1).read_to_end(&mut found);
    check_private(&path).is_ok()
        && File::open(&path).and_then(read).is_ok()
        && found == name.as_bytes()
}
