//! Secrets, and how they stay out of texts.

use std::fmt;
use std::sync::Arc;

/// An API key. It is sent, and shown nowhere: not in errors, logs or `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Arc<str>);

/// The text that replaces a secret.
const REMOVED: &str = "[secret]";

/// Where a text was cut.
const CUT: char = '…';

/// Shorter secrets are not searched for: they would tear up ordinary words.
const SECRET_BYTES_MIN: usize = 6;

impl ApiKey {
    /// A key; white space around it, such as the line end of a key file, goes.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(Arc::from(key.as_ref().trim()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey([secret])")
    }
}

/// The text without these secrets, each replaced by `[secret]`.
pub(crate) fn scrubbed(text: &str, secrets: &[ApiKey]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        let secret = secret.expose();
        if secret.len() < SECRET_BYTES_MIN {
            continue;
        }
        if text.contains(secret) {
            text = text.replace(secret, REMOVED);
        }
        if let Some(whole) = without_beginning(&text, secret) {
            text = whole;
        }
    }
    text
}

/// The text without the part of a secret that it was cut in.
fn without_beginning(text: &str, secret: &str) -> Option<String> {
    let kept = text.strip_suffix(CUT)?;
    let beginnings = (SECRET_BYTES_MIN..secret.len()).rev();
    let rest = beginnings
        .filter_map(|end| secret.get(..end))
        .find_map(|beginning| kept.strip_suffix(beginning))?;
    Some(format!("{rest}{REMOVED}{CUT}"))
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, scrubbed};

    #[test]
    fn a_secret_goes_whole_and_where_a_text_was_cut_in_it() {
        let secret = [ApiKey::new("sk-secret-of-the-host")];
        for (text, expected) in [
            ("a sk-secret-of-the-host b", "a [secret] b"),
            ("a sk-secret-of-the-hos…", "a [secret]…"),
            ("a sk-secret-of…", "a [secret]…"),
            ("a sk-sec…", "a [secret]…"),
            ("a sk-secret-of-the-host…", "a [secret]…"),
            // What is not cut, or too short to be one, stays.
            ("a sk-secret-of", "a sk-secret-of"),
            ("a sk-se…", "a sk-se…"),
            ("a…", "a…"),
            ("", ""),
        ] {
            assert_eq!(scrubbed(text, &secret), expected);
        }
    }
}
