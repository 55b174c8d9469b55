//! Paths as guests give them, before anything is looked up.

use crate::Error;

/// The directory of the memory's own records, hidden from every tool.
pub(crate) const RECORDS: &str = ".memex";
/// The file of filters: tools may read it, and not write it.
pub(crate) const FILTERS: &str = ".filters";
/// How the names of temporary files end.
pub(crate) const TEMPORARY: &str = ".memex-tmp";

/// The longest path, as Linux has it.
const PATH_BYTES_MAX: usize = 4096;
/// The deepest path; trees deeper than this are not walked either.
pub const PATH_DEPTH_MAX: usize = 64;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Up,
    Down(String),
}

/// The steps of a path and whether it insists on a directory (`a/`).
pub(crate) fn parse(path: &str) -> Result<(Vec<Step>, bool), Error> {
    let refused = |what| {
        Err(Error::InvalidPath {
            path: shown(path),
            what,
        })
    };
    if path.contains('\0') {
        return refused("it contains a null byte");
    }
    if path.len() > PATH_BYTES_MAX {
        return refused("it is longer than 4096 bytes");
    }
    if path.starts_with('/') {
        return Err(Error::Outside { path: shown(path) });
    }
    let mut steps = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => steps.push(Step::Up),
            name => steps.push(Step::Down(name.to_owned())),
        }
    }
    if steps.len() > PATH_DEPTH_MAX {
        return refused("it is deeper than 64 directories");
    }
    let directory = path.ends_with('/') || path.ends_with("/.");
    Ok((steps, directory))
}

/// Whether the name at the root, or a temporary name anywhere, is the memory's.
/// File systems that ignore case must not be a way around.
pub(crate) fn is_reserved(name: &str, at_root: bool) -> bool {
    (at_root && name.eq_ignore_ascii_case(RECORDS)) || is_temporary(name)
}

/// Whether the name is that of a temporary file of a writer.
pub(crate) fn is_temporary(name: &str) -> bool {
    let ending = name.len().checked_sub(TEMPORARY.len());
    ending
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(TEMPORARY))
}

/// A text that is safe to repeat: short and without control characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 200;
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARS_MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
