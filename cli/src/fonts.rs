//! `--font FILE`: fonts that figures fall back to.
//!
//! Copies lie in a private folder that the session sees, read-only, at `/fonts`: a grant of
//! the fonts' own folder would show its other files too. What is granted there, by this
//! option or by `--mount`, is registered with matplotlib.

use crate::failure::usage;
use anyhow::Result;
use memex_policies::Access;
use memex_sessions::Mount;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// Where the guest looks for fonts.
const GUEST_PATH: &str = "/fonts";
/// The largest font taken: those of all of East Asia have 20 MB.
const FONT_MAX_BYTES: u64 = 64 << 20;
/// How files of outlines begin: TrueType, OpenType, collections of both.
const MAGIC: [&[u8]; 4] = [b"\0\x01\0\0", b"true", b"OTTO", b"ttcf"];

/// The folder with the copies, which goes with the command.
#[derive(Debug, Clone, Default)]
pub(crate) struct FontFolder(Arc<OnceLock<TempDir>>);

impl FontFolder {
    /// The mount of these fonts; none if there are none.
    pub(crate) fn mount(&self, files: &[PathBuf]) -> Result<Option<Mount>> {
        if files.is_empty() {
            return Ok(None);
        }
        let folder = match self.0.get() {
            Some(folder) => folder,
            None => {
                let made = TempDir::with_prefix("memex-fonts-")?;
                for file in files {
                    copy(file, made.path())?;
                }
                self.0.get_or_init(|| made)
            }
        };
        Ok(Some(Mount {
            host: folder.path().to_owned(),
            guest: GUEST_PATH.to_owned(),
            access: Access::ReadOnly,
        }))
    }
}

fn copy(path: &Path, folder: &Path) -> Result<()> {
    let told = |what: String, hint: &str| usage(format!("--font {}: {what}", path.display()), hint);
    let name = path.file_name();
    let name = name.ok_or_else(|| told("it names no file".to_owned(), "name a font file"))?;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FONT_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| told(error.to_string(), "the file has to be readable by you"))?;
    if bytes.len() as u64 > FONT_MAX_BYTES {
        let what = format!("it has more than {} MiB", FONT_MAX_BYTES >> 20);
        return Err(told(what, "take a smaller one"));
    }
    if !MAGIC.iter().any(|magic| bytes.starts_with(magic)) {
        let what = "it is no TrueType or OpenType font".to_owned();
        return Err(told(what, "files of fonts end in .ttf, .otf or .ttc"));
    }
    let mut copy = File::create_new(folder.join(name))
        .map_err(|error| told(error.to_string(), "give each font once"))?;
    copy.write_all(&bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FontFolder, GUEST_PATH};
    use std::fs;

    #[test]
    fn fonts_are_copied_and_other_files_refused() {
        let folder = tempfile::tempdir().unwrap();
        let font = folder.path().join("a.ttf");
        fs::write(&font, b"\0\x01\0\0rest").unwrap();
        let text = folder.path().join("b.ttf");
        fs::write(&text, b"text").unwrap();
        assert!(FontFolder::default().mount(&[]).unwrap().is_none());
        let fonts = FontFolder::default();
        let mount = fonts.mount(std::slice::from_ref(&font)).unwrap().unwrap();
        assert_eq!(mount.guest, GUEST_PATH);
        let copied = mount.host.join("a.ttf");
        assert_eq!(fs::read(&copied).unwrap(), b"\0\x01\0\0rest");
        drop(fonts);
        assert!(!copied.exists());
        for (wrong, word) in [
            (vec![text], "no TrueType"),
            (vec![folder.path().join("none.ttf")], "No such file"),
            (vec![font.clone(), font], "exists"),
        ] {
            let refused = FontFolder::default().mount(&wrong).unwrap_err();
            assert!(refused.to_string().contains(word), "{refused}");
        }
    }
}
