//! The forms of a secret that are searched for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Fewest bytes of a secret, and of every part of it that counts alone: a token
/// behind a scheme, a password. Anything shorter occurs in answers by chance,
/// so that it could not be kept out of them: it is refused.
pub const SECRET_MIN_BYTES: usize = 8;

/// Most bytes of a secret.
pub const SECRET_MAX_BYTES: usize = 64 << 10;

/// The longest word that is taken for a scheme of authorisation.
const SCHEME_MAX_BYTES: usize = 32;

/// Everything that gives a secret away: the value, what stands behind a scheme
/// such as `Bearer`, of `Basic` the pair and its password, and each line of a key
/// that has several, since logs are read line by line. Parts that are too short to
/// be kept out of texts are left out.
#[must_use]
pub fn parts(value: &str) -> Vec<Vec<u8>> {
    let mut parts = vec![value.as_bytes().to_vec()];
    if let Some((scheme, token)) = value.split_once(' ') {
        let token = token.trim();
        parts.push(token.as_bytes().to_vec());
        if let Some((pair, password)) = basic(scheme, token) {
            parts.push(password);
            parts.push(pair);
        }
    }
    let trimmed = value.trim();
    if trimmed != value {
        parts.push(trimmed.as_bytes().to_vec());
    }
    if trimmed.contains('\n') {
        let lines = trimmed.lines().map(str::trim);
        // The lines around a key say only that it is one.
        let lines = lines.filter(|line| !line.starts_with("-----"));
        parts.extend(lines.map(|line| line.as_bytes().to_vec()));
    }
    parts.retain(|part| part.len() >= SECRET_MIN_BYTES);
    parts
}

/// The pair of `Basic`, and what of it is secret: the password, or the user's
/// name where a key stands in its place.
fn basic(scheme: &str, token: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD
        .decode(token)
        .or_else(|_| STANDARD_NO_PAD.decode(token))
        .ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let user = pair.get(..colon)?.to_vec();
    let password = pair.get(colon + 1..)?.to_vec();
    let secret = if password.is_empty() { user } else { password };
    Some((pair, secret))
}

/// Refuses a secret that cannot be kept out of texts.
///
/// # Errors
/// The reason, to follow the name of the secret.
pub fn check_size(value: &str) -> Result<(), String> {
    match value.len() {
        SECRET_MIN_BYTES..=SECRET_MAX_BYTES => Ok(()),
        size => Err(format!(
            "has {size} bytes; one of {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES} can be kept out of what comes back"
        )),
    }
}

/// Refuses the value of a header whose secret part, behind a scheme, is too short.
///
/// # Errors
/// The reason, to follow the name of the secret.
pub fn check_header_value(value: &str) -> Result<(), String> {
    check_size(value)?;
    let Some((scheme, token)) = value.split_once(' ') else {
        return Ok(());
    };
    let is_scheme = scheme.len() <= SCHEME_MAX_BYTES
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !is_scheme {
        return Ok(());
    }
    check_size(token.trim()).map_err(|reason| format!("behind `{scheme}` {reason}"))?;
    match basic(scheme, token.trim()) {
        Some((_, secret)) if secret.len() < SECRET_MIN_BYTES => Err(format!(
            "is a password of {} bytes; one of {SECRET_MIN_BYTES} or more can be kept out of what comes back",
            secret.len()
        )),
        _ => Ok(()),
    }
}

/// What a part of a secret looks like, in lower case and before any escape.
pub(super) fn forms(part: &[u8]) -> Vec<Vec<u8>> {
    let wide = wide(part);
    let mut forms = vec![
        part.to_vec(),
        part.iter().rev().copied().collect(),
        hexadecimal(part),
        hexadecimal(&wide),
        decimal(part),
        // Of it alone, so that nothing is left of that.
        STANDARD.encode(part).into_bytes(),
        STANDARD_NO_PAD.encode(part).into_bytes(),
    ];
    forms.extend(digits_within(part, BASE64));
    forms.extend(digits_within(&wide, BASE64));
    forms.extend(digits_within(part, BASE32));
    for form in &mut forms {
        form.make_ascii_lowercase();
    }
    forms
}

/// The part in UTF-16, low bytes first, without the last zero: so it is in the
/// other order of bytes too, as far as it is ASCII. As it is, it is a matter of
/// readings.
fn wide(part: &[u8]) -> Vec<u8> {
    let mut wide: Vec<u8> = match std::str::from_utf8(part) {
        Ok(text) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Err(_) => part.iter().flat_map(|byte| [*byte, 0]).collect(),
    };
    if wide.last() == Some(&0) {
        wide.pop();
    }
    wide
}

/// An alphabet, and how many bits each of its digits holds. That of base64 for
/// URLs is a matter of readings.
type Digits = (&'static [u8], usize);
const BASE64: Digits = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    6,
);
const BASE32: Digits = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5);

/// The digits that bytes decide alone, whatever stands before and behind them:
/// for each number of bytes before them that makes a difference.
fn digits_within(part: &[u8], (alphabet, bits): Digits) -> impl Iterator<Item = Vec<u8>> {
    // So many bytes are a whole number of digits.
    let offsets = if bits == 6 { 3 } else { bits };
    (0..offsets).map(move |offset| {
        let bit = |place: usize| {
            let byte = place
                .checked_sub(offset * 8)
                .and_then(|bit| part.get(bit / 8));
            byte.map_or(0, |byte| usize::from(byte >> (7 - place % 8) & 1))
        };
        let first = (offset * 8).div_ceil(bits);
        let last = (offset + part.len()) * 8 / bits;
        (first..last)
            .filter_map(|digit| {
                let value = (digit * bits..(digit + 1) * bits)
                    .fold(0, |value, place| value << 1 | bit(place));
                alphabet.get(value).copied()
            })
            .collect()
    })
}

/// The bytes as numbers of base 10. What stands between them is a matter of
/// readings.
fn decimal(part: &[u8]) -> Vec<u8> {
    let numbers: Vec<String> = part.iter().map(u8::to_string).collect();
    numbers.join(",").into_bytes()
}

fn hexadecimal(part: &[u8]) -> Vec<u8> {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0') as u8;
    part.iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
