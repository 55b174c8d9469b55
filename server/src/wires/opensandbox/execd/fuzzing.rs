//! Patterns of names, for the fuzz target.

use super::glob;

pub(in super::super) fn matches(pattern: &str, path: &str) -> bool {
    glob::matches(pattern, path)
}
