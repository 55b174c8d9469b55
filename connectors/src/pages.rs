//! What sources have in common: pages that become entities, and the entity
//! that names them all.

use std::fmt::Write;

use memex_memory::Error;

use crate::slug::slug;
use crate::text::{cut, one_line};
use crate::{ImportReport, Importer};

const USER: &str = "user.md";
const SECTION: &str = "## Imports";
/// The longest value of a fact.
const FACT_BYTES_MAX: usize = 500;

/// Something that becomes an entity.
#[derive(Default)]
pub(super) struct Page {
    /// Its path from the root of the memory.
    pub(super) path: String,
    pub(super) title: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) text: String,
}

impl Page {
    /// Adds a fact, if there is a value.
    pub(super) fn fact(&mut self, name: &str, value: &str) {
        let mut value = one_line(value);
        cut(&mut value, FACT_BYTES_MAX);
        if !value.is_empty() {
            self.facts.push((slug(name), value));
        }
    }

    fn render(&self, importer: &Importer<'_>, bytes_max: usize) -> String {
        let mut page = format!("# {}\n", one_line(&self.title));
        for (name, value) in &self.facts {
            let _ = writeln!(page, "- {name}: {value}");
        }
        // Before it is cut: half a secret would not be found any more.
        let mut text = importer.scrubbed(self.text.trim().to_owned());
        let is_cut = cut(&mut text, bytes_max);
        if !text.is_empty() {
            let _ = write!(page, "\n{text}\n");
        }
        if is_cut {
            page.push_str("\n(shortened when it was imported)\n");
        }
        importer.scrubbed(page)
    }
}

/// Writes pages as they come, then what names them.
pub(super) struct Pages<'i> {
    importer: &'i Importer<'i>,
    /// What the source is called in the memory: `chatgpt`.
    source: &'static str,
    index: Vec<(String, String)>,
    report: ImportReport,
}

impl<'i> Pages<'i> {
    pub(super) fn new(
        importer: &'i Importer<'i>,
        source: &'static str,
        report: ImportReport,
    ) -> Self {
        Self {
            importer,
            source,
            index: Vec::new(),
            report,
        }
    }

    /// The path of a page of this slug.
    pub(super) fn path(&self, slug: &str) -> String {
        format!("entities/{}/{slug}.md", self.source)
    }

    /// Writes a page. One that does not fit is skipped.
    pub(super) fn add(&mut self, page: &Page) -> Result<(), Error> {
        if self.index.len() >= self.importer.limits.files_max {
            self.report
                .skip(&page.title, "more files than an import may write");
            return Ok(());
        }
        let text = page.render(self.importer, self.importer.limits.file_text_bytes_max);
        match self.write(&page.path, &text) {
            Ok(()) => {
                let name = page.path.rsplit('/').next().unwrap_or(&page.path);
                let name = name.strip_suffix(".md").unwrap_or(name);
                self.index.push((slug(name), page.path.clone()));
                Ok(())
            }
            Err(error @ (Error::Full { .. } | Error::TooLarge { .. })) => {
                self.report.skip(&page.path, error.to_string());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, text: &str) -> Result<(), Error> {
        let memory = self.importer.memory;
        match memory.bytes(path) {
            Ok(bytes) if bytes == text.as_bytes() => {
                self.report.unchanged += 1;
                return Ok(());
            }
            Ok(_) | Err(Error::TooLarge { .. }) => {
                memory.write(self.importer.author, path, text.as_bytes())?;
                self.report.updated.push(path.to_owned());
            }
            Err(error) if error.is_not_found() => {
                memory.write(self.importer.author, path, text.as_bytes())?;
                self.report.created.push(path.to_owned());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes the entity that names all pages, links to it from `user.md`, and
    /// says what was done.
    pub(super) fn finish(mut self, title: &str) -> Result<ImportReport, Error> {
        if self.index.is_empty() {
            return Ok(self.report);
        }
        let path = format!("entities/{}.md", self.source);
        let mut index = Page {
            title: title.to_owned(),
            ..Page::default()
        };
        index.fact("source", self.source);
        index.fact("pages", &self.index.len().to_string());
        let mut links = String::from("## Pages\n");
        for (name, path) in &self.index {
            let _ = writeln!(links, "- {name}: [[{path}]]");
        }
        index.text = links;
        // The links are facts of ours: they are bounded by the number of files.
        let text = index.render(self.importer, usize::MAX);
        match self.write(&path, &text) {
            Ok(()) => self.link(&path)?,
            Err(error @ (Error::Full { .. } | Error::TooLarge { .. })) => {
                self.report.skip(&path, error.to_string());
            }
            Err(error) => return Err(error),
        }
        self.importer.memory.flush()?;
        Ok(self.report)
    }

    /// Links to the pages from `user.md`, which others may be writing too.
    fn link(&mut self, path: &str) -> Result<(), Error> {
        let link = format!("- {}: [[{path}]]", self.source);
        let Importer { memory, author, .. } = self.importer;
        let mut is_new = false;
        let written = memory.edit(*author, USER, |text| {
            is_new = text.is_none();
            let text = text.unwrap_or("# User Information\n");
            if text.contains(&format!("[[{path}]]")) {
                return None;
            }
            Some(match text.split_once(SECTION) {
                Some((before, after)) => format!("{before}{SECTION}\n{link}{after}"),
                None => format!("{}\n\n{SECTION}\n{link}\n", text.trim_end()),
            })
        })?;
        match (written, is_new) {
            (false, _) => {}
            (true, true) => self.report.created.push(USER.to_owned()),
            (true, false) => self.report.updated.push(USER.to_owned()),
        }
        Ok(())
    }
}
