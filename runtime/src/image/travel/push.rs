//! Sending an image to a store.

use super::code;
use super::documents::{GuestParcel, Shipment};
use super::parcel::{Carrier, Parcel};
use super::store::ImageStore;
use super::trust::TrustCode;
use crate::engine::Metering;
use crate::error::Error;
use crate::image::description::DESCRIPTION_FILE;
use crate::image::details::MEMORY_FILE;
use crate::image::loaded::Image;
use crate::image::progress::{Progress, Stage};
use crate::image::secret::ImageSecret;
use memex_guest_python::{FileRole, GuestFile};
use std::fs;
use std::path::{Path, PathBuf};

/// What is pushed. Default: the image with whatever code the cache has for this
/// machine, without authentication.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// Whether machine code goes along.
    pub code: bool,
    /// The secret that authenticates the code for pulls with the same secret.
    /// Default: the one that the image was built with, where its specification
    /// names it.
    pub secret: Option<ImageSecret>,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            code: true,
            secret: None,
        }
    }
}

/// The result of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The name of the image, by which it can be pulled.
    pub name: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// How many of them the store did not have.
    pub sent_bytes: u64,
    /// What those take in the store.
    pub stored_bytes: u64,
    /// The code that went along.
    pub code: Vec<PushedCode>,
}

/// Machine code that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedCode {
    /// What it is for, in words.
    pub machine: String,
    /// By this [`TrustCode::Digest`] pins it.
    pub digest: String,
    /// Whether a secret vouches for it.
    pub is_vouched: bool,
}

/// The trust that `digest` is for.
impl From<&PushedCode> for TrustCode {
    fn from(code: &PushedCode) -> Self {
        Self::Digest(code.digest.clone())
    }
}

impl Image {
    /// Sends the image to a store: its memory, the guest's files, the wheels of
    /// its packages, and machine code. Every file is hashed before, and what
    /// the store has already is not sent again.
    ///
    /// The memory contains the guest's string-hash secret: anyone who can read
    /// the store can read it.
    ///
    /// # Errors
    /// When a file is damaged, or the store fails. The partial image cannot be
    /// pulled, and the next push resumes this one.
    pub fn push(
        &self,
        store: &dyn ImageStore,
        options: &PushOptions,
        progress: &mut dyn Progress,
    ) -> Result<Pushed, Error> {
        self.verify(progress)?;
        let memory = self.path().join(MEMORY_FILE);
        let guest = self.guest_files();
        let wheels = self.wheel_files();
        let mut all: Vec<&Path> = vec![memory.as_path()];
        all.extend(guest.iter().map(|(_, path)| &**path));
        all.extend(wheels.iter().map(|path| &**path));
        progress.begin(Stage::Push, Some(all.iter().map(|path| bytes(path)).sum()));
        let mut carrier = Carrier {
            store,
            progress,
            done: 0,
            tally: Default::default(),
        };
        let memory = carrier.send(&memory)?;
        let mut parcels = Vec::new();
        for (file, path) in &guest {
            parcels.push(GuestParcel {
                sha256: file.sha256,
                parcel: carrier.send(path)?,
            });
        }
        let wheels: Result<Vec<Parcel>, Error> =
            wheels.iter().map(|path| carrier.send(path)).collect();
        let path = self.path().join(DESCRIPTION_FILE);
        let description = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        carrier.progress.end();
        let code = match options.code {
            true => self.push_code(options, &mut carrier)?,
            false => Vec::new(),
        };
        // Last: with this document the image is there, and before it is not.
        Shipment::new(description, memory, parcels, wheels?).put(self.name(), store)?;
        Ok(Pushed {
            name: self.name().to_owned(),
            bytes: carrier.tally.bytes,
            sent_bytes: carrier.tally.moved,
            stored_bytes: carrier.tally.stored,
            code,
        })
    }

    fn push_code(
        &self,
        options: &PushOptions,
        carrier: &mut Carrier<'_>,
    ) -> Result<Vec<PushedCode>, Error> {
        let secret = options.secret.as_ref().or(self.spec().secret.as_ref());
        let mut pushed = Vec::new();
        for metering in [Metering::Deadline, Metering::Fuel] {
            carrier.progress.begin(Stage::Push, None);
            carrier.done = 0;
            let sent = code::push(self.cache(), self.spec(), metering, secret, carrier)?;
            carrier.progress.end();
            pushed.extend(sent.map(|code| PushedCode {
                digest: code.digest(),
                is_vouched: code.authentication.is_some(),
                machine: code.machine,
            }));
        }
        Ok(pushed)
    }

    /// The guest's files, with what the manifest says of them.
    fn guest_files(&self) -> Vec<(GuestFile, PathBuf)> {
        let files = self.files();
        let manifest = self.spec().manifest.files.iter().cloned();
        let placed = manifest.map(|file| {
            let path = match file.role {
                FileRole::Stdlib => files.stdlib.clone(),
                _ => files.module.clone(),
            };
            (file, path)
        });
        placed.collect()
    }

    /// The wheels, in the order of the description.
    fn wheel_files(&self) -> Vec<PathBuf> {
        let packages = self.packages();
        let folder = packages.site.as_deref().and_then(Path::parent);
        let folder = folder.map(Path::to_owned).unwrap_or_default();
        let wheels = packages.wheels.iter();
        wheels.map(|wheel| folder.join(&wheel.file)).collect()
    }
}

/// For the progress only: an unreadable file is reported when it is sent.
fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
