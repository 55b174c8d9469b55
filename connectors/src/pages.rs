//! What sources have in common: pages that become entities, and the entity
//! that names them all.

use std::collections::HashMap;

use memex_memory::{Content, Error, universal_newlines};

use crate::index::{Index, user_with};
use crate::merge::{joined, merged};
use crate::page::Page;
use crate::{ImportReport, Importer};

const USER: &str = "user.md";
/// Writes pages as they come, then what names them.
pub(super) struct Pages<'i> {
    importer: &'i Importer<'i>,
    /// What the source is called in the memory: `chatgpt`.
    source: &'static str,
    /// What the last import made of each path, as far as the journal remembers.
    last: HashMap<String, Content>,
    /// Whether some of what it made is still there.
    is_there: bool,
    /// Facts of `user.md` beside the one that names all pages.
    links: Vec<(String, String)>,
    files: usize,
    report: ImportReport,
}

impl<'i> Pages<'i> {
    pub(super) fn new(
        importer: &'i Importer<'i>,
        source: &'static str,
        report: ImportReport,
    ) -> Self {
        let memory = importer.memory;
        // Without a journal that can be read, texts are brought together without it.
        let last = memory.written_by(importer.author.tool).unwrap_or_default();
        let folder = format!("entities/{source}");
        Self {
            importer,
            source,
            last,
            is_there: memory.check_if_dir_exists(&folder),
            links: Vec::new(),
            files: 0,
            report,
        }
    }

    /// The path of a page of this slug.
    pub(super) fn path(&self, slug: &str) -> String {
        format!("entities/{}/{slug}.md", self.source)
    }

    /// Notes something that was not taken in.
    pub(super) fn skip(&mut self, place: &str, why: &str) {
        self.report.skip(place, why);
    }

    /// Writes a page. One that does not fit is skipped.
    pub(super) fn add(&mut self, page: &Page) -> Result<(), Error> {
        let parts = page.render(self.importer, self.source);
        if self.files.saturating_add(parts.len()) > self.importer.limits.files_max {
            self.report
                .skip(&page.title, "more files than an import may write");
            return Ok(());
        }
        self.files += parts.len();
        for (path, text) in parts {
            self.put(&path, &text)?;
        }
        Ok(())
    }

    /// Writes a text as it is, under its own path in the folder of the source.
    pub(super) fn add_as_is(&mut self, below: &str, text: &str) -> Result<(), Error> {
        let path = format!("entities/{}/{below}", self.source);
        if self.files >= self.importer.limits.files_max {
            self.report
                .skip(&path, "more files than an import may write");
            return Ok(());
        }
        self.files += 1;
        match self.put(&path, text) {
            // A path that the memory keeps for itself, or that cannot be one.
            Err(error @ (Error::Reserved { .. } | Error::InvalidPath { .. })) => {
                self.report.skip(&path, error.to_string());
                Ok(())
            }
            done => done,
        }
    }

    /// Writes a page that `user.md` links to as well, under this name.
    pub(super) fn add_linked(&mut self, page: &Page, name: &str) -> Result<(), Error> {
        self.links.push((name.to_owned(), page.path.clone()));
        self.add(page)
    }

    /// Writes a file, unless the memory is full.
    fn put(&mut self, path: &str, text: &str) -> Result<(), Error> {
        match self.write(path, text) {
            Err(error @ (Error::Full { .. } | Error::TooLarge { .. })) => {
                self.report.skip(path, error.to_string());
                Ok(())
            }
            done => done,
        }
    }

    fn write(&mut self, path: &str, text: &str) -> Result<(), Error> {
        let memory = self.importer.memory;
        let (text, is_new) = match memory.bytes(path) {
            Ok(bytes) if bytes == text.as_bytes() => {
                self.report.unchanged += 1;
                return Ok(());
            }
            Ok(bytes) => match self.edited(path, bytes, text)? {
                None => {
                    self.report.unchanged += 1;
                    return Ok(());
                }
                Some(text) => (text, false),
            },
            Err(Error::TooLarge { .. }) => (text.to_owned(), false),
            Err(error) if error.is_not_found() => {
                if self.is_there && self.last.contains_key(path) {
                    self.report.leave(path, "was deleted since it was imported");
                    return Ok(());
                }
                (text.to_owned(), true)
            }
            Err(error) => return Err(error),
        };
        memory.write(self.importer.author, path, text.as_bytes())?;
        match is_new {
            true => self.report.created.push(path.to_owned()),
            false => self.report.updated.push(path.to_owned()),
        }
        Ok(())
    }

    /// What to write in place of what stands there: what was edited by hand stays. None if
    /// nothing is to be written.
    fn edited(&mut self, path: &str, there: Vec<u8>, text: &str) -> Result<Option<String>, Error> {
        let memory = self.importer.memory;
        let last = self.last.get(path);
        if last == Some(&Content::of(&there)) {
            return Ok(Some(text.to_owned()));
        }
        let Ok(there) = String::from_utf8(there).map(universal_newlines) else {
            self.report
                .skip(path, "is no text any more, and stays as it is");
            return Ok(None);
        };
        let base = match last {
            Some(last) => memory.content(last)?,
            None => None,
        };
        let base = base.and_then(|bytes| String::from_utf8(bytes).ok());
        let written = match base {
            Some(base) if base == text => return Ok(None),
            Some(base) => {
                let merged = merged(&base, &there, text);
                if merged.conflicts > 0 {
                    let places = match merged.conflicts {
                        1 => "1 place".to_owned(),
                        places => format!("{places} places"),
                    };
                    self.report.skip(
                        path,
                        format!(
                            "the export changed {places} that was edited by hand; the edit stays"
                        ),
                    );
                }
                merged.text
            }
            None => joined(&there, text),
        };
        Ok((written != there).then_some(written))
    }

    /// Writes the entities that name all pages, links to them from `user.md`, and
    /// says what was done.
    pub(super) fn finish(mut self, title: &str) -> Result<ImportReport, Error> {
        let memory = self.importer.memory;
        if self.files == 0 {
            return Ok(self.report);
        }
        let files = memory.files()?;
        let index = Index::of(self.source, title, &files);
        for page in index.pages {
            for (path, text) in page.render(self.importer, self.source) {
                self.put(&path, &text)?;
            }
        }
        self.links.insert(0, (self.source.to_owned(), index.path));
        self.link()?;
        memory.flush()?;
        Ok(self.report)
    }

    /// Links to the pages from `user.md`, which others may be writing too.
    fn link(&mut self) -> Result<(), Error> {
        let Importer { memory, author, .. } = self.importer;
        let mut is_new = false;
        let there = |path: &str| memory.check_if_file_exists(path);
        let links: Vec<_> = self.links.iter().filter(|(_, path)| there(path)).collect();
        let written = memory.edit(*author, USER, |text| {
            is_new = text.is_none();
            user_with(text, &links)
        })?;
        match (written, is_new) {
            (false, _) => {}
            (true, true) => self.report.created.push(USER.to_owned()),
            (true, false) => self.report.updated.push(USER.to_owned()),
        }
        Ok(())
    }
}
