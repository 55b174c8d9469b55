//! The requested contents of an image, and the key derived from them.

use super::secret::ImageSecret;
use crate::engine::Metering;
use crate::error::Error;
use memex_guest_python::{Manifest, Package, Requirement, Wheel};

/// Counts changes of the formats and of the steps of an image's build: an image
/// of another version is built anew.
pub(super) const IMAGE_BUILD_VERSION: u32 = 2;
/// The same for code and packages, which a change of images leaves as they are.
const CODE_BUILD_VERSION: u32 = 1;

/// What an image is made of. Two builds of equal specifications that name a
/// secret give equal bytes, on any machine; so do two builds in one cache.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSpec {
    /// The guest.
    pub manifest: Manifest,
    /// Modules to import besides the standard preload list.
    pub preload: Vec<String>,
    /// Whether it is the standard image: the usual modules (those of the standard
    /// library, numpy, pandas, matplotlib) are imported, and the packages that the
    /// manifest pins can be. Default: true.
    pub standard_preload: bool,
    /// Pure-Python packages that the guest can import besides its own and, in the
    /// standard image, besides those of the manifest; of one that is named here, this
    /// version takes the other's place.
    pub packages: Vec<Requirement>,
    /// What the guest's random bytes follow from while it boots, and with them
    /// the secret by which it hashes strings. Default: none, which takes an
    /// image of the cache's own secret, or one that was pulled; a build then
    /// uses the cache's own, which is drawn once.
    pub secret: Option<ImageSecret>,
    /// What the guest's clock shows when it boots, in seconds since 1970.
    /// Sessions have their own clocks. Default: [`ImageSpec::BOOT_UNIX_S`].
    pub boot_unix_s: u64,
}

impl ImageSpec {
    /// The default time at which images boot: the beginning of
    /// 2026.
    pub const BOOT_UNIX_S: u64 = 1_767_225_600;
    /// The latest time at which an image can boot.
    pub const BOOT_UNIX_S_MAX: u64 = 17_000_000_000;

    /// The standard image of a guest: the standard preload list, nothing else.
    #[must_use]
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            preload: Vec::new(),
            standard_preload: true,
            packages: Vec::new(),
            secret: None,
            boot_unix_s: Self::BOOT_UNIX_S,
        }
    }

    /// The standard image of the guest shipped with memex.
    ///
    /// # Errors
    /// When the embedded manifest does not parse, which a test excludes.
    pub fn standard() -> Result<Self, Error> {
        Ok(Self::new(Manifest::default_guest()?))
    }

    /// The packages that the manifest pins, for an image that has them.
    pub(crate) fn standard_packages(&self) -> &[Package] {
        match self.standard_preload {
            true => &self.manifest.wheels,
            false => &[],
        }
    }

    /// Whether the guest is shown any packages beside its library.
    pub(crate) fn has_packages(&self) -> bool {
        !self.packages.is_empty() || !self.standard_packages().is_empty()
    }

    /// The key of what code is compiled from, on any machine and for any
    /// metering.
    pub(super) fn code_inputs(&self) -> String {
        key("code inputs", CODE_BUILD_VERSION, |hash| {
            self.code_fields(hash);
        })
    }

    fn code_fields(&self, hash: &mut blake3::Hasher) {
        for file in &self.manifest.files {
            field(hash, file.sha256.to_string().as_bytes());
        }
        field(hash, self.manifest.code_form().as_bytes());
    }

    /// The key of the compiled code: every input of the compilation.
    pub(crate) fn code_key(&self, metering: Metering, engine_hash: &str) -> String {
        key("code", CODE_BUILD_VERSION, |hash| {
            self.code_fields(hash);
            field(hash, metering.name().as_bytes());
            // wasmtime's version, the compiler's flags and the host's CPU
            // features, as the engine itself counts them.
            field(hash, engine_hash.as_bytes());
        })
    }

    /// The key of the packages: what was asked for, and the guest whose own
    /// packages they are to go with. What that came to is in the entry.
    pub(crate) fn packages_key(&self) -> String {
        key("packages", CODE_BUILD_VERSION, |hash| {
            field(hash, self.manifest.digest().to_string().as_bytes());
            field(hash, &[u8::from(self.standard_packages().is_empty())]);
            for requirement in self.requirements() {
                field(hash, requirement.to_string().as_bytes());
            }
        })
    }

    /// The key of packages that came to other wheels than those that the same
    /// requirements came to in this cache before.
    pub(crate) fn packages_key_of(&self, wheels: &[Wheel]) -> String {
        key("packages of an image", CODE_BUILD_VERSION, |hash| {
            field(hash, self.packages_key().as_bytes());
            wheel_fields(hash, wheels);
        })
    }

    /// The packages, each once, in order.
    pub(crate) fn requirements(&self) -> Vec<Requirement> {
        let mut requirements = self.packages.clone();
        requirements.sort();
        requirements.dedup();
        requirements
    }

    /// The key of an image's inputs: of its recipe and its secret, by the
    /// secret's tag. What is built of them is named by its content.
    pub(super) fn inputs(recipe: &str, tag: &str) -> String {
        key("image", IMAGE_BUILD_VERSION, |hash| {
            field(hash, recipe.as_bytes());
            field(hash, tag.as_bytes());
        })
    }

    /// The key of every input of the boot but the secret, with the wheels that
    /// the packages came to.
    pub(crate) fn recipe(&self, sources: &[(&str, &str)], wheels: &[Wheel]) -> String {
        key("recipe", IMAGE_BUILD_VERSION, |hash| {
            field(hash, &self.boot_unix_s.to_le_bytes());
            field(hash, self.manifest.digest().to_string().as_bytes());
            field(hash, memex_guest_python::BOOTSTRAP.as_bytes());
            field(hash, memex_guest_python::SITUATIONS.as_bytes());
            field(hash, memex_guest_python::IMMORTALS.as_bytes());
            for (name, source) in sources {
                field(hash, name.as_bytes());
                field(hash, source.as_bytes());
            }
            field(hash, &[u8::from(self.standard_preload)]);
            for module in &self.preload {
                field(hash, module.as_bytes());
            }
            if !wheels.is_empty() {
                // Apart from the modules, whose number is open.
                field(hash, b"packages");
            }
            wheel_fields(hash, wheels);
        })
    }
}

fn wheel_fields(hash: &mut blake3::Hasher, wheels: &[Wheel]) {
    for wheel in wheels {
        field(hash, wheel.file.as_bytes());
        field(hash, wheel.sha256.to_string().as_bytes());
    }
}

fn key(kind: &str, version: u32, fields: impl FnOnce(&mut blake3::Hasher)) -> String {
    let mut hash = blake3::Hasher::new();
    field(&mut hash, kind.as_bytes());
    field(&mut hash, &version.to_le_bytes());
    field(&mut hash, env!("CARGO_PKG_VERSION").as_bytes());
    fields(&mut hash);
    hash.finalize()
        .to_hex()
        .as_str()
        .get(..32)
        .unwrap_or_default()
        .to_owned()
}

/// Length first, so that no two lists of fields hash alike.
fn field(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
