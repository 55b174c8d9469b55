//! Removing one image, and the packages that no other image has.

use super::cache::Cache;
use super::description::Description;
use super::entry::Entry;
use super::packages::PackagesDetails;
use super::pruning::bytes_below;
use crate::error::Error;
use memex_guest_python::Wheel;
use std::fs;

/// What became of an image that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedImage {
    /// Its full name.
    pub name: String,
    /// The bytes that it took, with packages that only it had.
    pub bytes: u64,
    /// Whether it is gone; not if another process is building it at this moment.
    pub is_gone: bool,
}

impl Cache {
    /// Removes the image of a name, or of the beginning of one. Sessions that run on it
    /// keep what they have mapped; saved ones need it again. Code is shared by all images
    /// of a guest and stays.
    ///
    /// # Errors
    /// [`Error::NoImage`] and [`Error::ManyImages`]. When it cannot be removed.
    pub fn remove_image(&self, name: &str) -> Result<RemovedImage, Error> {
        let name = self.image_name(name)?;
        let path = self.entry_path("images", &name);
        let described = Description::read(&path, &name);
        let mut bytes = bytes_below(&path);
        let is_gone = self.discard("images", &name)?;
        if let (true, Ok(described)) = (is_gone, described) {
            bytes = bytes.saturating_add(self.discard_unused(&described.wheels)?);
        }
        Ok(RemovedImage {
            name,
            bytes,
            is_gone,
        })
    }

    /// Removes the packages that came to these wheels, unless another image has them.
    /// Those of the standard image stay: the next build would fetch them again.
    fn discard_unused(&self, wheels: &[Wheel]) -> Result<u64, Error> {
        for name in self.image_names()? {
            let path = self.entry_path("images", &name);
            if Description::read(&path, &name).is_ok_and(|other| other.wheels == wheels) {
                return Ok(0);
            }
        }
        let mut bytes = 0_u64;
        let directory = self.root().join("packages");
        for item in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let item = item.map_err(Error::file("read", &directory))?;
            let key = item.file_name().to_string_lossy().into_owned();
            let Ok(entry) = Entry::<PackagesDetails>::open(&item.path(), &key, false) else {
                continue;
            };
            if entry.details.were_added_as(wheels) {
                let size = bytes_below(&item.path());
                if self.discard("packages", &key)? {
                    bytes = bytes.saturating_add(size);
                }
            }
        }
        Ok(bytes)
    }
}
