//! Reading a manifest.

use super::contents::Manifest;
use crate::error::Error;

impl Manifest {
    /// The manifest of the guest used by default.
    ///
    /// # Errors
    /// None in a released build: a test parses it.
    pub fn default_guest() -> Result<Self, Error> {
        Self::parse(include_str!("../../manifest.toml"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::ManifestSyntax`] when the text is not TOML of this form or has
    /// a field that is not known, [`Error::ManifestValue`] when a value breaks
    /// a rule.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let manifest: Self = toml::from_str(text)?;
        manifest.validate()?;
        Ok(manifest)
    }
}
