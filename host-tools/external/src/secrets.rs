//! Secrets of the host's owner: looked up by name, and kept out of everything
//! that a guest or an audit can see.

use std::collections::BTreeMap;

use super::error::OutsideError;
use memex_scrubbing::{Scrubber, check_size, parts};

/// Where the values of secrets come from; the embedder decides.
///
/// The value of a secret goes to the one peer for which a tool file names it.
pub trait Secrets: Send + Sync + 'static {
    /// The value of the secret called `name`, if there is one.
    fn get(&self, name: &str) -> Option<String>;
}

impl Secrets for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }
}

/// The secrets that the tools of one file have asked for.
pub(super) struct Vault<'a> {
    source: &'a dyn Secrets,
    given: BTreeMap<String, String>,
}

impl<'a> Vault<'a> {
    pub(super) fn new(source: &'a dyn Secrets) -> Self {
        Self {
            source,
            given: BTreeMap::new(),
        }
    }

    /// The value of `name`, which is kept out of outputs from now on.
    pub(super) fn open(&mut self, place: &str, name: &str) -> Result<String, OutsideError> {
        let refuse = |reason: String| OutsideError::Secret {
            place: place.to_owned(),
            name: name.to_owned(),
            reason,
        };
        let value = self
            .source
            .get(name)
            .ok_or_else(|| refuse("is not known; give its value to the host".to_owned()))?;
        check_size(&value).map_err(refuse)?;
        self.given.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// Also keeps `text`, which was made from the secret `name`, out of outputs.
    pub(super) fn derive(&mut self, name: &str, text: &str) {
        self.given
            .insert(format!("{name}\0{text}"), text.to_owned());
    }

    pub(super) fn scrubber(self) -> Scrubber {
        Scrubber::new(self.given.into_iter().map(|(name, value)| {
            let name = name.split('\0').next().unwrap_or_default();
            (format!("[secret {name}]"), parts(&value))
        }))
    }
}
