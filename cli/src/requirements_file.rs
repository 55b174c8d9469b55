//! `--requirements FILE`: packages as pip's files list them.

use memex_runtime::Requirement;
use std::fs::File;
use std::io::Read;

/// What is read of a file at most.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The packages of a file, each as `NAME==VERSION`.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequirementsFile(Vec<String>);

impl RequirementsFile {
    /// Reads a file. Comments and empty lines are passed over; everything else is a
    /// package in an exact version, or refused with its line.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text));
        read.map_err(|error| error.to_string())?;
        if text.len() as u64 > FILE_MAX_BYTES {
            return Err(format!("it is longer than {} MiB", FILE_MAX_BYTES >> 20));
        }
        let mut packages = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let package = package(line).map_err(|why| format!("line {}: {why}", number + 1))?;
            packages.extend(package);
        }
        Ok(Self(packages))
    }
}

/// The packages of options and files together.
pub(crate) fn all_packages(given: &[String], files: &[RequirementsFile]) -> Vec<String> {
    let listed = files.iter().flat_map(|file| &file.0);
    given.iter().chain(listed).cloned().collect()
}

fn package(line: &str) -> Result<Option<String>, String> {
    // A `#` inside of a word is part of it, as in a URL.
    let line = match line.split_once(" #") {
        Some((line, _comment)) => line,
        None => line,
    };
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if line.starts_with('-') || line.ends_with('\\') {
        return Err(format!(
            "`{line}` is an option of pip; packages alone are read"
        ));
    }
    if line.contains(';') {
        return Err(format!(
            "`{line}` has a condition; keep the lines that the guest is to have"
        ));
    }
    match Requirement::parse(line) {
        Ok(requirement) => Ok(Some(requirement.to_string())),
        Err(error) => Err(error.to_string().lines().next().unwrap_or_default().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn lines_are_packages_comments_or_refused() {
        for (line, expected) in [
            ("humanize==4.9.0", Some("humanize==4.9.0")),
            ("  Markdown == 3.5  # for reports", Some("markdown==3.5")),
            ("", None),
            ("# all of them", None),
        ] {
            assert_eq!(package(line).unwrap().as_deref(), expected, "{line}");
        }
        for (line, word) in [
            ("pandas>=2", "exact versions"),
            ("pandas", "version is missing"),
            ("-r other.txt", "option of pip"),
            ("a==1 \\", "option of pip"),
            ("a==1; python_version < '3'", "condition"),
            ("git+https://example.com/a#egg=a", "names no package"),
        ] {
            let refused = package(line).unwrap_err();
            assert!(refused.contains(word), "{line}: {refused}");
        }
    }
}
