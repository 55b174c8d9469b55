//! What images are built from where a session's spec does not say.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memex_runtime::{ImageSecret, ImageSpec, Requirement};

use crate::error::Error;

/// What a process says of the images that its sessions start from. A session
/// that names its image, or was saved on one, has nothing to do with it.
///
/// Defaults: the standard image, with the cache's own secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageDefaults {
    /// Modules that are imported besides the standard ones, where a spec names
    /// none.
    pub preload: Vec<String>,
    /// Pure-Python packages, each as `NAME==VERSION`, where a spec names none.
    pub packages: Vec<String>,
    /// The file whose bytes the guest's hash secret follows from. Default: none,
    /// which takes an image of the cache's own secret, or one that was pulled.
    pub secret_file: Option<PathBuf>,
    /// What the guest's clock shows when an image boots, in seconds since 1970.
    /// Default: [`ImageSpec::BOOT_UNIX_S`].
    pub boot_unix_s: Option<u64>,
}

impl ImageDefaults {
    /// What the runtime builds for modules and packages; where there are none of
    /// one kind, for those of the defaults.
    ///
    /// # Errors
    /// [`Error::Module`], [`Error::Packages`], [`Error::SecretFile`],
    /// [`Error::BootTime`], and [`Error::Runtime`] for a package or secret that
    /// can be none.
    pub fn spec(&self, preload: &[String], packages: &[String]) -> Result<ImageSpec, Error> {
        let mut spec = image_spec(or(preload, &self.preload), or(packages, &self.packages))?;
        if let Some(path) = &self.secret_file {
            spec.secret = Some(read_secret(path)?);
        }
        if let Some(unix_s) = self.boot_unix_s {
            if unix_s > ImageSpec::BOOT_UNIX_S_MAX {
                return Err(Error::BootTime { unix_s });
            }
            spec.boot_unix_s = unix_s;
        }
        Ok(spec)
    }
}

fn or<'a>(given: &'a [String], default: &'a [String]) -> &'a [String] {
    match given.is_empty() {
        true => default,
        false => given,
    }
}

/// The standard image with more modules and packages.
fn image_spec(preload: &[String], packages: &[String]) -> Result<ImageSpec, Error> {
    let mut spec = ImageSpec::standard()?;
    for package in packages {
        let requirement = Requirement::parse(package).map_err(memex_runtime::Error::from)?;
        if let Some(other) = spec
            .packages
            .iter()
            .find(|other| other.name() == requirement.name() && **other != requirement)
        {
            return Err(Error::Packages {
                first: other.to_string(),
                second: requirement.to_string(),
            });
        }
        spec.packages.push(requirement);
    }
    for module in preload {
        if !module.split('.').all(is_identifier) {
            return Err(Error::Module {
                name: module.clone(),
            });
        }
        if !spec.preload.contains(module) {
            spec.preload.push(module.clone());
        }
    }
    Ok(spec)
}

/// The secret of a file: its bytes as they are, of which no error says any.
fn read_secret(path: &Path) -> Result<ImageSecret, Error> {
    let mut bytes = Vec::new();
    let most = ImageSecret::GIVEN_BYTES_MAX as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Error::SecretFile {
        path: path.to_owned(),
        what: error.to_string(),
    })?;
    Ok(ImageSecret::from_bytes(&bytes)?)
}

/// Whether Python could take it as a name, as far as this can be told without
/// asking it.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.chars().next().is_some_and(|c| !c.is_numeric())
}
