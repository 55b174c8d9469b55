//! The entities that name the pages of a source: one, or one for each group of pages.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::page::Page;
use crate::slug::slug;

const SECTION: &str = "## Imports";
/// Pages that one index names. More are named in groups.
const NAMED_MAX: usize = 200;

/// The pages that name the pages of a source.
pub(super) struct Index {
    /// The one that leads to all.
    pub(super) path: String,
    pub(super) pages: Vec<Page>,
}

impl Index {
    /// The index of the pages of a source that are among the files of a memory.
    pub(super) fn of(source: &str, title: &str, files: &[String]) -> Self {
        let folder = format!("entities/{source}/");
        let pages = files.iter().filter_map(|path| {
            let below = path.strip_prefix(&folder)?;
            (path.ends_with(".md") && !is_part(path, files)).then_some((below, path.as_str()))
        });
        let pages: Vec<(&str, &str)> = pages.collect();
        let path = format!("entities/{source}.md");
        let mut whole = page(source, path.clone(), title.to_owned(), pages.len());
        if pages.len() <= NAMED_MAX {
            whole.text = listed(&pages);
            return Self {
                path,
                pages: vec![whole],
            };
        }
        let mut groups: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (below, path) in pages {
            groups.entry(group(below)).or_default().push((below, path));
        }
        let mut named = Vec::new();
        whole.text = "## Groups\n".to_owned();
        for (group, pages) in groups {
            for (number, chunk) in (1..).zip(pages.chunks(NAMED_MAX)) {
                let name = match (group, pages.len() > NAMED_MAX) {
                    ("", _) => format!("pages {number}"),
                    (group, false) => group.to_owned(),
                    (group, true) => format!("{group} {number}"),
                };
                let slug = slug(&name);
                let path = format!("entities/{source}_index/{slug}.md");
                let _ = writeln!(whole.text, "- {slug}: [[{path}]]");
                let mut page = page(source, path, format!("{title}: {name}"), chunk.len());
                page.text = listed(chunk);
                named.push(page);
            }
        }
        named.push(whole);
        Self { path, pages: named }
    }
}

fn page(source: &str, path: String, title: String, count: usize) -> Page {
    let mut page = Page {
        path,
        title,
        ..Page::default()
    };
    page.fact("source", source);
    page.fact("pages", &count.to_string());
    page
}

fn listed(pages: &[(&str, &str)]) -> String {
    let mut links = String::from("## Pages\n");
    for (below, path) in pages {
        let name = below.rsplit('/').next().unwrap_or(below);
        let name = name.strip_suffix(".md").unwrap_or(name);
        let _ = writeln!(links, "- {}: [[{path}]]", slug(name));
    }
    links
}

/// The group of a page: the first folder it lies in. Folders of one month that are numbered
/// because they were full are one group.
fn group(below: &str) -> &str {
    let folder = below.split_once('/').map_or("", |(folder, _)| folder);
    match folder.rsplit_once("_part_") {
        Some((month, number)) if number.bytes().all(|b| b.is_ascii_digit()) => month,
        _ => folder,
    }
}

/// Whether a file continues another one.
fn is_part(path: &str, files: &[String]) -> bool {
    let stem = path.strip_suffix(".md").unwrap_or(path);
    let Some((first, number)) = stem.rsplit_once("_part_") else {
        return false;
    };
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number && files.binary_search(&format!("{first}.md")).is_ok()
}

/// The text of `user.md` with these links in it; none if all are there.
pub(super) fn user_with(text: Option<&str>, links: &[&(String, String)]) -> Option<String> {
    let mut text = text.unwrap_or("# User Information\n").to_owned();
    let mut changed = false;
    for (name, path) in links.iter().rev() {
        if text.contains(&format!("[[{path}]]")) {
            continue;
        }
        changed = true;
        let link = format!("- {name}: [[{path}]]");
        text = match text.split_once(SECTION) {
            Some((before, after)) => format!("{before}{SECTION}\n{link}{after}"),
            None => format!("{}\n\n{SECTION}\n{link}\n", text.trim_end()),
        };
    }
    changed.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pages_are_named_at_once_and_many_in_groups() {
        let mut files: Vec<String> = ["a", "a_part_2", "b_part_2"]
            .map(|name| format!("entities/s/{name}.md"))
            .to_vec();
        files.sort();
        let index = Index::of("s", "Pages", &files);
        assert_eq!(index.pages.len(), 1);
        assert_eq!(
            index.pages[0].text,
            "## Pages\n- a: [[entities/s/a.md]]\n- b_part_2: [[entities/s/b_part_2.md]]\n"
        );
        files.extend((0..450).map(|n| format!("entities/s/2024_05/c{n}.md")));
        files.extend((0..10).map(|n| format!("entities/s/2024_05_part_2/d{n}.md")));
        files.sort();
        let index = Index::of("s", "Pages", &files);
        let last = index.pages.last().unwrap();
        assert_eq!(last.path, index.path);
        assert_eq!(
            last.text,
            "## Groups\n- pages_1: [[entities/s_index/pages_1.md]]\n- n_2024_05_1: [[entities/s_index/n_2024_05_1.md]]\n- n_2024_05_2: [[entities/s_index/n_2024_05_2.md]]\n- n_2024_05_3: [[entities/s_index/n_2024_05_3.md]]\n"
        );
        let named: usize = index
            .pages
            .iter()
            .map(|page| page.text.lines().count() - 1)
            .sum();
        assert_eq!(named, 462 + 4);
    }
}
