//! Texts of package files, for the fuzz target.

use super::{Requirement, wheel};
use crate::fetch::archive::plain_path;
use std::path::Component;

/// Reads a text as the name of a wheel, as a member's path, as a line of its
/// record and as a requirement, which is written as it is read.
///
/// # Errors
/// Names what does not hold.
pub fn check_package_text(text: &str) -> Result<(), &'static str> {
    let _named = wheel::named(text);
    if let Some((path, _)) = wheel::recorded(text)
        && path.len() > text.len()
    {
        return Err("a path is longer than its line");
    }
    if let Some(path) = plain_path(text, None)
        && !path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err("a member's path leads elsewhere");
    }
    if let Ok(requirement) = Requirement::parse(text)
        && Requirement::parse(&requirement.to_string()).ok() != Some(requirement)
    {
        return Err("a requirement is not read as it was written");
    }
    Ok(())
}
