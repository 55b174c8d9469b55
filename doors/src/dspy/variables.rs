//! Long texts at the head of a block.
//!
//! DSPy writes variables into the code, one line each: `name = 'repr of the text'`. A text of
//! a mebibyte would be tokenised, parsed and compiled for nothing, so long ones are taken out
//! and bound as values. Their lines stay, empty, for the numbers of those below.

use super::guest::is_name;

/// What is left to the compiler.
const LONG_BYTES: usize = 16 << 10;

/// A block without its long texts, and these by name.
pub(super) struct Parted {
    pub(super) texts: Vec<(String, String)>,
    pub(super) code: String,
}

/// Takes long texts out of a block that begins with them; `None` if it does not.
pub(super) fn part(code: &str) -> Option<Parted> {
    if code.len() < LONG_BYTES {
        return None;
    }
    let mut texts = Vec::new();
    let mut kept = String::new();
    let mut seen = Vec::new();
    let mut rest = code;
    // Every line up to the first that is no plain assignment.
    while let Some((line, after)) = rest.split_once('\n') {
        let Some((name, literal)) = line.split_once(" = ") else {
            break;
        };
        // A name that is bound twice is bound in order.
        if !is_name(name) || seen.contains(&name) {
            break;
        }
        seen.push(name);
        match literal.len() >= LONG_BYTES {
            true => match text_of(literal) {
                Some(text) => texts.push((name.to_owned(), text)),
                None => break,
            },
            // Only what cannot read a long one before it is bound.
            false if is_constant(literal) => kept.push_str(line),
            false => break,
        }
        kept.push('\n');
        rest = after;
    }
    if texts.is_empty() {
        return None;
    }
    kept.push_str(rest);
    Some(Parted { texts, code: kept })
}

/// Whether a literal is a number, a name of a constant, or a text.
fn is_constant(literal: &str) -> bool {
    matches!(literal, "None" | "True" | "False")
        || literal.parse::<f64>().is_ok()
        || text_of(literal).is_some()
}

/// The text that Python's `repr` wrote so; `None` for what it does not write.
fn text_of(literal: &str) -> Option<String> {
    let quote = literal
        .chars()
        .next()
        .filter(|quote| "'\"".contains(*quote))?;
    let inner = literal.get(1..)?.strip_suffix(quote)?;
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find(['\\', quote]) {
        text.push_str(rest.get(..at)?);
        let mut escape = rest.get(at..)?.chars();
        // A quote that is not escaped ends the literal before the line does.
        if escape.next()? != '\\' {
            return None;
        }
        let digits = match escape.next()? {
            plain @ ('\\' | '\'' | '"') => {
                text.push(plain);
                0
            }
            'n' => {
                text.push('\n');
                0
            }
            'r' => {
                text.push('\r');
                0
            }
            't' => {
                text.push('\t');
                0
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        rest = escape.as_str();
        if digits > 0 {
            let number = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
            // Half of a surrogate pair is no text here.
            text.push(char::from_u32(number)?);
            rest = rest.get(digits..)?;
        }
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_repr_wrote() {
        for (literal, want) in [
            ("'a'", Some("a")),
            ("\"it's\"", Some("it's")),
            (
                r"'\'\\\n\r\t\x00\u2028\U0001f600é'",
                Some("'\\\n\r\t\0\u{2028}😀é"),
            ),
            ("'a' + b'", None),
            ("'a'.b('c')", None),
            (r"'\ud800'", None),
            (r"'\N{DASH}'", None),
            (r"'\'", None),
            (r"'\x0'", None),
            ("f'a'", None),
            ("'", None),
            ("", None),
        ] {
            assert_eq!(text_of(literal).as_deref(), want, "{literal}");
        }
    }

    #[test]
    fn long_texts_at_the_head_are_taken_out_and_lines_stay() {
        let long = "y".repeat(LONG_BYTES);
        let parted = part(&format!(
            "a = 1\nv = '{long}'\nb = 'x'\nprint(v)\nw = '{long}'\n"
        ));
        let parted = parted.unwrap();
        assert_eq!(parted.texts, [("v".to_owned(), long.clone())]);
        assert_eq!(
            parted.code,
            format!("a = 1\n\nb = 'x'\nprint(v)\nw = '{long}'\n")
        );
        for code in [
            format!("print(1)\nv = '{long}'\n"),
            format!("v = f('{long}')\n"),
            format!("v = '{long}' + ''\n"),
            format!("a.b = '{long}'\n"),
            format!("lambda = '{long}'\n"),
            format!("v = 1\nv = '{long}'\n"),
            // The end of the block: its value, if it had one.
            format!("v = '{long}'"),
            "v = 'short'\n".to_owned(),
        ] {
            assert!(part(&code).is_none(), "{}", code.len());
        }
    }
}
