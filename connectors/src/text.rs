//! Bytes that should be text, and text that becomes part of a memory.

/// The text of a file: UTF-8, or UTF-16 with its mark. Anything else is not
/// guessed at.
pub(super) fn decode(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| match pair {
            [a, b] => unit([*a, *b]),
            // A half unit at the end is no text.
            _ => 0xd800,
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map_err(|_| "is not the UTF-16 that it says it is".to_owned())
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| "is not UTF-8; save it as UTF-8 and import it again".to_owned())?
                .to_owned()
        }
    };
    if text.contains('\0') {
        return Err("is no text".to_owned());
    }
    Ok(memex_memory::universal_newlines(text))
}

/// A text on one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// The text with no two opening brackets side by side: two of them would begin a link of the
/// memory.
pub(super) fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_behind_bracket = false;
    for c in text.chars() {
        if is_behind_bracket && c == '[' {
            out.push(' ');
        }
        is_behind_bracket = c == '[';
        out.push(c);
    }
    out
}

/// What people wrote elsewhere, as a quotation: neither its lists nor its
/// brackets are the memory's facts and links.
pub(super) fn quoted(text: &str) -> String {
    let lines = text.trim().lines().map(|line| {
        let line = apart(line.trim_end());
        match line.is_empty() {
            true => ">\n".to_owned(),
            false => format!("> {line}\n"),
        }
    });
    lines.collect()
}

/// Cuts a text at a character; whether it was too long.
pub(super) fn cut(text: &mut String, bytes_max: usize) -> bool {
    let end = floor(text, bytes_max);
    let is_long = end < text.len();
    text.truncate(end);
    is_long
}

/// The end of the last character that ends within so many bytes.
pub(super) fn floor(text: &str, bytes_max: usize) -> usize {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{apart, quoted};

    #[test]
    fn no_row_of_brackets_begins_a_link() {
        for (text, expect) in [
            ("a [b] c", "a [b] c"),
            ("[[a]]", "[ [a]]"),
            ("[[[a]]", "[ [ [a]]"),
            ("x [[[[a]]]] [[[", "x [ [ [ [a]]]] [ [ ["),
        ] {
            assert_eq!(apart(text), expect);
            assert_eq!(quoted(text), format!("> {expect}\n"));
        }
    }
}
