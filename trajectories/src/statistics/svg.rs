//! Texts and numbers of drawings.

/// The width of a character at the size of labels, on the generous side.
pub(super) const CHARACTER: f64 = 6.6;

/// A label of at most `max_chars` characters.
pub(super) fn shortened(label: &str, max_chars: usize) -> String {
    let label = plain(label);
    if label.chars().count() <= max_chars {
        return label;
    }
    let start: String = label.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{start}…")
}

/// Without characters that XML does not have.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}

pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
