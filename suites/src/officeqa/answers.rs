//! What an answer says: its numbers, and its words beside them.

/// Characters after a number in which its unit may stand.
const UNIT_WITHIN_CHARS: usize = 20;
const UNITS: [&str; 12] = [
    "trillion",
    "trillions",
    "billion",
    "billions",
    "million",
    "millions",
    "thousand",
    "thousands",
    "b",
    "m",
    "k",
    "t",
];

/// A number in an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    /// Its value, without its unit: 543 million is 543.
    pub(super) value: f64,
    /// Whether it looks like a year.
    pub(super) is_year: bool,
}

/// An answer, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) numbers: Vec<Number>,
    /// In small letters, without numbers, units and punctuation.
    pub(super) words: String,
}

/// The text with one kind of minus, and without commas that group digits.
pub(super) fn normalised(text: &str) -> String {
    let text: Vec<char> = text.replace('\u{2212}', "-").chars().collect();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    let groups = |at: usize| {
        let after = |n: usize| is_digit(at.checked_add(n));
        is_digit(at.checked_sub(1)) && (1..=3).all(after) && !after(4)
    };
    let kept = text
        .iter()
        .enumerate()
        .filter(|(at, c)| **c != ',' || !groups(*at));
    kept.map(|(_, c)| *c).collect()
}

/// Takes an answer apart, which is [`normalised`].
pub(super) fn take_apart(text: &str) -> Answer {
    let mut numbers = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    let mut before = ' ';
    // Characters since the last number, in which its unit may come.
    let mut since = usize::MAX;
    while let Some(first) = rest.chars().next() {
        if let Some((number, length)) = number_at(rest, before) {
            numbers.push(number);
            words.push(' ');
            since = 0;
            before = '0';
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        if first.is_alphabetic() {
            let end = rest
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let lower = word.to_lowercase();
            let is_unit = since <= UNIT_WITHIN_CHARS && UNITS.contains(&lower.as_str());
            if !is_unit {
                words.push_str(&lower);
            }
            since = since.saturating_add(word.chars().count());
            before = word.chars().next_back().unwrap_or(first);
            rest = after;
            continue;
        }
        words.push(' ');
        since = since.saturating_add(1);
        before = first;
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    Answer {
        numbers,
        words: words.join(" "),
    }
}

/// The number that a text begins with, and its length. A hyphen after a letter or a digit
/// joins or ranges, and is no sign.
fn number_at(text: &str, before: char) -> Option<(Number, usize)> {
    let unsigned = match text.strip_prefix('-') {
        Some(_) if before.is_alphanumeric() => return None,
        Some(rest) => rest.strip_prefix('$').unwrap_or(rest),
        None => text,
    };
    let sign_length = text.len() - unsigned.len();
    let digits_end = |from: &str| {
        from.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len())
    };
    let whole = digits_end(unsigned);
    let fraction = unsigned
        .get(whole..)?
        .strip_prefix('.')
        .map_or(0, digits_end);
    let length = match (whole, fraction) {
        (0, 0) => return None,
        (0, _) if before.is_alphanumeric() => return None,
        (whole, 0) => whole,
        (whole, fraction) => whole + 1 + fraction,
    };
    let value: f64 = unsigned.get(..length)?.parse().ok()?;
    let is_percent = unsigned.get(length..)?.starts_with('%');
    let is_year = sign_length == 0
        && fraction == 0
        && whole == 4
        && !is_percent
        && (1900.0..=2100.0).contains(&value);
    let number = Number {
        value: if sign_length > 0 { -value } else { value },
        is_year,
    };
    Some((number, sign_length + length + usize::from(is_percent)))
}
