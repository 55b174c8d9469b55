//! Files of text that arguments name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The longest settings file, schema or taxonomy.
pub(crate) const SETTINGS_BYTES_MAX: u64 = 1 << 20;
/// The longest task that is read from standard input.
pub(crate) const TASK_BYTES_MAX: u64 = 16 << 20;
/// The longest file of tasks or results.
pub(crate) const LINES_BYTES_MAX: u64 = 1 << 30;

/// The text of a file, if it is no longer than that: it can be a pipe, or larger than memory.
///
/// # Errors
/// As reading it, and [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read_file(path: &Path, bytes_max: u64) -> io::Result<String> {
    read(File::open(path)?, bytes_max)
}

/// The same of anything that is read.
///
/// # Errors
/// As [`read_file`].
pub(crate) fn read(source: impl Read, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    let limit = bytes_max.saturating_add(1);
    source.take(limit).read_to_string(&mut text)?;
    match text.len() as u64 > bytes_max {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {} MiB", bytes_max >> 20),
        )),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_up_to_its_bound() {
        assert_eq!(read(&b"1234"[..], 4).unwrap(), "1234");
        let refused = read(&b"12345"[..], 4).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        let refused = read(io::repeat(b'x'), 1 << 20).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        let refused = read(&b"\xff"[..], 4).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}
