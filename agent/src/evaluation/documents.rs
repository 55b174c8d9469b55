//! The files of a suite: documents, as tools that both spaces have, and
//! databases.
//!
//! A suite may come from anywhere, so what its tasks call a file is a plain
//! path below the suite's folder, opened by the folder's handle. Links are
//! followed as long as they stay in the folder.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memex_host_tools::{NoArguments, Tool, ToolError, immediate};
use memex_policies::check_plain_path;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Error;

/// Most bytes of a document.
const DOCUMENT_MAX_BYTES: u64 = 64 << 20;

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The document, as `list_documents` names it.
    name: String,
}

/// Tools that list and read these files of a folder, and no others.
///
/// # Errors
/// [`Error::Format`] for a name that is no plain path, [`Error::File`] if the
/// folder cannot be opened.
pub fn document_tools(folder: &Path, files: &[String]) -> Result<Vec<Arc<dyn Tool>>, Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    files.iter().try_for_each(|name| check(folder, name))?;
    let dir = Arc::new(open(folder)?);
    let names: Arc<[String]> = files.into();
    let known = Arc::clone(&names);
    Ok(vec![
        Arc::new(immediate(
            "list_documents",
            "Names the documents.",
            move |_, NoArguments {}| Ok(names.to_vec()),
        )),
        Arc::new(immediate(
            "read_document",
            "The text of a document.",
            move |_, named: Named| read(&dir, &known, &named.name),
        )),
    ])
}

/// Where a file or folder that a task names lies, for who opens it by path: a database of a
/// suite, an input of a batch.
///
/// # Errors
/// [`Error::Format`] for a name that is no plain path, [`Error::File`] if it is
/// not there or a link leads out of the folder.
pub fn path_in_folder(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    check(folder, name)?;
    let inside = open(folder)?.canonicalize(name);
    let path = folder.join(name);
    Ok(folder.join(inside.map_err(Error::file(&path))?))
}

fn check(folder: &Path, name: &str) -> Result<(), Error> {
    check_plain_path(name).map_err(|error| Error::Format {
        place: format!("the tasks in {}", shown(folder).display()),
        what: format!("{error}; files are named from the folder of the tasks"),
    })
}

pub(super) fn open(folder: &Path) -> Result<Dir, Error> {
    let folder = shown(folder);
    Dir::open_ambient_dir(folder, ambient_authority()).map_err(Error::file(folder))
}

/// The folder of a bare file name is the one that the process is in.
fn shown(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

fn read(dir: &Dir, known: &[String], name: &str) -> Result<String, ToolError> {
    if !known.iter().any(|known| known == name) {
        let message =
            format!("read_document: there is no document {name:?}; list_documents() names them");
        return Err(ToolError::new("FileNotFoundError", message));
    }
    let failed = |what: String| {
        ToolError::new("OSError", format!("read_document: {name} cannot be read")).with_detail(what)
    };
    let system = |error: std::io::Error| failed(error.to_string());
    // Opening a FIFO would wait.
    if !dir.metadata(name).map_err(system)?.is_file() {
        return Err(failed("it is not a regular file".to_owned()));
    }
    let mut text = String::new();
    let file = dir.open(name).map_err(system)?;
    let mut bounded = file.take(DOCUMENT_MAX_BYTES + 1);
    bounded.read_to_string(&mut text).map_err(system)?;
    match text.len() as u64 > DOCUMENT_MAX_BYTES {
        true => Err(failed("it is too large".to_owned())),
        false => Ok(text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{document_tools, open, path_in_folder, read};
    use std::os::unix::fs::symlink;

    const HOSTILE: [&str; 9] = [
        "../secret",
        "..",
        "",
        "/etc/passwd",
        "docs/../../secret",
        "docs/",
        "./a.txt",
        ".git",
        "a\\b",
    ];

    #[test]
    fn the_files_of_a_suite_lie_in_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("suite");
        std::fs::create_dir_all(folder.join("docs")).unwrap();
        for (path, text) in [
            ("docs/a.txt", "inside"),
            ("../secret", "secret"),
            ("b.sqlite", ""),
        ] {
            std::fs::write(folder.join(path), text).unwrap();
        }
        symlink("../secret", folder.join("out")).unwrap();
        symlink("docs/a.txt", folder.join("in")).unwrap();
        std::os::unix::net::UnixListener::bind(folder.join("pipe")).unwrap();
        let files = ["docs/a.txt", "in", "out", "pipe", "gone"].map(str::to_owned);
        assert_eq!(document_tools(&folder, &files).unwrap().len(), 2);
        let dir = open(&folder).unwrap();
        for name in ["docs/a.txt", "in"] {
            assert_eq!(read(&dir, &files, name).unwrap(), "inside", "{name}");
        }
        for name in ["out", "pipe", "gone"] {
            let error = read(&dir, &files, name).unwrap_err();
            assert!(
                error.message.contains("cannot be read"),
                "{name}: {error:?}"
            );
        }
        let unknown = read(&dir, &files, "../secret").unwrap_err();
        assert!(
            unknown.message.contains("there is no document"),
            "{unknown:?}"
        );
        assert_eq!(
            path_in_folder(&folder, "b.sqlite").unwrap(),
            folder.join("b.sqlite")
        );
        assert!(path_in_folder(&folder, "out").is_err());
        for name in HOSTILE {
            let told = |error: crate::Error| error.to_string().contains("is not a plain name");
            let documents = document_tools(&folder, &[name.to_owned()]);
            assert!(documents.err().is_some_and(told), "{name}");
            assert!(path_in_folder(&folder, name).is_err_and(told), "{name}");
        }
    }
}
