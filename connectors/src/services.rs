//! The services whose exports are read.

use std::path::{Path, PathBuf};

use memex_memory::Error;

use crate::{Fetch, ImportReport, Importer, chatgpt, claude, github, google_docs, notes, obsidian};

/// Where GitHub's API is. GitHub Enterprise has it at `https://HOST/api/v3`.
pub const GITHUB_API: &str = "https://api.github.com";
/// Where the API of Google Drive is.
pub const GOOGLE_API: &str = "https://www.googleapis.com";

impl Importer<'_> {
    /// A ChatGPT export: the `.zip`, the folder it unpacks to, or a file of
    /// conversations. Every conversation becomes an entity.
    ///
    /// # Errors
    /// If the file is no such export or breaks a limit; what was written before
    /// stays, and importing again goes on.
    pub fn chatgpt(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        chatgpt::import(self, export.as_ref())
    }

    /// A Claude export: the `.zip`, the folder it unpacks to, or a file of
    /// conversations. Every conversation and every project becomes an entity.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn claude(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        claude::import(self, export.as_ref())
    }

    /// An Obsidian vault: its folder, or a `.zip` of it. Every note is taken as
    /// it is, under its path in the vault.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn obsidian(&self, vault: impl AsRef<Path>) -> Result<ImportReport, Error> {
        obsidian::import(self, vault.as_ref())
    }

    /// A Notion export: a `.zip` of Markdown and CSV, archives in it included,
    /// or the folder it unpacks to. Every page and every table becomes an entity.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn notion(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        notes::import(self, export.as_ref(), &notes::NOTION)
    }

    /// A Nuclino export: a `.zip` of Markdown, or the folder it unpacks to.
    /// Every item becomes an entity.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn nuclino(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        notes::import(self, export.as_ref(), &notes::NUCLINO)
    }

    /// A GitHub repository: a checked-out folder, or the `.zip` that GitHub
    /// makes of it. The repository and its documents become entities.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn github(&self, repository: impl AsRef<Path>) -> Result<ImportReport, Error> {
        github::import(self, repository.as_ref())
    }

    /// A GitHub repository, `owner/name`, through the API at a URL such as
    /// [`GITHUB_API`].
    ///
    /// # Errors
    /// If the API does not answer as it should, or as [`Self::chatgpt`].
    pub fn github_live(
        &self,
        fetch: &dyn Fetch,
        api: &str,
        repository: &str,
    ) -> Result<ImportReport, Error> {
        github::import_live(self, fetch, api, repository)
    }

    /// Google Docs that were downloaded: `.docx`, `.html`, `.md`, `.txt`, or
    /// `.zip` archives of these. Every document becomes an entity.
    ///
    /// # Errors
    /// As [`Self::chatgpt`]; a document that cannot be read is skipped.
    pub fn google_docs(&self, documents: &[PathBuf]) -> Result<ImportReport, Error> {
        google_docs::import(self, documents)
    }

    /// Google Docs through the Drive API at a URL such as [`GOOGLE_API`]: those
    /// with these identifiers or addresses, or all that the account has if none
    /// is given.
    ///
    /// # Errors
    /// If the API does not answer as it should, or as [`Self::chatgpt`].
    pub fn google_docs_live(
        &self,
        fetch: &dyn Fetch,
        api: &str,
        documents: &[&str],
    ) -> Result<ImportReport, Error> {
        google_docs::import_live(self, fetch, api, documents)
    }
}
