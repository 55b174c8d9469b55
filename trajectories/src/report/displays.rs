//! Images and other rich output of guests, made inert.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::text::{brief, shown};
use crate::{Display, Encoding};

/// How large a display may be to be shown.
pub const DISPLAY_MAX_BYTES: usize = 8 << 20;

/// What an `img` shows. SVG in one runs no scripts and loads nothing.
const IMAGES: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/svg+xml",
];

/// The policy of a frame: nothing is loaded, and nothing runs.
const FRAME_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

pub(super) fn display(display: &Display) -> Markup {
    let title = display.title.as_deref().unwrap_or(&display.media_type);
    html! {
        figure.display {
            (content(display, title))
            figcaption { (brief(title, 200)) }
        }
    }
}

fn content(display: &Display, title: &str) -> Markup {
    if display.encoding == Encoding::Path {
        return html! { p.note { "in the file " code { (display.data) } } };
    }
    if display.data.len() > DISPLAY_MAX_BYTES {
        return html! { p.note { "not shown: " (display.data.len()) " bytes" } };
    }
    let media_type = display
        .media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if let Some(image) = IMAGES
        .iter()
        .find(|image| image.eq_ignore_ascii_case(media_type))
    {
        // Encoded again, so that the address contains only base64.
        let Some(bytes) = bytes_of(display) else {
            return html! { p.note { "not shown: its data is not base64" } };
        };
        let address = format!("data:{image};base64,{}", STANDARD.encode(bytes));
        return html! { img src=(address) alt=(brief(title, 200)); };
    }
    let text = match display.encoding {
        Encoding::Text => Some(display.data.clone()),
        _ => bytes_of(display).and_then(|bytes| String::from_utf8(bytes).ok()),
    };
    match text {
        None => html! { p.note { "not shown: it is not text" } },
        Some(text) if media_type.eq_ignore_ascii_case("text/html") => {
            let policy =
                format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{FRAME_POLICY}\">");
            html! { iframe sandbox="" referrerpolicy="no-referrer" srcdoc=(format!("{policy}{text}")) {} }
        }
        Some(text) => html! { pre { (shown(&text)) } },
    }
}

fn bytes_of(display: &Display) -> Option<Vec<u8>> {
    match display.encoding {
        Encoding::Text => Some(display.data.clone().into_bytes()),
        Encoding::Base64 => {
            let packed: String = display.data.split_ascii_whitespace().collect();
            STANDARD.decode(packed).ok()
        }
        Encoding::Path => None,
    }
}
