//! Texts of package files, for the fuzz target.

pub use crate::packages::fuzzing::check_package_text;
