//! Parsing a memory's Markdown: links, headings, facts.

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'t> {
    /// Counts from 1.
    pub line: usize,
    /// The link with its brackets.
    pub text: &'t str,
    /// The fact that contains it, `friend` in `- friend: [[entities/bo.md]]`.
    pub relation: Option<&'t str>,
}

/// The longest link that is one.
const LINK_BYTES_MAX: usize = 1024;

/// The lines of a text that are no code, counted from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start();
        if fence.starts_with("```") || fence.starts_with("~~~") {
            in_code = !in_code;
            return None;
        }
        (!in_code).then_some((index + 1, line))
    })
}

/// The `[[links]]` of a text, those in code left out.
#[must_use]
pub fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for (number, line) in lines(text) {
        let relation = fact(line).map(|(name, _)| name);
        let mut rest = line;
        while let Some(start) = rest.find("[[") {
            let from = rest.get(start..).unwrap_or_default();
            let Some(end) = from.find("]]") else {
                break;
            };
            let inner = from.get(2..end).unwrap_or_default();
            // `[[a [[b]]`: the inner one is the link.
            if let Some(nested) = inner.rfind("[[") {
                rest = from.get(nested + 2..).unwrap_or_default();
                continue;
            }
            if !inner.trim().is_empty() && inner.len() <= LINK_BYTES_MAX {
                links.push(Link {
                    line: number,
                    text: from.get(..end + 2).unwrap_or_default(),
                    relation,
                });
            }
            rest = from.get(end + 2..).unwrap_or_default();
        }
    }
    links
}

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
