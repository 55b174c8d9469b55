//! A corpus of texts as tools that both spaces have: listing, searching and reading.
//!
//! The texts stay in their folder, which is opened by its handle; what is searched is an index
//! of them that is made once.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use cap_std::fs::Dir;
use memex_host_tools::{Tool, ToolError, immediate};
use memex_policies::check_plain_path;
use memex_suites::passages::{Hit, IndexedFile, PassageIndex, PassageIndexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::documents::open;
use crate::Error;

/// Bytes of a file of a corpus.
const FILE_MAX_BYTES: u64 = 256 << 20;
/// Files of a corpus.
const FILES_MAX: usize = 100_000;
/// Hits of a search that does not say how many, and the most.
const HITS: usize = 10;
const HITS_MAX: usize = 50;
/// Characters of a passage that a hit shows.
const SNIPPET_CHARS: usize = 500;
/// Lines of a reading that does not say how many, and the most.
const LINES: usize = 200;
const LINES_MAX: usize = 2_000;
/// Bytes of a reading.
const READ_MAX_BYTES: usize = 1 << 20;
/// Files of a list.
const LISTED_MAX: usize = 1_000;

/// Texts, and the index of them.
#[derive(Debug)]
pub struct TextCorpus {
    dir: Dir,
    index: PassageIndex,
    files: Vec<IndexedFile>,
}

#[derive(Deserialize, JsonSchema)]
struct Listing {
    /// Only files whose names have this in them, such as 1941.
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Searching {
    /// Words; "double quotes" make a phrase.
    query: String,
    /// Only files whose names have this in them, such as 1941_03.
    #[serde(default)]
    name: Option<String>,
    /// How many passages: 10 if it is left out, at most 50.
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
struct ReadingLines {
    /// The file, as `list_files` or `search_files` names it.
    file: String,
    /// The first line, from 1.
    #[serde(default)]
    line: Option<usize>,
    /// How many lines: 200 if it is left out, at most 2,000.
    #[serde(default)]
    lines: Option<usize>,
}

/// A file of the corpus.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct ListedFile {
    /// Its name.
    file: String,
    /// How many lines it has.
    lines: u64,
}

/// A passage that has words of the query.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Found {
    /// The file.
    file: String,
    /// The line at which the text begins, from 1.
    line: u64,
    /// A piece of the passage.
    text: String,
}

impl TextCorpus {
    /// The texts (`*.txt`, `*.md`) of a folder, not those of folders in it. The index at `index`
    /// is used if it is of these files, and made anew if it is not; `progress` is told of each
    /// file that is read for it.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Suite`] if folder or index cannot be read or written,
    /// [`Error::Format`] for a folder without texts.
    pub fn open(
        folder: &Path,
        index: &Path,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, Error> {
        let dir = open(folder)?;
        let names = texts_in(&dir, folder)?;
        let fingerprint = fingerprint(&dir, &names).map_err(Error::file(folder))?;
        // What is no index is made anew, too.
        let found = PassageIndex::open(index, &fingerprint).unwrap_or_default();
        let index = match found {
            Some(index) => index,
            None => {
                if let Some(above) = index.parent() {
                    std::fs::create_dir_all(above).map_err(Error::file(above))?;
                }
                let mut builder = PassageIndexBuilder::create(index)?;
                for (number, name) in names.iter().enumerate() {
                    progress(number, names.len());
                    let bytes = read(&dir, name).map_err(Error::file(&folder.join(name)))?;
                    builder.add(name, &String::from_utf8_lossy(&bytes))?;
                }
                builder.finish(&fingerprint)?
            }
        };
        let files = index.files()?;
        Ok(Self { dir, index, files })
    }

    /// How many files it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The tools `list_files`, `search_files` and `read_file`.
    #[must_use]
    pub fn tools(self) -> Vec<Arc<dyn Tool>> {
        let listed = Arc::new(self);
        let (searched, read) = (Arc::clone(&listed), Arc::clone(&listed));
        vec![
            Arc::new(immediate(
                "list_files",
                "Names the files of the corpus, with their numbers of lines.",
                move |_, asked: Listing| Ok(listed.list(asked.name.as_deref())),
            )),
            Arc::new(immediate(
                "search_files",
                "Passages of the corpus that have the words of a query, the best first: the file, \
                 the line at which the passage begins, and a piece of it. `read_file` gives the rest.",
                move |_, asked: Searching| searched.search(&asked),
            )),
            Arc::new(immediate(
                "read_file",
                "Lines of a file of the corpus.",
                move |_, asked: ReadingLines| read.lines(&asked),
            )),
        ]
    }

    fn list(&self, name: Option<&str>) -> Vec<ListedFile> {
        let is_asked = |file: &&IndexedFile| name.is_none_or(|part| file.name.contains(part));
        let files = self.files.iter().filter(is_asked).take(LISTED_MAX);
        files
            .map(|file| ListedFile {
                file: file.name.clone(),
                lines: file.lines,
            })
            .collect()
    }

    fn search(&self, asked: &Searching) -> Result<Vec<Found>, ToolError> {
        let max = asked.limit.unwrap_or(HITS).clamp(1, HITS_MAX);
        let hits = self.index.search(&asked.query, asked.name.as_deref(), max);
        let hits = hits.map_err(|error| {
            ToolError::new("OSError", "search_files: the index cannot be searched")
                .with_detail(error.to_string())
        })?;
        let shown = hits.iter().map(|hit| {
            let (line, text) = self.snippet(hit, &asked.query)?;
            let file = hit.file.clone();
            Ok(Found { file, line, text })
        });
        shown.collect()
    }

    /// The lines of a passage around that which has most words of the query.
    fn snippet(&self, hit: &Hit, query: &str) -> Result<(u64, String), ToolError> {
        let passage = self.piece(hit)?;
        let words: Vec<String> = query
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| word.to_lowercase())
            .collect();
        let lines: Vec<&str> = passage.lines().collect();
        let count = |line: &str| {
            let line = line.to_lowercase();
            words
                .iter()
                .filter(|word| line.contains(word.as_str()))
                .count()
        };
        let best = lines
            .iter()
            .enumerate()
            .rev()
            .max_by_key(|(_, line)| count(line));
        let first = best.map_or(0, |(at, _)| at).saturating_sub(1);
        let text = lines.get(first..).unwrap_or_default().join("\n");
        let text = match text.char_indices().nth(SNIPPET_CHARS) {
            Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
            None => text,
        };
        Ok((hit.line.saturating_add(first as u64), text))
    }

    /// The passage of a hit, as it is in its file.
    fn piece(&self, hit: &Hit) -> Result<String, ToolError> {
        let failed = |what: String| {
            let message = format!("search_files: {} is not what was indexed", hit.file);
            ToolError::new("OSError", message).with_detail(what)
        };
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = self.dir.open(&hit.file)?;
            if file.metadata()?.len() != hit.file_bytes {
                return Err(std::io::Error::other("its size is another"));
            }
            file.seek(SeekFrom::Start(hit.start))?;
            let mut bytes = Vec::new();
            file.take(hit.bytes.min(READ_MAX_BYTES as u64))
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| failed(error.to_string()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn lines(&self, asked: &ReadingLines) -> Result<String, ToolError> {
        let known = self.files.iter().find(|file| file.name == asked.file);
        let Some(known) = known else {
            let message = format!(
                "read_file: there is no file {:?}; list_files() names them",
                asked.file
            );
            return Err(ToolError::new("FileNotFoundError", message));
        };
        let bytes = read(&self.dir, &known.name).map_err(|error| {
            ToolError::new(
                "OSError",
                format!("read_file: {} cannot be read", known.name),
            )
            .with_detail(error.to_string())
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let first = asked.line.unwrap_or(1).max(1);
        let count = asked.lines.unwrap_or(LINES).clamp(1, LINES_MAX);
        let mut shown = String::new();
        let mut last = first.saturating_sub(1);
        for line in text.split_inclusive('\n').skip(first - 1).take(count) {
            if shown.len().saturating_add(line.len()) > READ_MAX_BYTES {
                break;
            }
            shown.push_str(line);
            last += 1;
        }
        let total = text.lines().count();
        if last < first {
            let message = format!("read_file: {} has {total} lines", known.name);
            return Err(ToolError::new("IndexError", message));
        }
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
        shown.push_str(&format!("(lines {first} to {last} of {total})"));
        Ok(shown)
    }
}

/// The texts of a folder, by name.
fn texts_in(dir: &Dir, folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in dir.entries().map_err(Error::file(folder))? {
        let entry = entry.map_err(Error::file(folder))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase());
        let is_text = matches!(ending.as_deref(), Some("txt" | "md"));
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_text && is_file && check_plain_path(&name).is_ok() {
            names.push(name);
        }
    }
    names.sort();
    let what = match names.len() {
        0 => "it has no texts (*.txt, *.md)",
        count if count > FILES_MAX => "it has more than 100,000 texts",
        _ => return Ok(names),
    };
    Err(Error::Format {
        place: folder.display().to_string(),
        what: what.to_owned(),
    })
}

/// Says of which files an index is: their names, sizes and times.
fn fingerprint(dir: &Dir, names: &[String]) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    for name in names {
        let found = dir.metadata(name)?;
        let changed = found.modified()?.into_std();
        let changed = changed
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(found.len().to_le_bytes());
        hash.update(changed.as_nanos().to_le_bytes());
    }
    Ok(format!("{:x}", hash.finalize()))
}

fn read(dir: &Dir, name: &str) -> std::io::Result<Vec<u8>> {
    // Opening a FIFO would wait.
    if !dir.metadata(name)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    dir.open(name)?
        .take(FILE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > FILE_MAX_BYTES {
        true => Err(std::io::Error::other("it is too large")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn corpus(folder: &Path) -> (TextCorpus, usize) {
        let mut read = 0;
        let index = folder.join("index/i.sqlite");
        let corpus = TextCorpus::open(&folder.join("texts"), &index, |_, _| read += 1);
        (corpus.unwrap(), read)
    }

    fn asked<T: serde::de::DeserializeOwned>(json: Value) -> T {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn texts_are_indexed_once_searched_and_read() {
        let root = tempfile::tempdir().unwrap();
        let texts = root.path().join("texts");
        std::fs::create_dir(&texts).unwrap();
        let filler = "nothing here\n".repeat(300);
        let late = format!("{filler}Table 3. Receipts\nCustoms ....... 507\n{filler}");
        std::fs::write(texts.join("b_1941_01.txt"), &late).unwrap();
        std::fs::write(texts.join("b_1942_01.txt"), "Customs 12\nothers\n").unwrap();
        std::fs::write(texts.join("picture.png"), "customs").unwrap();
        std::fs::write(root.path().join("secret.txt"), "customs secret").unwrap();
        std::os::unix::fs::symlink("../secret.txt", texts.join("link.txt")).unwrap();
        let (first, read) = corpus(root.path());
        assert_eq!((first.len(), read), (2, 2));
        let (corpus, read) = corpus(root.path());
        assert_eq!((corpus.len(), read), (2, 0), "the index is there");
        let hits = corpus.search(&asked(
            json!({ "query": "receipts customs", "name": "1941" }),
        ));
        let hits = hits.unwrap();
        assert_eq!((hits.len(), hits[0].line), (1, 300), "{hits:?}");
        assert!(hits[0].text.contains("Customs ....... 507"));
        let lines = |json: Value| corpus.lines(&asked(json));
        let piece = lines(json!({ "file": "b_1941_01.txt", "line": 302, "lines": 1 })).unwrap();
        assert_eq!(piece, "Customs ....... 507\n(lines 302 to 302 of 602)");
        assert!(
            lines(json!({ "file": "b_1942_01.txt" }))
                .unwrap()
                .ends_with("(lines 1 to 2 of 2)")
        );
        for (wrong, what) in [
            (json!({ "file": "link.txt" }), "there is no file"),
            (json!({ "file": "../secret.txt" }), "there is no file"),
            (json!({ "file": "b_1942_01.txt", "line": 9 }), "has 2 lines"),
        ] {
            assert!(lines(wrong).unwrap_err().message.contains(what), "{what}");
        }
        let listed = corpus.list(Some("1942"));
        assert_eq!((listed.len(), listed[0].lines), (1, 2));
        // A file that became another is not read as if it were the same.
        std::fs::write(texts.join("b_1942_01.txt"), "Customs\n").unwrap();
        let stale = corpus.search(&asked(json!({ "query": "customs", "name": "1942" })));
        assert!(stale.unwrap_err().message.contains("not what was indexed"));
        let (_, read) = super::tests::corpus(root.path());
        assert_eq!(read, 2, "the index is made anew");
    }

    #[test]
    fn a_folder_without_texts_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let opened = TextCorpus::open(root.path(), &root.path().join("i"), |_, _| ());
        assert!(opened.unwrap_err().to_string().contains("no texts"));
    }
}
