//! Google Docs through the Drive API.

use serde::Deserialize;

use memex_memory::{Error, shown};

use super::document::{Document, split_title, write};
use crate::fetch::{self, Fetch, escaped};
use crate::report::malformed;
use crate::{ImportReport, Importer, date, text};

/// An answer that lists a hundred documents.
const LIST_BYTES_MAX: u64 = 8 << 20;
/// How many such answers are asked for.
const LISTS_MAX: usize = 1_000;
/// What Google exports of a document at most.
const DOCUMENT_BYTES_MAX: u64 = 32 << 20;
/// The longest identifier.
const IDENTIFIER_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    #[serde(default)]
    next_page_token: Option<String>,
    #[serde(default)]
    files: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    name: String,
    #[serde(default)]
    modified_time: Option<String>,
}

pub(crate) fn import(
    importer: &Importer<'_>,
    fetch: &dyn Fetch,
    api: &str,
    documents: &[&str],
) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let files = format!("{}/drive/v3/files", api.trim_end_matches('/'));
    let listed = match documents.is_empty() {
        true => list(fetch, &files, importer, &mut report)?,
        false => named(fetch, &files, documents, &mut report)?,
    };
    let mut found = Vec::new();
    for file in listed {
        match export(fetch, &files, &file) {
            Ok(bytes) => match text::decode(&bytes) {
                Ok(text) => found.push(document(file, &text)),
                Err(why) => report.skip(&file.name, why),
            },
            Err(error) => report.skip(&file.name, error.to_string()),
        }
    }
    write(importer, found, report)
}

fn export(fetch: &dyn Fetch, files: &str, file: &Listed) -> Result<Vec<u8>, Error> {
    check(&file.id)?;
    let url = format!("{files}/{}/export?mimeType=text%2Fmarkdown", file.id);
    fetch::get(fetch, &url, "text/markdown", DOCUMENT_BYTES_MAX)
}

fn document(file: Listed, text: &str) -> Document {
    let (text, _) = split_title(text);
    let modified = file.modified_time.as_deref().and_then(date::of_iso);
    Document {
        title: file.name,
        text: text::apart(&text),
        facts: vec![
            ("document_id", file.id),
            ("updated_on", modified.unwrap_or_default()),
        ],
    }
}

/// All documents of the account, page by page.
fn list(
    fetch: &dyn Fetch,
    files: &str,
    importer: &Importer<'_>,
    report: &mut ImportReport,
) -> Result<Vec<Listed>, Error> {
    let mut listed = Vec::new();
    let mut token = String::new();
    for _ in 0..LISTS_MAX {
        let url = format!(
            "{files}?q=mimeType%3D%27application%2Fvnd.google-apps.document%27%20and%20trashed%3Dfalse&fields=nextPageToken%2Cfiles(id%2Cname%2CmodifiedTime)&pageSize=100{token}"
        );
        let answer: List = fetch::json(fetch, &url, "application/json", LIST_BYTES_MAX)?;
        listed.extend(answer.files);
        if listed.len() > importer.limits.files_max {
            listed.truncate(importer.limits.files_max);
            break;
        }
        match answer.next_page_token {
            Some(next) => token = format!("&pageToken={}", escaped(&next)),
            None => return Ok(listed),
        }
    }
    report.skip(
        "Google Docs",
        "there are more documents than an import may write",
    );
    Ok(listed)
}

/// The documents that were asked for. One that cannot be had is skipped, unless
/// none can.
fn named(
    fetch: &dyn Fetch,
    files: &str,
    documents: &[&str],
    report: &mut ImportReport,
) -> Result<Vec<Listed>, Error> {
    let identifiers: Result<Vec<&str>, Error> = documents
        .iter()
        .map(|document| {
            let id = identifier(document);
            check(id).map(|()| id)
        })
        .collect();
    let mut listed: Vec<Listed> = Vec::new();
    let mut first_error = None;
    for id in identifiers? {
        let url = format!("{files}/{id}?fields=id%2Cname%2CmodifiedTime&supportsAllDrives=true");
        match fetch::json(fetch, &url, "application/json", LIST_BYTES_MAX) {
            Ok(file) => listed.push(file),
            Err(error) => {
                report.skip(id, error.to_string());
                first_error.get_or_insert(error);
            }
        }
    }
    match (listed.is_empty(), first_error) {
        (true, Some(error)) => Err(error),
        _ => Ok(listed),
    }
}

/// The identifier in the address that a browser shows for a document.
fn identifier(document: &str) -> &str {
    match document.split_once("/document/d/") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or(rest),
        None => document,
    }
}

/// An identifier becomes part of a URL.
fn check(id: &str) -> Result<(), Error> {
    let is_id = !id.is_empty()
        && id.len() <= IDENTIFIER_BYTES_MAX
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    match is_id {
        true => Ok(()),
        false => Err(malformed(shown(id), "is no identifier of a document")),
    }
}
