//! Facts, items and headings.

use super::lines::lines;

/// Name and value of `- fact_name: value`.
#[must_use]
pub fn fact(line: &str) -> Option<(&str, &str)> {
    let item = line.strip_prefix("- ")?;
    let (name, value) = item.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic())
        && name
            .chars()
            .all(|c| c == '_' || c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase()));
    let value = value.strip_prefix(' ')?.trim();
    (is_name && !value.is_empty()).then_some((name, value))
}

/// Whether the line is an item of a list at the margin.
#[must_use]
pub fn is_item(line: &str) -> bool {
    ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
}

/// The first heading of a text.
#[must_use]
pub fn heading(text: &str) -> Option<&str> {
    lines(text).find_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        let is_heading = title.len() < line.len() && title.starts_with(' ');
        let title = title.trim();
        (is_heading && !title.is_empty()).then_some(title)
    })
}
