//! The Rust sources of the workspace, as text.

use std::path::{Path, PathBuf};

/// One file.
pub(crate) struct Source {
    /// From the root of the workspace.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Every source of every crate, tests and examples included.
pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let crate_root = entry.unwrap().path();
        if crate_root.join("Cargo.toml").is_file() {
            collect(&crate_root, &mut sources);
        }
    }
    assert!(
        sources.len() > 50,
        "the workspace has more sources than {}",
        sources.len()
    );
    sources
}

/// What is compiled into libraries and the command.
pub(crate) fn shipped() -> Vec<Source> {
    let mut sources = all();
    let is_apart = |path: &str| ["fuzz/", "oracle/"].iter().any(|top| path.starts_with(top));
    sources.retain(|source| source.path.contains("/src/") && !is_apart(&source.path));
    sources
}

fn collect(directory: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path
                .strip_prefix(root())
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            sources.push(Source { path, text });
        }
    }
}

/// The numbered lines that are code: no comments, and no strings.
pub(crate) fn code_of(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.lines().enumerate().map(|(number, line)| {
        let mut code = String::new();
        for (index, piece) in line.split('"').enumerate() {
            if index % 2 == 0 {
                code.push_str(piece);
            }
        }
        let code = code.split("//").next().unwrap_or_default().to_owned();
        (number, code)
    })
}
