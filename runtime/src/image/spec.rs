//! What an image is to contain, and the key that follows from it.

use crate::engine::Metering;
use crate::error::Error;
use memex_guest_python::Manifest;

/// Counts changes of the formats and of the steps of a build: an entry of
/// another version is built anew.
const BUILD_VERSION: u32 = 1;

/// What an image is made of. Two equal specifications give images that are
/// equal for every purpose, except for hash randomisation: the secret that
/// orders sets of strings is drawn at build time.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSpec {
    /// The guest.
    pub manifest: Manifest,
    /// Modules to import besides the standard preload list.
    pub preload: Vec<String>,
    /// Whether the standard preload list (the usual standard modules, numpy,
    /// pandas, matplotlib) is imported. Default: true.
    pub standard_preload: bool,
}

impl ImageSpec {
    /// The standard image of a guest: the standard preload list, nothing else.
    #[must_use]
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            preload: Vec::new(),
            standard_preload: true,
        }
    }

    /// The standard image of the guest shipped with memex.
    ///
    /// # Errors
    /// When the embedded manifest does not parse, which a test excludes.
    pub fn standard() -> Result<Self, Error> {
        Ok(Self::new(Manifest::default_guest()?))
    }

    /// The key of the compiled code: every input of the compilation.
    pub(crate) fn code_key(&self, metering: Metering, engine_hash: &str) -> String {
        key("code", |hash| {
            for file in &self.manifest.files {
                field(hash, file.sha256.to_string().as_bytes());
            }
            field(hash, format!("{:?}", self.manifest.module).as_bytes());
            field(hash, metering.name().as_bytes());
            // wasmtime's version, the compiler's flags and the host's CPU
            // features, as the engine itself counts them.
            field(hash, engine_hash.as_bytes());
        })
    }

    /// The key of the memory image: every input of the boot.
    pub(crate) fn image_key(&self, sources: &[(&str, &str)]) -> String {
        key("image", |hash| {
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
        })
    }
}

fn key(kind: &str, fields: impl FnOnce(&mut blake3::Hasher)) -> String {
    let mut hash = blake3::Hasher::new();
    field(&mut hash, kind.as_bytes());
    field(&mut hash, &BUILD_VERSION.to_le_bytes());
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
