//! Text of guests and models, made fit to show.

use maud::{Markup, html};

/// How much of a text is shown, half from its start and half from its end.
pub const TEXT_MAX_CHARS: usize = 200_000;

/// A text in full, or its start and end.
pub(super) fn shown(text: &str) -> Markup {
    let count = text.chars().count();
    if count <= TEXT_MAX_CHARS {
        return html! { (text) };
    }
    let half = TEXT_MAX_CHARS / 2;
    let start: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(count - half).collect();
    html! {
        (start)
        span.cut { "\n… " (count - 2 * half) " characters are not shown …\n" }
        (end)
    }
}

/// The start of a text, on one line.
pub(super) fn brief(text: &str, max_chars: usize) -> String {
    let mut brief: String = text.chars().take(max_chars).collect();
    if brief.len() < text.len() {
        brief.push('…');
    }
    brief.replace(['\n', '\r'], " ")
}

/// Makes characters visible that would change the order of text around them,
/// or hide. It is applied to the whole page, which has none of its own.
pub(super) fn reveal(page: &str) -> String {
    let mut revealed = String::with_capacity(page.len());
    for c in page.chars() {
        match c {
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{2060}'
            | '\u{61c}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => revealed.push_str(&format!("⟦U+{:04X}⟧", u32::from(c))),
            '\n' | '\t' => revealed.push(c),
            '\u{7f}'..='\u{9f}' => revealed.push('\u{fffd}'),
            c if c < ' ' => {
                // The symbols for control characters are in their order.
                let picture = char::from_u32(0x2400 + u32::from(c));
                revealed.push(picture.unwrap_or('\u{fffd}'));
            }
            c => revealed.push(c),
        }
    }
    revealed
}

pub(super) fn tokens(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{:.1}k", count as f64 / 1e3),
        _ => format!("{:.2}M", count as f64 / 1e6),
    }
}

pub(super) fn cost(cost_usd: Option<f64>) -> String {
    match cost_usd {
        Some(cost) => format!("${cost:.4}"),
        None => "unknown".to_owned(),
    }
}

pub(super) fn duration(duration_ms: u64) -> String {
    match duration_ms {
        0..1_000 => format!("{duration_ms} ms"),
        1_000..60_000 => format!("{:.1} s", duration_ms as f64 / 1e3),
        _ => format!(
            "{} min {} s",
            duration_ms / 60_000,
            duration_ms % 60_000 / 1_000
        ),
    }
}
