//! Files of the client's machine that the client copies in, and has written back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memex_runtime::{Errno, Session, SessionFiles};
use memex_sessions::files::{absolute, folders_on_the_way};

use super::requests::MountFile;
use crate::atomic::replace;

/// The longest file that is copied.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The files that were copied in: only these are written back.
#[derive(Debug, Default)]
pub(super) struct Mounted(BTreeMap<String, PathBuf>);

impl Mounted {
    /// Copies a file in, and says where it is.
    pub(super) fn mount(
        &mut self,
        session: &mut Session,
        asked: &MountFile,
    ) -> Result<String, String> {
        let (host, path) = places(asked)?;
        let bytes = read(&host).map_err(|error| format!("{}: {error}", host.display()))?;
        in_session(session, |files| put(files, &path, &bytes))
            .map_err(|error| format!("{path}: {error}"))?;
        self.0.insert(path.clone(), host);
        Ok(path)
    }

    /// Writes a file back. The client hears of no failure, so nothing is returned; a file
    /// that was not copied in is left alone.
    pub(super) fn sync(&self, session: &mut Session, asked: &MountFile) {
        let Ok((host, path)) = places(asked) else {
            return;
        };
        if self.0.get(&path) != Some(&host) {
            return;
        }
        let most = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let content = in_session(session, |files| {
            match files.stat(&path, true)?.size > FILE_BYTES_MAX {
                true => Err(Errno::Fbig),
                false => files.read(&path, 0, most),
            }
        });
        if let Ok(bytes) = content {
            // As the client's own runner does: what cannot be written back is not.
            let _unwritten = replace(&host, &bytes);
        }
    }
}

fn places(asked: &MountFile) -> Result<(PathBuf, String), String> {
    let host = asked.host_path.as_deref().or(asked.virtual_path.as_deref());
    let host = host.ok_or("there is no host_path")?;
    let path = asked.virtual_path.as_deref().unwrap_or(host);
    let path = absolute(path).map_err(|error| error.to_string())?;
    Ok((PathBuf::from(host), path))
}

fn read(host: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: a pipe would be waited for.
    if !fs::metadata(host)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    let count = File::open(host)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    match count as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other(format!(
            "it has more than {FILE_BYTES_MAX} bytes"
        ))),
        false => Ok(bytes),
    }
}

/// Writes a file, with the folders on its way.
pub(super) fn put(files: &mut SessionFiles<'_>, path: &str, bytes: &[u8]) -> Result<(), Errno> {
    folders_on_the_way(files, path)?;
    files.write(path, [bytes])
}

pub(super) fn in_session<R>(
    session: &mut Session,
    work: impl FnOnce(&mut SessionFiles<'_>) -> Result<R, Errno>,
) -> Result<R, String> {
    let mut files = session.files().map_err(|error| error.to_string())?;
    work(&mut files).map_err(|error| match error {
        Errno::Rofs | Errno::Acces | Errno::Notcapable => {
            "the session may not write there".to_owned()
        }
        Errno::Nospc | Errno::Dquot | Errno::Fbig => {
            "it does not fit the limit file_bytes".to_owned()
        }
        error => error.to_string(),
    })
}
