//! Folders whose names say `key=value`: the partitions of one table.

use super::format::Format;
use super::packing::Packing;
use cap_std::fs::Dir;
use std::io;
use std::path::{Path, PathBuf};

/// Folders in one another.
const DEPTH_MAX: usize = 16;
/// How the name of a folder says that there is no value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file of a partition, and what its folders say.
pub type Partition = (PathBuf, Vec<(String, Option<String>)>);

/// The key and the value that the name of a folder states.
pub(super) fn key_value(name: &str) -> Option<(String, Option<String>)> {
    let (key, value) = name.split_once('=').filter(|(key, _)| !key.is_empty())?;
    let value = (value != NO_VALUE).then(|| unescaped(value));
    Some((unescaped(key), value))
}

/// Bytes that a file system does not take are written `%3A`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The data files below `folder` in the order of their names, at most `max`; all of the format of
/// the first one. Answers that format with them.
pub(super) fn partitions(
    directory: &Dir,
    folder: &Path,
    max: usize,
) -> io::Result<Option<(Format, Packing, Vec<Partition>)>> {
    let mut found = Vec::new();
    let constants = folder
        .file_name()
        .and_then(|name| key_value(&name.to_string_lossy()));
    let constants = constants.into_iter().collect();
    collect(directory, folder, constants, max, 0, &mut found)?;
    // Files beside the partitions are tables of their own.
    found.retain(|(_, constants)| !constants.is_empty());
    let first = found.first().and_then(|(path, _)| Format::of(path));
    Ok(first.map(|(format, packing)| {
        found.retain(|(path, _)| Format::of(path) == Some((format, packing)));
        (format, packing, found)
    }))
}

fn collect(
    directory: &Dir,
    folder: &Path,
    constants: Vec<(String, Option<String>)>,
    max: usize,
    depth: usize,
    found: &mut Vec<Partition>,
) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(io::Error::other("folders are nested too deeply"));
    }
    let mut entries = Vec::new();
    for entry in directory.read_dir(folder)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?));
        if entries.len() > max {
            return Err(too_many(max));
        }
    }
    entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (name, kind) in entries {
        let path = folder.join(&name);
        let text = name.to_string_lossy();
        if kind.is_dir() {
            if let Some(constant) = key_value(&text) {
                let mut constants = constants.clone();
                constants.push(constant);
                collect(directory, &path, constants, max, depth + 1, found)?;
            }
        } else if !text.starts_with(['.', '_']) && Format::of(&path).is_some() {
            found.push((path, constants.clone()));
            if found.len() > max {
                return Err(too_many(max));
            }
        }
    }
    Ok(())
}

fn too_many(max: usize) -> io::Error {
    let message = format!("there are more than {max} data files");
    io::Error::new(io::ErrorKind::QuotaExceeded, message)
}

/// Whether a folder has folders that are partitions.
pub(super) fn is_partitioned(directory: &Dir, folder: &Path) -> bool {
    directory.read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                is_folder && key_value(&entry.file_name().to_string_lossy()).is_some()
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_say_keys_and_values() {
        for (name, expected) in [
            ("year=2024", Some(("year", Some("2024")))),
            ("at=10%3A30", Some(("at", Some("10:30")))),
            ("city=Z%C3%BCrich", Some(("city", Some("Zürich")))),
            ("x=100%", Some(("x", Some("100%")))),
            ("x=a=b", Some(("x", Some("a=b")))),
            ("x=__HIVE_DEFAULT_PARTITION__", Some(("x", None))),
            ("=1", None),
            ("plain", None),
        ] {
            let expected = expected.map(|(key, value): (&str, Option<&str>)| {
                (key.to_owned(), value.map(str::to_owned))
            });
            assert_eq!(key_value(name), expected, "{name}");
        }
    }
}
