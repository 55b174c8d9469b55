//! Obsidian vaults: the notes as they are, under the paths that they have in the vault.

use std::path::Path;

use memex_memory::Error;

use crate::archive::{self, Wanted, ending};
use crate::pages::Pages;
use crate::report::malformed;
use crate::source::{self, Kind};
use crate::{ImportReport, Importer, text};

const SOURCE: &str = "obsidian";

pub(super) fn import(importer: &Importer<'_>, vault: &Path) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let mut notes = Vec::new();
    let kind = source::each(
        importer,
        vault,
        &wanted,
        &mut report,
        &mut |name, content, report| {
            if ending(name) != "md" {
                report.skip(name, "is no note; only text is imported");
                return Ok(());
            }
            match text::decode(&archive::whole(name, content)?) {
                Ok(text) => notes.push((name.to_owned(), text)),
                Err(why) => report.skip(name, why),
            }
            Ok(())
        },
    )?;
    let place = vault.to_string_lossy();
    if kind == Kind::Single {
        return Err(malformed(
            place,
            "is no vault: give its folder or a .zip of it",
        ));
    }
    if notes.is_empty() {
        return Err(malformed(
            place,
            "holds no Markdown; is it an Obsidian vault?",
        ));
    }
    // An archive has the vault in a folder of its own.
    let top = match vault.is_dir() {
        true => String::new(),
        false => common_top(&notes),
    };
    let mut pages = Pages::new(importer, SOURCE, report);
    for (name, text) in &notes {
        let below = name.strip_prefix(&top).unwrap_or(name);
        pages.add_as_is(below, text)?;
    }
    pages.finish("Obsidian notes")
}

fn wanted(name: &str) -> Wanted {
    let is_hidden = name
        .split('/')
        .any(|part| part.starts_with('.') || part == "__MACOSX");
    match is_hidden {
        true => Wanted::No,
        false => Wanted::Yes,
    }
}

/// The folder in which all notes lie, if they lie in one and none beside it.
fn common_top(notes: &[(String, String)]) -> String {
    let first = notes.first().and_then(|(name, _)| name.split_once('/'));
    let Some((top, _)) = first else {
        return String::new();
    };
    let top = format!("{top}/");
    match notes.len() > 1 && notes.iter().all(|(name, _)| name.starts_with(&top)) {
        true => top,
        false => String::new(),
    }
}
