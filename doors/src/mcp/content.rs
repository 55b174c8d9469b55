//! What a turn came to, as content that a model reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_runtime::{Display, DisplayData, Status};
use memex_sessions::Outcome;
use rmcp::model::{CallToolResult, ContentBlock};

use crate::scopes::Ran;

/// The longest text of a result. What is longer loses its middle.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Pictures of a result, and their bytes together.
const PICTURES_MAX: usize = 16;
const PICTURE_BYTES_MAX: usize = 8 << 20;
/// Pictures that clients take.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// The result of a turn. `note` is said after all else.
pub(super) fn of_turn(ran: &Ran, note: Option<String>) -> CallToolResult {
    let mut pictures = Vec::new();
    let mut text = said(&ran.outcome);
    let mut bytes = 0_usize;
    let mut left_out = 0;
    for display in &ran.displays {
        match picture(display) {
            Some((mime, data)) => {
                bytes = bytes.saturating_add(data.len());
                match pictures.len() < PICTURES_MAX && bytes <= PICTURE_BYTES_MAX {
                    true => pictures.push(ContentBlock::image(STANDARD.encode(data), mime)),
                    false => left_out += 1,
                }
            }
            // The value's own text is there already.
            None if display.main => {}
            None => {
                if let Some(DisplayData::Text(shown)) = display.data.get("text/plain") {
                    line(&mut text, shown);
                }
            }
        }
    }
    if left_out > 0 {
        line(
            &mut text,
            &format!("[{left_out} pictures are left out: show fewer, or smaller ones]"),
        );
    }
    if text.is_empty() && pictures.is_empty() {
        text.push_str("[no output]");
    }
    let mut text = clipped(&text);
    if let Some(note) = note {
        line(&mut text, &note);
    }
    let mut content = Vec::with_capacity(1 + pictures.len());
    if !text.is_empty() {
        content.push(ContentBlock::text(text));
    }
    content.extend(pictures);
    match ran.outcome.is_ok() {
        true => CallToolResult::success(content),
        false => CallToolResult::error(content),
    }
}

/// A result that is a text.
pub(super) fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// A failure that the model can do something about.
pub(super) fn failure(text: impl ToString) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(clipped(&text.to_string()))])
}

/// A file: a picture, a text, or base64 of what is neither.
pub(super) fn of_file(path: &str, bytes: &[u8], offset: u64, size: u64) -> CallToolResult {
    let mime = picture_type(bytes).filter(|_| offset == 0 && bytes.len() as u64 == size);
    if let Some(mime) = mime {
        return CallToolResult::success(vec![ContentBlock::image(STANDARD.encode(bytes), mime)]);
    }
    let end = offset.saturating_add(bytes.len() as u64);
    let rest = match end < size {
        true => format!("\n[{path} has {size} bytes; this ends at {end}, go on with offset={end}]"),
        false => String::new(),
    };
    match std::str::from_utf8(bytes) {
        Ok(content) => text(format!("{content}{rest}")),
        // A piece may begin and end within a character.
        Err(error) if error.error_len().is_none() && end < size => {
            let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let end = offset.saturating_add(whole.len() as u64);
            text(format!(
                "{}\n[{path} has {size} bytes; this ends at {end}, go on with offset={end}]",
                String::from_utf8_lossy(whole)
            ))
        }
        Err(_) => text(format!(
            "[base64 of {} bytes]\n{}{rest}",
            bytes.len(),
            STANDARD.encode(bytes)
        )),
    }
}

fn said(outcome: &Outcome) -> String {
    let mut text = outcome.stdout.clone();
    line(&mut text, &outcome.stderr);
    if let Some(value) = &outcome.value {
        line(&mut text, value);
    }
    if let Some(error) = &outcome.error {
        let told = match error.traceback.is_empty() {
            true => format!("{}: {}", error.class, error.message),
            false => error.traceback.clone(),
        };
        line(&mut text, &told);
    }
    if let Some(limit) = &outcome.limit {
        let told = match outcome.status {
            Status::Limit => "ended the block",
            Status::Refused => "does not admit the block",
            _ => "cut the output",
        };
        line(
            &mut text,
            &format!("[the limit {} ({}) {told}]", limit.name, limit.limit),
        );
    }
    if outcome.rolled_back {
        line(&mut text, "[the session is as it was before this block]");
    }
    text
}

/// Adds a text that begins on a line of its own.
fn line(text: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(more);
}

/// A text without the middle that is too long for a result.
pub(super) fn clipped(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.trim_end_matches('\n').to_owned();
    }
    let half = TEXT_BYTES_MAX / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    format!(
        "{}\n[… {} bytes are left out; print less, or read a part …]\n{}",
        text.get(..head).unwrap_or_default(),
        tail - head,
        text.get(tail..).unwrap_or_default()
    )
}

/// The form of a display that clients show as a picture.
fn picture(display: &Display) -> Option<(&'static str, &[u8])> {
    PICTURES
        .iter()
        .find_map(|mime| match display.data.get(*mime) {
            Some(DisplayData::Bytes(bytes)) => Some((*mime, bytes.as_slice())),
            _ => None,
        })
}

fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        _ => is_webp.then_some("image/webp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memex_runtime::LimitHit;

    fn told(outcome: Outcome) -> (String, bool) {
        let ran = Ran {
            outcome,
            displays: Vec::new(),
        };
        let result = of_turn(&ran, None);
        let text = result.content[0].as_text().unwrap().text.clone();
        (text, result.is_error == Some(true))
    }

    #[test]
    fn output_value_and_limit_stand_on_lines_of_their_own() {
        let outcome = Outcome {
            stdout: "a".to_owned(),
            value: Some("2".to_owned()),
            ..Outcome::default()
        };
        assert_eq!(told(outcome), ("a\n2".to_owned(), false));
        assert_eq!(told(Outcome::default()), ("[no output]".to_owned(), false));
        let outcome = Outcome {
            status: Status::Limit,
            limit: Some(LimitHit {
                name: "guest_time_ms".into(),
                limit: 10,
                actual: 11,
            }),
            rolled_back: true,
            ..Outcome::default()
        };
        let (text, is_error) = told(outcome);
        assert!(is_error);
        assert!(
            text.contains("guest_time_ms (10) ended the block"),
            "{text}"
        );
        assert!(text.contains("as it was before"), "{text}");
    }

    #[test]
    fn long_texts_lose_their_middle_between_characters() {
        let text = "ä".repeat(TEXT_BYTES_MAX);
        let short = clipped(&text);
        assert!(short.len() < TEXT_BYTES_MAX + 200, "{}", short.len());
        assert!(short.contains("bytes are left out"));
        assert_eq!(clipped("x\n\n"), "x");
    }

    #[test]
    fn files_are_pictures_texts_or_base64() {
        let shown = |bytes: &[u8], offset, size| {
            let result = of_file("f", bytes, offset, size);
            serde_json::to_value(&result.content[0]).unwrap()
        };
        assert_eq!(shown(b"\x89PNG\r\n", 0, 6)["mimeType"], "image/png");
        assert_eq!(shown(b"text", 0, 4)["text"], "text");
        // Half a picture is none.
        assert!(
            shown(b"\x89PNG\r\n", 0, 60)["text"]
                .as_str()
                .unwrap()
                .starts_with("[base64 of 6")
        );
        let cut = &"aé".as_bytes()[..2];
        let text = shown(cut, 0, 3)["text"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with("a\n[") && text.contains("offset=1"),
            "{text}"
        );
        assert!(
            shown(&[0xff, 0xfe], 0, 2)["text"]
                .as_str()
                .unwrap()
                .contains("//4=")
        );
    }
}
