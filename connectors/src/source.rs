//! An export wherever it lies: an archive, the folder that it unpacks to, or one file of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use memex_memory::{Error, PATH_DEPTH_MAX};

use crate::archive::{self, Take, Unpacker, Wanted};
use crate::report::malformed;
use crate::{ImportReport, Importer};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An archive or a folder, whose entries have names.
    Whole,
    /// One file, which is not an archive.
    Single,
}

/// Calls `take` for every entry of an export that is wanted, within the bounds of the import.
/// A single file is taken whatever its name.
pub(super) fn each(
    importer: &Importer<'_>,
    export: &Path,
    wanted: &dyn Fn(&str) -> Wanted,
    report: &mut ImportReport,
    take: &mut Take<'_>,
) -> Result<Kind, Error> {
    let place = export.to_string_lossy().into_owned();
    let mut unpacker = Unpacker::new(importer.limits, wanted);
    if std::fs::metadata(export).is_ok_and(|metadata| metadata.is_dir()) {
        let dir = Dir::open_ambient_dir(export, ambient_authority());
        let dir = dir.map_err(|error| malformed(place.as_str(), error.to_string()))?;
        folder(&dir, &place, &mut unpacker, report, take)?;
        return Ok(Kind::Whole);
    }
    let mut file = archive::open(export, &importer.limits)?;
    if is_archive(&mut file).map_err(|error| malformed(place.as_str(), error.to_string()))? {
        unpacker.each(file, &place, report, take)?;
        return Ok(Kind::Whole);
    }
    unpacker.one(&place, file, Wanted::Yes, report, take)?;
    Ok(Kind::Single)
}

/// As [`each`]; where nothing that is wanted is found, archives among the entries are looked
/// into. Attachments, which are archives too, are not, where there is something beside them.
pub(super) fn searched(
    importer: &Importer<'_>,
    export: &Path,
    wanted: &dyn Fn(&str) -> Wanted,
    report: &mut ImportReport,
    take: &mut Take<'_>,
) -> Result<Kind, Error> {
    let mut taken = 0;
    let mut counted = |name: &str, content: &mut dyn Read, report: &mut ImportReport| {
        taken += 1;
        take(name, content, report)
    };
    let kind = each(importer, export, wanted, report, &mut counted)?;
    if taken > 0 || kind == Kind::Single {
        return Ok(kind);
    }
    let with_archives = |name: &str| match (wanted(name), archive::ending(name).as_str()) {
        (Wanted::No, "zip") => Wanted::Archive,
        (wanted, _) => wanted,
    };
    each(importer, export, &with_archives, report, take)
}

fn is_archive(file: &mut File) -> std::io::Result<bool> {
    let mut mark = Vec::new();
    file.by_ref().take(2).read_to_end(&mut mark)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(mark == b"PK")
}

/// The files of a folder by path, those of folders in it included. Links are not followed:
/// what they name is elsewhere.
fn folder(
    root: &Dir,
    place: &str,
    unpacker: &mut Unpacker<'_>,
    report: &mut ImportReport,
    take: &mut Take<'_>,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| malformed(place, error.to_string());
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), root.try_clone().map_err(failed)?)];
    while let Some((above, dir)) = folders.pop() {
        for entry in dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            unpacker.count(1, place)?;
            let Ok(name) = entry.file_name().into_string() else {
                let name = entry.file_name().to_string_lossy().into_owned();
                report.skip(format!("{above}{name}"), "its name is no text");
                continue;
            };
            let path = format!("{above}{name}");
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                // Programs keep their own state in such folders.
                let is_hidden = name.starts_with('.') || name == "__MACOSX";
                if !is_hidden && path.matches('/').count() < PATH_DEPTH_MAX {
                    match dir.open_dir(&name) {
                        Ok(below) => folders.push((format!("{path}/"), below)),
                        Err(error) => report.skip(&path, error.to_string()),
                    }
                }
            } else if !matches!(unpacker.wanted(&path), Wanted::No) {
                match kind.is_symlink() {
                    true => report.skip(&path, "is a link"),
                    false => files.push((path, dir.try_clone().map_err(failed)?, name)),
                }
            }
        }
    }
    // Folders have no order of their own.
    files.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, dir, name) in files {
        match open(&dir, &name) {
            Ok(file) => unpacker.one(&path, file, unpacker.wanted(&path), report, take)?,
            Err(why) => report.skip(&path, why),
        }
    }
    Ok(())
}

fn open(dir: &Dir, name: &str) -> Result<File, String> {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.read(true).custom_flags(flags);
    let file = dir.open_with(name, &options);
    let file = file.map_err(|error| error.to_string())?;
    match file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        true => Ok(file.into_std()),
        false => Err("is no file".to_owned()),
    }
}
