//! A memory as one JSON document.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memex_policies::check_plain_name;
use rustix::fs::{Mode, mkdirat, openat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::place::DIRECTORY;
use crate::{Author, Error, Memory, Options, tree};

/// The longest document that is read.
const DOCUMENT_BYTES_MAX: usize = 512 << 20;
const USER: &str = "user.md";

/// A memory as a document: what it holds, without its past. Benchmarks and
/// training start every episode from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticMemory {
    /// The name of the directory that it becomes: a plain name.
    #[serde(alias = "mem_id")]
    pub memory_id: String,
    /// The content of `user.md`.
    pub user_md: String,
    /// All other files.
    #[serde(default)]
    pub entities: Vec<StaticEntity>,
}

/// A file of a [`StaticMemory`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticEntity {
    /// Its name.
    pub entity_name: String,
    /// Its path from the root of the memory.
    pub entity_file_path: String,
    /// Its content.
    pub entity_file_content: String,
}

impl StaticMemory {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is too long, not in the form, or its identifier is no plain name.
    pub fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > DOCUMENT_BYTES_MAX {
            return Err(Error::malformed("static memory", "longer than 512 MiB"));
        }
        let document: Self = serde_json::from_str(json)
            .map_err(|error| Error::malformed("static memory", error.to_string()))?;
        check_id(&document.memory_id)?;
        Ok(document)
    }

    /// The document as JSON, made for reading.
    ///
    /// # Errors
    /// None are known; a document of strings can always be written.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::malformed("static memory", error.to_string()))
    }

    /// Makes a memory of the document in a new directory `under/memory_id`, and
    /// opens it.
    ///
    /// # Errors
    /// If the identifier is no plain name, if a link stands there, if there is
    /// something in the directory already, or as [`Memory::reset`].
    pub fn instantiate(
        &self,
        author: Author<'_>,
        under: impl AsRef<Path>,
        options: Options,
    ) -> Result<Memory, Error> {
        let directory = self.directory(under.as_ref())?;
        if !is_empty(&directory).map_err(|errno| Error::system(errno, &self.memory_id))? {
            return Err(Error::malformed(
                format!("memory {}", self.memory_id),
                "its directory is not empty; reset the memory or take another place",
            ));
        }
        self.fill(author, &directory, options)
    }

    /// As [`Self::instantiate`], and where the memory is there already, puts it
    /// back to what the document says: all else in it is lost.
    ///
    /// # Errors
    /// As [`Self::instantiate`], and [`Error::NotAMemory`] if the directory
    /// holds something that is no memory; nothing of it has changed then.
    pub fn reinstantiate(
        &self,
        author: Author<'_>,
        under: impl AsRef<Path>,
        options: Options,
    ) -> Result<Memory, Error> {
        let directory = self.directory(under.as_ref())?;
        self.fill(author, &directory, options)
    }

    fn fill(&self, author: Author<'_>, directory: &Dir, options: Options) -> Result<Memory, Error> {
        let memory = Memory::from_dir(directory, options)?;
        memory.reset(author, self)?;
        Ok(memory)
    }

    /// The directory of the identifier, made if it is not there. It is opened by
    /// its name in an open directory, and a link of that name is not followed.
    fn directory(&self, under: &Path) -> Result<Dir, Error> {
        let id = self.memory_id.as_str();
        check_id(id)?;
        let failed = |error: std::io::Error| {
            Error::system(Errno::from_io_error(&error).unwrap_or(Errno::IO), id)
        };
        Dir::create_ambient_dir_all(under, ambient_authority()).map_err(failed)?;
        let under = Dir::open_ambient_dir(under, ambient_authority()).map_err(failed)?;
        match mkdirat(&under, id, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::system(errno, id)),
        }
        match openat(&under, id, DIRECTORY, Mode::empty()) {
            Ok(handle) => Ok(Dir::from_std_file(handle.into())),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Error::malformed(
                format!("memory {id}"),
                "a file or link of that name is in the way; move it, or take another place",
            )),
            Err(errno) => Err(Error::system(errno, id)),
        }
    }
}

/// The identifier becomes the name of a directory.
fn check_id(id: &str) -> Result<(), Error> {
    check_plain_name(id).map_err(|error| Error::malformed("memory_id", error.to_string()))
}

fn is_empty(directory: &Dir) -> Result<bool, Errno> {
    let failed = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    Ok(directory.entries().map_err(failed)?.next().is_none())
}

impl Memory {
    /// The memory as a document: all files that a listing shows.
    ///
    /// # Errors
    /// If the identifier is no plain name. If a file is not UTF-8, is too large
    /// or cannot be read; the error names it.
    pub fn export(&self, memory_id: &str) -> Result<StaticMemory, Error> {
        check_id(memory_id)?;
        self.check_root()?;
        let files = tree::files(self.root(), false).map_err(|errno| Error::system(errno, ""))?;
        let total: u64 = files.iter().map(|file| file.bytes).sum();
        if total > DOCUMENT_BYTES_MAX as u64 {
            return Err(Error::malformed("the memory", "holds more than 512 MiB"));
        }
        let mut document = StaticMemory {
            memory_id: memory_id.to_owned(),
            user_md: String::new(),
            entities: Vec::new(),
        };
        for file in files {
            // As it stands: line ends are part of what is exported.
            let bytes = self.bytes(&file.path)?;
            let text = crate::files::decode(&file.path, bytes)
                .map_err(|error| Error::malformed(file.path.as_str(), error.to_string()))?;
            if file.path == USER {
                document.user_md = text;
                continue;
            }
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            document.entities.push(StaticEntity {
                entity_name: name.strip_suffix(".md").unwrap_or(name).to_owned(),
                entity_file_path: file.path,
                entity_file_content: text,
            });
        }
        Ok(document)
    }

    /// Puts the memory back to what a document says. Everything else that it
    /// holds is removed, its journal and filters too: this cannot be undone.
    ///
    /// So it is done only to a directory that is empty or a memory already: one
    /// that has the records of changes which every memory keeps once it was
    /// written to.
    ///
    /// # Errors
    /// [`Error::NotAMemory`] for another directory. If a path of the document is
    /// no plain path or a file too large, if the memory is too deep or another
    /// file system is mounted in it. Nothing has changed then. If the system
    /// refuses.
    pub fn reset(&self, author: Author<'_>, document: &StaticMemory) -> Result<(), Error> {
        let entities = document.entities.iter().map(|entity| {
            let content = entity.entity_file_content.as_bytes();
            (entity.entity_file_path.as_str(), content)
        });
        let user = (USER, document.user_md.as_bytes());
        let files: Vec<(&str, &[u8])> = std::iter::once(user).chain(entities).collect();
        self.replace_all(author, &files)
    }
}
