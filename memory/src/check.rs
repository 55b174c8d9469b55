//! Checking a memory for problems.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::names::Names;
use crate::path::shown;
use crate::target::with_ending;
use crate::{Error, Limits, Memory, Mode, markdown, tree};

/// How many findings are reported.
const FINDINGS_MAX: usize = 10_000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// A link that names no file.
    BrokenLink {
        /// The file.
        path: String,
        /// On which line, counted from 1.
        line: usize,
        /// The link.
        link: String,
        /// A file of the same name, if the link is only not literal.
        meant: Option<String>,
    },
    /// A file that no other file links to.
    Orphan {
        /// The file.
        path: String,
    },
    /// An item of a list that is no fact `- fact_name: value`.
    NotAFact {
        /// The file.
        path: String,
        /// On which line, counted from 1.
        line: usize,
        /// The item, shortened.
        text: String,
    },
    /// A file that is larger than files may be: tools cannot read it.
    OversizeFile {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A directory that holds more than it may; an empty path is the memory.
    OversizeDirectory {
        /// The directory.
        path: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A Markdown file that is not UTF-8: tools cannot read it.
    NotUtf8 {
        /// The file.
        path: String,
        /// The position of the first invalid byte, in Python's words.
        what: String,
    },
    /// A file that the process may not read.
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        what: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenLink {
                path,
                line,
                link,
                meant,
            } => {
                write!(f, "{path}:{line}: {link} names no file")?;
                match meant {
                    Some(meant) => write!(f, "; [[{meant}]] would"),
                    None => Ok(()),
                }
            }
            Self::Orphan { path } => write!(f, "{path}: no other file links to it"),
            Self::NotAFact { path, line, text } => {
                write!(
                    f,
                    "{path}:{line}: not in the form `- fact_name: value`: {text}"
                )
            }
            Self::OversizeFile { path, bytes, limit } => {
                write!(f, "{path}: {bytes} bytes; a file may have {limit}")
            }
            Self::OversizeDirectory { path, bytes, limit } => {
                let place = if path.is_empty() { "the memory" } else { path };
                write!(f, "{place}: holds {bytes} bytes; it may hold {limit}")
            }
            Self::NotUtf8 { path, what } => write!(f, "{path}: {what}"),
            Self::Unreadable { path, what } => write!(f, "{path}: cannot be read: {what}"),
        }
    }
}

impl Memory {
    /// Reads the whole memory and says what is wrong with it, by path and line.
    ///
    /// # Errors
    /// If the memory cannot be walked; files that cannot be read are findings.
    pub fn check(&self) -> Result<Vec<Finding>, Error> {
        self.check_root()?;
        let walked = |errno| Error::system(errno, "");
        let files = tree::files(self.root(), false).map_err(walked)?;
        let sizes = tree::measure(self.root(), true).map_err(walked)?;
        let mut names: Names = files.iter().map(|file| file.path.clone()).collect();
        let is_note = |file: &&tree::Found| {
            file.path.ends_with(".md") && file.bytes <= self.limits().file_bytes_max
        };
        for file in files.iter().filter(is_note) {
            let text = self.text(&file.path).unwrap_or_default();
            names.alias(&file.path, &markdown::aliases(&text));
        }
        let mut check = Check {
            names,
            mode: self.options().mode,
            linked: BTreeSet::from(["user.md".to_owned()]),
            findings: Vec::new(),
        };
        check.sizes(&sizes, self.limits());
        let mut texts = BTreeSet::new();
        for file in files {
            let limit = self.limits().file_bytes_max;
            if file.bytes > limit {
                check.findings.push(Finding::OversizeFile {
                    path: file.path,
                    bytes: file.bytes,
                    limit,
                });
                continue;
            }
            if !file.path.ends_with(".md") {
                continue;
            }
            match self.text(&file.path) {
                Ok(text) => check.file(&file.path, &text),
                Err(Error::NotText { path, what }) => {
                    check.findings.push(Finding::NotUtf8 { path, what });
                }
                Err(error) => check.findings.push(Finding::Unreadable {
                    path: file.path.clone(),
                    what: error.to_string(),
                }),
            }
            texts.insert(file.path);
        }
        for path in texts {
            if !check.linked.contains(&path) {
                check.findings.push(Finding::Orphan { path });
            }
        }
        check.findings.sort();
        check.findings.truncate(FINDINGS_MAX);
        Ok(check.findings)
    }
}

struct Check {
    names: Names,
    mode: Mode,
    linked: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Check {
    fn sizes(&mut self, sizes: &tree::Sizes, limits: &Limits) {
        let mut over = |path: &str, bytes, limit: Option<u64>| {
            if let Some(limit) = limit.filter(|limit| bytes > *limit) {
                self.findings.push(Finding::OversizeDirectory {
                    path: path.to_owned(),
                    bytes,
                    limit,
                });
            }
        };
        over("", sizes.bytes, limits.memory_bytes_max);
        for (path, bytes) in &sizes.directories {
            over(path, *bytes, limits.directory_bytes_max);
        }
    }

    fn file(&mut self, path: &str, text: &str) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in markdown::links(text) {
            let literal = link.text.trim_start_matches("[[").trim_end_matches("]]");
            let literal = with_ending(literal);
            if self.names.contains(&literal) {
                if literal != path {
                    self.linked.insert(literal);
                }
                continue;
            }
            let meant = self.names.resolve_from(folder, link.text);
            let meant = meant.map(str::to_owned);
            // What the link means has been linked to, if not in the way that
            // every model follows.
            self.linked
                .extend(meant.clone().filter(|meant| meant != path));
            let is_followed = match (&meant, self.mode) {
                // The tools follow it.
                (Some(_), Mode::Extended) => true,
                // Pictures and other files are for people.
                (Some(meant), Mode::Compat) => link.is_inline || !meant.ends_with(".md"),
                // In a heading of this very file, or in a text from elsewhere.
                (None, _) => link.text.starts_with("[[#") || !names_a_note(&link),
            };
            if is_followed {
                continue;
            }
            self.findings.push(Finding::BrokenLink {
                path: path.to_owned(),
                line: link.line,
                link: shown(link.text),
                meant,
            });
        }
        for (line, item) in markdown::lines(text) {
            if markdown::is_item(item) && markdown::fact(item).is_none() {
                self.findings.push(Finding::NotAFact {
                    path: path.to_owned(),
                    line,
                    text: shown(item),
                });
            }
        }
    }
}

/// Whether a link says that it leads to a note: an inline link does so by its ending.
fn names_a_note(link: &markdown::Link<'_>) -> bool {
    let inline = markdown::inline_link(link.text).filter(|_| link.is_inline);
    inline.is_none_or(|inline| {
        let path = inline.address.split(['#', '?']).next().unwrap_or_default();
        path.to_ascii_lowercase().ends_with(".md")
    })
}
