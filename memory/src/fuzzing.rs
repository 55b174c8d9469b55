//! Decoders of what a file may contain, for the fuzz targets.

pub use crate::journal::fuzzing::check_journal_record;

/// What a memory's text says: every link and fact lies in the text.
///
/// # Errors
/// Names what does not.
pub fn check_markdown(text: &str) -> Result<(), String> {
    for link in crate::markdown::links(text) {
        let line = text.lines().nth(link.line.saturating_sub(1));
        if !line.is_some_and(|line| line.contains(link.text)) {
            return Err(format!("{link:?}"));
        }
    }
    for (_, line) in crate::markdown::lines(text) {
        if crate::markdown::fact(line)
            .is_some_and(|(name, value)| name.is_empty() || value.is_empty())
        {
            return Err(line.to_owned());
        }
    }
    let _heading = crate::markdown::heading(text);
    let _path = crate::path::parse(text);
    Ok(())
}
