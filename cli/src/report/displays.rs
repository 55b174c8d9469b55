//! Writing what turns display into files.

use crate::failure::make_folder;
use anyhow::{Context as _, Result};
use memex_runtime::{Display, DisplayData};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A directory that figures and displayed objects are written into, numbered
/// through the command: `figure-001.png`, `value-002.html`, `display-003.txt`.
#[derive(Debug)]
pub(crate) struct DisplayFolder {
    directory: PathBuf,
    count: u64,
}

impl DisplayFolder {
    /// Makes the directory when it is not there.
    pub(crate) fn open(directory: PathBuf) -> Result<Self> {
        make_folder(&directory).context("--out")?;
        Ok(Self {
            directory,
            count: 0,
        })
    }

    /// Writes every form of every display and gives the paths.
    pub(super) fn write(&mut self, displays: &[Display]) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        for display in displays {
            self.count += 1;
            let is_picture = |mime: &str| mime.starts_with("image/");
            let kind = match display.main {
                true => "value",
                false if display.data.keys().any(|mime| is_picture(mime)) => "figure",
                false => "display",
            };
            let mut taken = Vec::new();
            for (mime, data) in &display.data {
                let bytes = match data {
                    DisplayData::Text(text) => text.as_bytes(),
                    DisplayData::Bytes(bytes) => bytes,
                };
                let extension = extension(mime);
                let again = taken
                    .iter()
                    .filter(|&&earlier| earlier == extension)
                    .count();
                taken.push(extension);
                let more = if again > 0 {
                    format!("-{}", again + 1)
                } else {
                    String::new()
                };
                let name = format!("{kind}-{:03}{more}.{extension}", self.count);
                let path = self.directory.join(&name);
                write_whole(&path, bytes)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                paths.push(path.display().to_string());
            }
        }
        Ok(paths)
    }
}

/// A file appears with all of its content or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The guest names the type, the host the file.
fn extension(mime: &str) -> &'static str {
    match mime.split(';').next().unwrap_or(mime).trim() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/svg+xml" => "svg",
        "application/pdf" => "pdf",
        "text/html" => "html",
        "text/plain" => "txt",
        "text/markdown" => "md",
        "text/latex" => "tex",
        "text/csv" => "csv",
        "application/json" => "json",
        mime if mime.starts_with("text/") => "text",
        _ => "bin",
    }
}
