//! Packages of the guest, and the wheels that represent them for the resolver.
//!
//! The package client must not download what is part of the guest, nor take
//! another version of it. So it is shown an empty wheel for each such package,
//! in the guest's version, and told to use that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::requirement::normal_name;
use crate::error::Error;

/// Marks the version of a stub. It sorts after the version it stands for, and
/// is taken for equal to it.
const MARK: &str = "memex";

/// The versions of the packages in the guest's library, by name.
pub(super) fn bundled(stdlib: &Path) -> Result<BTreeMap<String, String>, Error> {
    let file = File::open(stdlib).map_err(Error::io("open", stdlib))?;
    let archive = ZipArchive::new(BufReader::new(file)).map_err(Error::archive(stdlib))?;
    let mut found = BTreeMap::new();
    for member in archive.file_names() {
        let member = member.map_err(Error::archive(stdlib))?;
        let named = member
            .strip_suffix(".dist-info/METADATA")
            .filter(|named| !named.contains('/'))
            .and_then(|named| named.split_once('-'));
        if let Some((name, version)) = named {
            found.insert(normal_name(name), version.to_owned());
        }
    }
    Ok(found)
}

/// Writes a stub for every package, and what tells the client to use them.
pub(super) fn write_stubs(
    bundled: &BTreeMap<String, String>,
    folder: &Path,
    constraints: &Path,
) -> Result<(), Error> {
    let mut lines = String::new();
    for (name, version) in bundled {
        let separator = if version.contains('+') { '.' } else { '+' };
        let marked = format!("{version}{separator}{MARK}");
        let stem = format!("{}-{marked}", name.replace('-', "_"));
        let path = folder.join(format!("{stem}-py3-none-any.whl"));
        write_stub(&path, &stem, name, &marked)?;
        lines.push_str(&format!("{name}=={version}\n"));
    }
    std::fs::write(constraints, lines).map_err(Error::io("write", constraints))
}

/// Whether the version is that of a stub.
pub(super) fn is_stub(version: &str) -> bool {
    version
        .strip_suffix(MARK)
        .is_some_and(|version| version.ends_with(['+', '.']))
}

fn write_stub(path: &Path, stem: &str, name: &str, version: &str) -> Result<(), Error> {
    let file = File::create(path).map_err(Error::io("write", path))?;
    let mut writer = ZipWriter::new(file);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (member, text) in [
        (
            "METADATA",
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        ),
        (
            "WHEEL",
            "Wheel-Version: 1.0\nGenerator: memex\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                .to_owned(),
        ),
        ("RECORD", String::new()),
    ] {
        writer
            .start_file(format!("{stem}.dist-info/{member}"), stored)
            .map_err(Error::archive(path))?;
        writer
            .write_all(text.as_bytes())
            .map_err(Error::io("write", path))?;
    }
    writer.finish().map_err(Error::archive(path))?;
    Ok(())
}
