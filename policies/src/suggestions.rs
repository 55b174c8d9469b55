//! Hints for mistyped names, and the quoting of text that others wrote.

/// Names longer than this are never near to a name of ours; comparing them
/// costs time in proportion to their length.
const COMPARED_MAX_CHARS: usize = 64;

const QUOTED_MAX_CHARS: usize = 80;

/// "did you mean" for the nearest of `known`, else the list of them.
pub(crate) fn hint(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of `{}`", known.join("`, `")),
    }
}

/// Quotes `text` for a message: control characters escaped, cut when long.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(QUOTED_MAX_CHARS).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    let escaped: String = shown
        .chars()
        .flat_map(|c| {
            // Quotes and backslashes stay readable; what a terminal could act
            // on, or a reader could not see, does not.
            let literal = matches!(c, '"' | '\'' | '\\');
            let escape = (!literal).then(|| c.escape_debug());
            let plain = literal.then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect();
    format!("`{escaped}{cut}`")
}

/// The one of `known` that `name` was probably meant to be, whatever its case.
///
/// ```
/// let known = ["read_only", "read_write"];
/// assert_eq!(memex_policies::nearest("Read-Onyl", &known), Some("read_only"));
/// assert_eq!(memex_policies::nearest("none", &known), None);
/// ```
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.chars().count() > COMPARED_MAX_CHARS {
        return None;
    }
    let name = name.to_lowercase().replace('-', "_");
    let distance = |candidate: &&str| {
        let candidate = candidate.to_lowercase().replace('-', "_");
        strsim::damerau_levenshtein(&name, &candidate)
    };
    let best = known.iter().copied().min_by_key(distance)?;
    let tolerated = (best.chars().count() / 3).max(1);
    (distance(&best) <= tolerated).then_some(best)
}
