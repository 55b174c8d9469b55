//! The forms of a secret that are searched for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::{SECRET_MAX_BYTES, SECRET_MIN_BYTES};

/// The longest word that is taken for a scheme of authorisation.
const SCHEME_MAX_BYTES: usize = 32;

/// Everything that gives a secret away: the value, what stands behind a scheme
/// such as `Bearer`, and of `Basic` the pair and its password. Parts that are
/// too short to be kept out of texts are left out.
pub(crate) fn parts(value: &str) -> Vec<Vec<u8>> {
    let mut parts = vec![value.as_bytes().to_vec()];
    if let Some((scheme, token)) = value.split_once(' ') {
        let token = token.trim();
        parts.push(token.as_bytes().to_vec());
        if let Some((pair, password)) = basic(scheme, token) {
            parts.push(password);
            parts.push(pair);
        }
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

/// Refuses a secret that cannot be kept out of texts, with the reason.
pub(crate) fn check_size(value: &str) -> Result<(), String> {
    match value.len() {
        SECRET_MIN_BYTES..=SECRET_MAX_BYTES => Ok(()),
        size => Err(format!(
            "has {size} bytes; one of {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES} can be kept out of what comes back"
        )),
    }
}

/// Refuses the value of a header whose secret part, behind a scheme, is too short.
pub(crate) fn check_header_value(value: &str) -> Result<(), String> {
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
    let mut forms = base64_forms(part);
    forms.push(hexadecimal(part));
    forms.push(part.iter().rev().copied().collect());
    forms.push(part.to_vec());
    for form in &mut forms {
        form.make_ascii_lowercase();
    }
    forms
}

/// The part inside of the base64 of any bytes around it: for each of three
/// offsets, the digits that it alone decides; and the base64 of it alone, so that
/// nothing is left of that. The other alphabet is a matter of
/// [readings](super::readings).
fn base64_forms(part: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        STANDARD.encode(part).into_bytes(),
        STANDARD_NO_PAD.encode(part).into_bytes(),
    ];
    for offset in 0..3 {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(part);
        let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let shared_front = (offset * 8).div_ceil(6);
        let whole_digits = padded.len() * 8 / 6;
        if let Some(decided) = encoded.get(shared_front..whole_digits) {
            forms.push(decided.to_vec());
        }
    }
    forms
}

fn hexadecimal(part: &[u8]) -> Vec<u8> {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0') as u8;
    part.iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
