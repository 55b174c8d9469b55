//! Memories filled from what other services export.
//!
//! ```text
//!  .zip, folder, file, Fetch ──► pages (title, facts, text) ──► entities/SOURCE/*.md
//!                                                          └──► entities/SOURCE.md, user.md
//! ```
//! No model is needed, and the same export always makes the same files: what
//! an export says as a fact becomes a fact, everything else is kept as text.
//! Everything in an archive is bounded and its paths are never used as paths.

mod archive;
mod chatgpt;
mod csv;
mod date;
mod docx;
mod fetch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod github;
mod google_docs;
mod html;
mod links;
mod notes;
mod pages;
mod slug;
mod text;

use std::path::{Path, PathBuf};

use memex_memory::{Author, Error, Memory};

pub use fetch::{Fetch, FetchError, FetchRequest, Fetched};

/// Where GitHub's API is. GitHub Enterprise has it at `https://HOST/api/v3`.
pub const GITHUB_API: &str = "https://api.github.com";
/// Where the API of Google Drive is.
pub const GOOGLE_API: &str = "https://www.googleapis.com";

/// What an import may take in. Every bound has a finite default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// The size of an archive or document. Default 2 GiB.
    pub archive_bytes_max: u64,
    /// Entries of an archive, or files of a folder. Default 50,000.
    pub entries_max: u64,
    /// What one entry may unpack to. Default 256 MiB.
    pub entry_bytes_max: u64,
    /// What all entries together may unpack to. Default 1 GiB.
    pub unpacked_bytes_max: u64,
    /// Archives in archives. Default 2.
    pub nesting_max: u32,
    /// Files that are written. Default 5,000.
    pub files_max: usize,
    /// The text of one file; longer ones are cut. Default 64 KiB.
    pub file_text_bytes_max: usize,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            archive_bytes_max: 2 << 30,
            entries_max: 50_000,
            entry_bytes_max: 256 << 20,
            unpacked_bytes_max: 1 << 30,
            nesting_max: 2,
            files_max: 5_000,
            file_text_bytes_max: 64 << 10,
        }
    }
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Files that are new, from the root of the memory.
    pub created: Vec<String>,
    /// Files that were there and hold something else now.
    pub updated: Vec<String>,
    /// Files that were there as they are.
    pub unchanged: usize,
    /// The skipped items.
    pub skipped: Vec<Skipped>,
    /// How many more were skipped than are named.
    pub skipped_unnamed: usize,
}

/// Something that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry or file.
    pub place: String,
    /// Why.
    pub why: String,
}

/// How many skipped things a report names.
const SKIPPED_MAX: usize = 1_000;

/// An export that is not what it should be.
fn malformed(place: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Malformed {
        place: place.into(),
        what: what.into(),
    }
}

impl ImportReport {
    fn skip(&mut self, place: impl AsRef<str>, why: impl Into<String>) {
        if self.skipped.len() >= SKIPPED_MAX {
            self.skipped_unnamed += 1;
            return;
        }
        self.skipped.push(Skipped {
            place: memex_memory::shown(place.as_ref()),
            why: why.into(),
        });
    }
}

/// Fills a memory from the exports of other services.
#[derive(Debug, Clone)]
pub struct Importer<'m> {
    memory: &'m Memory,
    author: Author<'m>,
    limits: ImportLimits,
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
    fn scrubbed(&self, text: String) -> String {
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

    /// A ChatGPT export: the `.zip`, or the `conversations.json` in it. Every
    /// conversation becomes an entity.
    ///
    /// # Errors
    /// If the file is no such export or breaks a limit; what was written before
    /// stays, and importing again goes on.
    pub fn chatgpt(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        chatgpt::import(self, export.as_ref())
    }

    /// A Notion export: a `.zip` of Markdown and CSV, archives in it included.
    /// Every page and every table becomes an entity.
    ///
    /// # Errors
    /// As [`Self::chatgpt`].
    pub fn notion(&self, export: impl AsRef<Path>) -> Result<ImportReport, Error> {
        notes::import(self, export.as_ref(), &notes::NOTION)
    }

    /// A Nuclino export: a `.zip` of Markdown. Every item becomes an entity.
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
