//! Repositories in archives and folders.

use std::io::{Read, Seek};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use memex_memory::{Error, PATH_DEPTH_MAX};

use super::repository::{PASSED_OVER, Repository, is_document, is_license};
use crate::archive::{Unpacker, Wanted};
use crate::report::malformed;
use crate::{ImportReport, Importer};

pub(super) fn read_archive(
    importer: &Importer<'_>,
    reader: impl Read + Seek,
    place: &str,
    report: &mut ImportReport,
) -> Result<Repository, Error> {
    let mut repository = Repository::default();
    let mut unpacker = Unpacker::new(importer.limits, &|_| Wanted::Yes);
    unpacker.each(reader, place, report, &mut |name, content, report| {
        // GitHub puts everything into one folder, NAME-BRANCH.
        let (top, path) = name.split_once('/').unwrap_or(("", name));
        if repository.name.is_empty() {
            repository.name = top.to_owned();
        }
        let mut bytes = Vec::new();
        let (is_document, read) = match is_document(path) || is_license(path) {
            true => (
                true,
                content.read_to_end(&mut bytes).map(|count| count as u64),
            ),
            false => (false, std::io::copy(content, &mut std::io::sink())),
        };
        let size = read.map_err(|error| malformed(name, error.to_string()))?;
        repository.count(path, size);
        if is_document {
            repository.document(path, &bytes, report);
        }
        Ok(())
    })?;
    Ok(repository)
}

pub(super) fn read_folder(
    importer: &Importer<'_>,
    path: &Path,
    report: &mut ImportReport,
) -> Result<Repository, Error> {
    let place = path.to_string_lossy().into_owned();
    let failed = |error: std::io::Error| malformed(place.as_str(), error.to_string());
    let folder = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
    let name = std::fs::canonicalize(path).map_err(failed)?;
    let name = name
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let mut repository = Repository {
        name: origin(&folder).or(name).unwrap_or_default(),
        ..Repository::default()
    };
    let mut left = importer.limits.entries_max;
    let mut folders = vec![(String::new(), folder)];
    while let Some((above, folder)) = folders.pop() {
        for entry in folder.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            left = left.checked_sub(1).ok_or_else(|| {
                malformed(place.as_str(), "has more files than an import may read")
            })?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = match above.is_empty() {
                true => name.clone(),
                false => format!("{above}/{name}"),
            };
            // Links are not followed: what they name is elsewhere.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
                if path.matches('/').count() < PATH_DEPTH_MAX
                    && let Ok(below) = folder.open_dir(entry.file_name())
                {
                    folders.push((path, below));
                }
            } else if kind.is_file() {
                repository.count(&path, entry.metadata().map_or(0, |metadata| metadata.len()));
                if is_document(&path) || is_license(&path) {
                    match read_document(&folder, &name, importer) {
                        Ok(bytes) => repository.document(&path, &bytes, report),
                        Err(why) => report.skip(&path, why),
                    }
                }
            }
        }
    }
    // Folders have no order of their own.
    report.skipped.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(repository)
}

fn read_document(folder: &Dir, name: &str, importer: &Importer<'_>) -> Result<Vec<u8>, String> {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.read(true).custom_flags(flags);
    let file = folder
        .open_with(name, &options)
        .map_err(|error| error.to_string())?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = importer.limits.entry_bytes_max;
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    match bytes.len() as u64 > limit {
        true => Err(format!("is larger than {limit} bytes")),
        false => Ok(bytes),
    }
}

/// `owner/name` of the repository that a folder was cloned from.
fn origin(folder: &Dir) -> Option<String> {
    const CONFIG_BYTES_MAX: u64 = 1 << 20;
    let git = folder.open_dir(".git").ok()?;
    let config = git.open("config").ok()?;
    let mut text = String::new();
    config
        .take(CONFIG_BYTES_MAX)
        .read_to_string(&mut text)
        .ok()?;
    let url = text.lines().find_map(|line| {
        let url = line.trim().strip_prefix("url")?.trim_start();
        url.strip_prefix('=').map(str::trim)
    })?;
    let (_, name) = url.split_once("github.com")?;
    let name = name.trim_start_matches([':', '/']).trim_end_matches('/');
    let name = name.strip_suffix(".git").unwrap_or(name);
    (name.matches('/').count() == 1).then(|| name.to_owned())
}
