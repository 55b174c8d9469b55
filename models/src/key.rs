//! Secrets, and how they stay out of texts.

use std::fmt;
use std::sync::Arc;

/// An API key. It is sent, and shown nowhere: not in errors, logs or `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Arc<str>);

/// The text that replaces a secret.
const REMOVED: &str = "[secret]";

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
        if secret.len() >= SECRET_BYTES_MIN && text.contains(secret) {
            text = text.replace(secret, REMOVED);
        }
    }
    text
}
