//! A repository as entities.

use std::fmt::Write;

use memex_memory::Error;

use super::repository::Repository;
use crate::page::Page;
use crate::pages::Pages;
use crate::slug::{Slugs, slug};
use crate::{ImportReport, Importer, text};

/// How many entries of the root are listed.
const LISTED_MAX: usize = 200;

pub(super) fn write(
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
    for issue in &repository.issues {
        slugs.reserve(&issue.name());
    }
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
    let own = format!("[[{}]]", pages.path(&folder));
    for issue in &repository.issues {
        let path = pages.path(&format!("{folder}/{}", issue.name()));
        documents.push(issue.page(path, &own));
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
    let count = |is_pull: bool| {
        let issues = repository.issues.iter();
        let count = issues.filter(|issue| issue.is_pull() == is_pull);
        Some(count.count()).filter(|count| *count > 0)
    };
    for (fact, is_pull) in [("issues", false), ("pull_requests", true)] {
        page.fact(
            fact,
            &count(is_pull).map_or(String::new(), |count| count.to_string()),
        );
    }
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
