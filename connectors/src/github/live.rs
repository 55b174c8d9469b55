//! Repositories through GitHub's API.
//!
//! ```text
//!  repos/NAME ─► git/trees/BRANCH ─► few documents:  git/blobs/SHA for each
//!             │                   └► many documents: zipball
//!             └► issues, issues/comments
//! ```
//! Without a token GitHub answers sixty requests an hour, hence the archive.

use std::collections::VecDeque;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use memex_memory::{Error, shown};

use super::issues;
use super::reading::read_archive;
use super::repository::{PASSED_OVER, Repository, is_document, is_license};
use super::writing::write;
use crate::fetch::{self, Fetch, escaped};
use crate::report::malformed;
use crate::{ImportReport, Importer, date};

const JSON: &str = "application/vnd.github+json";
/// The answer about a repository is small.
const ABOUT_BYTES_MAX: u64 = 4 << 20;
/// GitHub cuts trees at 7 MB.
const TREE_BYTES_MAX: u64 = 32 << 20;
/// Trees that are asked for where one answer does not hold them all.
const TREES_MAX: usize = 1_000;
/// The longest document that is asked for by itself.
const DOCUMENT_BYTES_MAX: u64 = 8 << 20;
/// Documents that are asked for one by one; more come in an archive.
const DOCUMENTS_ONE_BY_ONE_MAX: usize = 30;
/// How long owners and names of repositories are.
const NAME_BYTES_MAX: usize = 100;

/// GitHub's description of a repository.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct About {
    description: Option<String>,
    homepage: Option<String>,
    default_branch: Option<String>,
    created_at: Option<String>,
    pushed_at: Option<String>,
    topics: Vec<String>,
}

#[derive(Deserialize)]
struct Tree {
    #[serde(default)]
    tree: Vec<Entry>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    sha: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
    encoding: String,
}

pub(crate) fn import(
    importer: &Importer<'_>,
    fetch: &dyn Fetch,
    api: &str,
    repository: &str,
) -> Result<ImportReport, Error> {
    let name = name(repository)?;
    let api = Api {
        fetch,
        base: format!("{}/repos/{name}", api.trim_end_matches('/')),
    };
    let about: About = fetch::json(fetch, &api.base, JSON, ABOUT_BYTES_MAX)?;
    let branch = about.default_branch.as_deref().unwrap_or("HEAD");
    let mut report = ImportReport::default();
    let files = api.files(importer, branch, &mut report)?;
    let documents = files.iter().filter(|file| is_wanted(file)).count();
    let archive = match documents > DOCUMENTS_ONE_BY_ONE_MAX {
        true => api.archive(importer, name, &mut report)?,
        false => None,
    };
    let mut repository = match archive {
        Some(repository) => repository,
        None => api.one_by_one(importer, &files, &mut report)?,
    };
    repository.name = name.to_owned();
    repository.facts = facts(&about);
    repository.issues = issues::ask(fetch, &api.base, &mut report);
    write(importer, repository, report)
}

/// `owner/name`, also out of the address that a browser shows.
fn name(given: &str) -> Result<&str, Error> {
    let host = ["https://github.com/", "http://github.com/"];
    let path = host.iter().find_map(|host| given.strip_prefix(host));
    let path = path.unwrap_or(given).trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_part = |part: &str| {
        !part.is_empty()
            && part.len() <= NAME_BYTES_MAX
            && !part.chars().all(|c| c == '.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match path.split_once('/') {
        Some((owner, name)) if is_part(owner) && is_part(name) => Ok(path),
        _ => Err(malformed(
            shown(given),
            "is no repository; name it owner/name",
        )),
    }
}

fn facts(about: &About) -> Vec<(String, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let day = |time: &Option<String>| time.as_deref().and_then(date::of_iso).unwrap_or_default();
    let facts = [
        ("description", text(&about.description)),
        ("homepage", text(&about.homepage)),
        ("default_branch", text(&about.default_branch)),
        ("created_on", day(&about.created_at)),
        ("updated_on", day(&about.pushed_at)),
        ("topics", about.topics.join(", ")),
    ];
    let facts = facts.into_iter();
    facts
        .map(|(fact, value)| (fact.to_owned(), value))
        .collect()
}

/// Links are not followed: what they name is elsewhere.
fn is_wanted(file: &Entry) -> bool {
    const LINK: &str = "120000";
    file.mode != LINK && (is_document(&file.path) || is_license(&file.path))
}

/// One repository in the API.
struct Api<'f> {
    fetch: &'f dyn Fetch,
    base: String,
}

impl Api<'_> {
    /// All files of a branch.
    fn files(
        &self,
        importer: &Importer<'_>,
        branch: &str,
        report: &mut ImportReport,
    ) -> Result<Vec<Entry>, Error> {
        const EMPTY: u16 = 409;
        let url = format!("{}/git/trees/{}?recursive=1", self.base, escaped(branch));
        let fetched = fetch::ask(self.fetch, &url, JSON, TREE_BYTES_MAX)?;
        let tree: Tree = match fetched.status {
            200..=299 => fetch::parsed(&url, &fetched.body)?,
            EMPTY => return Ok(Vec::new()),
            _ => return Err(fetch::refusal(&url, &fetched)),
        };
        let files = match tree.truncated {
            false => tree
                .tree
                .into_iter()
                .filter(|one| one.kind == "blob")
                .collect(),
            true => self.walked(importer, branch, report)?,
        };
        match files.len() as u64 > importer.limits.entries_max {
            true => Err(too_many(&url)),
            false => Ok(files),
        }
    }

    /// All files of a branch that one answer does not hold, folder by folder.
    fn walked(
        &self,
        importer: &Importer<'_>,
        branch: &str,
        report: &mut ImportReport,
    ) -> Result<Vec<Entry>, Error> {
        let mut files = Vec::new();
        let mut folders = VecDeque::from([(String::new(), escaped(branch))]);
        let mut asked = 0;
        while let Some((above, id)) = folders.pop_front() {
            asked += 1;
            if asked > TREES_MAX {
                let left = folders.len() + 1;
                report.skip(
                    &above,
                    format!("{left} folders are more than are asked for"),
                );
                break;
            }
            let url = format!("{}/git/trees/{id}", self.base);
            let tree: Tree = fetch::json(self.fetch, &url, JSON, TREE_BYTES_MAX)?;
            if tree.truncated {
                report.skip(&above, "GitHub names only some of its files");
            }
            for entry in tree.tree {
                let path = match above.is_empty() {
                    true => entry.path.clone(),
                    false => format!("{above}/{}", entry.path),
                };
                match entry.kind.as_str() {
                    "blob" => files.push(Entry { path, ..entry }),
                    "tree" if !PASSED_OVER.contains(&entry.path.as_str()) => {
                        check_id(&url, &entry.sha)?;
                        folders.push_back((path, entry.sha));
                    }
                    _ => {}
                }
            }
            if files.len() as u64 > importer.limits.entries_max {
                return Err(too_many(&url));
            }
        }
        Ok(files)
    }

    /// The repository out of its archive; none if that cannot be had.
    fn archive(
        &self,
        importer: &Importer<'_>,
        name: &str,
        report: &mut ImportReport,
    ) -> Result<Option<Repository>, Error> {
        let url = format!("{}/zipball", self.base);
        match fetch::get(self.fetch, &url, JSON, importer.limits.archive_bytes_max) {
            Ok(bytes) => read_archive(importer, Cursor::new(bytes), name, report).map(Some),
            // Too large for the way it comes, most often.
            Err(_) => Ok(None),
        }
    }

    /// The repository by its documents.
    fn one_by_one(
        &self,
        importer: &Importer<'_>,
        files: &[Entry],
        report: &mut ImportReport,
    ) -> Result<Repository, Error> {
        let mut repository = Repository::default();
        let limit = importer.limits.entry_bytes_max.min(DOCUMENT_BYTES_MAX);
        for file in files {
            repository.count(&file.path, file.size);
            if !is_wanted(file) {
                continue;
            }
            if file.size > limit {
                report.skip(&file.path, format!("is larger than {limit} bytes"));
                continue;
            }
            if repository.documents.len() >= importer.limits.files_max {
                report.skip(&file.path, "there are more than an import may write");
                continue;
            }
            match self.blob(file, limit)? {
                Ok(bytes) => repository.document(&file.path, &bytes, report),
                Err(why) => report.skip(&file.path, why),
            }
        }
        Ok(repository)
    }

    /// The bytes of a file, or why it is passed over.
    fn blob(&self, file: &Entry, limit: u64) -> Result<Result<Vec<u8>, String>, Error> {
        let url = format!("{}/git/blobs/{}", self.base, file.sha);
        check_id(&url, &file.sha)?;
        // Base64 with ends of lines, in JSON that escapes them.
        let bytes_max = limit.saturating_mul(2).saturating_add(ABOUT_BYTES_MAX);
        let blob: Blob = fetch::json(self.fetch, &url, JSON, bytes_max)?;
        if blob.encoding != "base64" {
            let encoding = shown(&blob.encoding);
            return Ok(Err(format!("is encoded as {encoding}, not as base64")));
        }
        let letters: String = blob.content.split_ascii_whitespace().collect();
        Ok(STANDARD
            .decode(letters)
            .map_err(|error| format!("is not the base64 that it says it is: {error}")))
    }
}

fn too_many(url: &str) -> Error {
    malformed(url, "has more files than an import may read")
}

/// An identifier becomes part of a URL.
fn check_id(url: &str, id: &str) -> Result<(), Error> {
    const DIGITS_MAX: usize = 64;
    let is_id = !id.is_empty() && id.len() <= DIGITS_MAX;
    match is_id && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err(malformed(url, "names something by no digest")),
    }
}
