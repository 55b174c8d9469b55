//! A repository in a folder or an archive.

use std::path::Path;

use memex_memory::Error;

use super::reading::{read_archive, read_folder};
use super::writing::write;
use crate::{ImportReport, Importer, archive};

pub(crate) fn import(importer: &Importer<'_>, path: &Path) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let place = path.to_string_lossy().into_owned();
    let is_folder = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let repository = match is_folder {
        true => read_folder(importer, path, &mut report)?,
        false => {
            let file = archive::open(path, &importer.limits)?;
            let stem = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            let mut repository = read_archive(importer, file, &place, &mut report)?;
            if repository.name.is_empty() {
                repository.name = stem.unwrap_or_default();
            }
            repository
        }
    };
    write(importer, repository, report)
}
