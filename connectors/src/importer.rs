//! The memory that is filled, and within which bounds.

use memex_memory::{Author, Memory};

use crate::ImportLimits;

/// Fills a memory from the exports of other services.
#[derive(Debug, Clone)]
pub struct Importer<'m> {
    pub(crate) memory: &'m Memory,
    pub(crate) author: Author<'m>,
    pub(crate) limits: ImportLimits,
    secret: Option<Secret>,
}

/// A text that is written nowhere.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(SECRET_SHOWN)
    }
}

/// The text that replaces a secret.
const SECRET_SHOWN: &str = "[secret]";

impl<'m> Importer<'m> {
    /// An importer with the default limits.
    #[must_use]
    pub fn new(memory: &'m Memory, author: Author<'m>) -> Self {
        Self {
            memory,
            author,
            limits: ImportLimits::default(),
            secret: None,
        }
    }

    /// Keeps a text, such as the token of a live import, out of what is written:
    /// `[secret]` replaces it.
    #[must_use]
    pub fn with_secret(mut self, secret: Option<&str>) -> Self {
        let secret = secret.filter(|text| !text.is_empty());
        self.secret = secret.map(|text| Secret(text.to_owned()));
        self
    }

    /// A text without the secret.
    pub(crate) fn scrubbed(&self, text: String) -> String {
        match &self.secret {
            Some(Secret(secret)) => text.replace(secret.as_str(), SECRET_SHOWN),
            None => text,
        }
    }

    /// Changes what may be taken in.
    #[must_use]
    pub fn with_limits(mut self, limits: ImportLimits) -> Self {
        self.limits = limits;
        self
    }
}
