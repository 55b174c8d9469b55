//! The cache's own secret: drawn once, and used by every build that names none.

use super::cache::Cache;
use super::entry::{check_private, write_atomically};
use super::progress::NoProgress;
use super::secret::ImageSecret;
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

const SECRET_FILE: &str = "secret";
const SECRET_BYTES: usize = 32;

impl Cache {
    /// The secret of images that are built without one of their own. Drawn when
    /// it is first needed, so that an image that is built again is the same.
    ///
    /// # Errors
    /// When the file is damaged, or others can read or write it.
    pub fn secret(&self) -> Result<ImageSecret, Error> {
        if let Some(secret) = self.secret_if_there()? {
            return Ok(secret);
        }
        let _lock = self.lock(SECRET_FILE, "", &mut NoProgress)?;
        match self.secret_if_there()? {
            Some(secret) => Ok(secret),
            None => self.draw_secret(),
        }
    }

    /// Draws another secret. Images that were built with the one before stay,
    /// and sessions that were saved on them go on.
    ///
    /// # Errors
    /// When it cannot be drawn or written.
    pub fn renew_secret(&self) -> Result<(), Error> {
        let _lock = self.lock(SECRET_FILE, "", &mut NoProgress)?;
        self.draw_secret().map(drop)
    }

    /// The secret, if it was ever drawn.
    pub(super) fn secret_if_there(&self) -> Result<Option<ImageSecret>, Error> {
        let path = self.secret_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("open", path)(error)),
        };
        check_private(&path)?;
        let metadata = file.metadata().map_err(Error::file("read", &path))?;
        if metadata.mode() & 0o077 != 0 {
            return Err(Error::ReadableSecret { path });
        }
        let mut bytes = Vec::new();
        file.take(SECRET_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(Error::file("read", &path))?;
        if bytes.len() != SECRET_BYTES {
            return Err(Error::Damaged {
                path,
                reason: format!("it has not {SECRET_BYTES} bytes"),
            });
        }
        ImageSecret::from_bytes(&bytes).map(Some)
    }

    fn draw_secret(&self) -> Result<ImageSecret, Error> {
        let bytes = ImageSecret::random_bytes()?;
        write_atomically(&self.secret_path(), &bytes)?;
        ImageSecret::from_bytes(&bytes)
    }

    fn secret_path(&self) -> PathBuf {
        self.root().join(SECRET_FILE)
    }
}
