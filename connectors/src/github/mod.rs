//! GitHub repositories: what they are, and what is written in them.

mod live;
mod reading;
mod repository;

use std::fmt::Write;
use std::path::Path;

use super::pages::{Page, Pages};
use super::slug::{Slugs, slug};
use super::{ImportReport, Importer, archive, date, fetch, text};
use memex_memory::Error;
use reading::{read_archive, read_folder};
use repository::Repository;

pub(super) use live::import as import_live;

/// How many entries of the root are listed.
const LISTED_MAX: usize = 200;

pub(super) fn import(importer: &Importer<'_>, path: &Path) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let place = path.to_string_lossy().into_owned();
    let is_folder = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let repository = match is_folder {
        true => read_folder(importer, path, &mut report)?,
        false => {
            let file = archive::open(path, &importer.limits)?;
            let stem = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            let mut repository = read_archive(importer, file, &place, &mut report)?;
            if repository.name.is_empty() {
                repository.name = stem.unwrap_or_default();
            }
            repository
        }
    };
    write(importer, repository, report)
}

fn write(
    importer: &Importer<'_>,
    repository: Repository,
    report: ImportReport,
) -> Result<ImportReport, Error> {
    let mut pages = Pages::new(importer, "github", report);
    let name = match repository.name.is_empty() {
        true => "repository",
        false => repository.name.as_str(),
    };
    let folder = slug(name);
    let mut slugs = Slugs::default();
    let mut links = String::new();
    let mut documents = Vec::new();
    for (path, text) in &repository.documents {
        let stem = path
            .rsplit_once('.')
            .map_or(path.as_str(), |(stem, _)| stem);
        let slug = slugs.take(stem);
        let mut page = Page {
            path: pages.path(&format!("{folder}/{slug}")),
            title: format!("{name}: {path}"),
            text: text::quoted(text),
            ..Page::default()
        };
        page.fact("source", "github");
        page.fact("repository", &format!("[[{}]]", pages.path(&folder)));
        page.fact("file", path);
        let _ = writeln!(links, "- {slug}: [[{}]]", page.path);
        documents.push(page);
    }
    let mut page = Page {
        path: pages.path(&folder),
        title: name.to_owned(),
        ..Page::default()
    };
    page.fact("source", "github");
    page.fact("repository", name);
    for (fact, value) in &repository.facts {
        page.fact(fact, value);
    }
    page.fact("languages", &repository.shares());
    page.fact("files", &repository.files.to_string());
    let license = repository.license.values().next();
    page.fact("license", license.map_or("", String::as_str));
    if !links.is_empty() {
        let _ = write!(page.text, "## Documents\n{links}\n");
    }
    let root = repository.root.iter().take(LISTED_MAX);
    let root: Vec<&str> = root.map(String::as_str).collect();
    let _ = write!(page.text, "## Top level\n```\n{}\n```\n", root.join("\n"));
    pages.add(&page)?;
    for document in &documents {
        pages.add(document)?;
    }
    pages.finish("GitHub repositories")
}
