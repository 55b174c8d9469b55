//! The description of an image: the text whose digest is its name.

use super::map::GuestMap;
use super::spec::{IMAGE_BUILD_VERSION, ImageSpec};
use crate::error::Error;
use crate::platform::PAGE_BYTES;
use memex_guest_python::{Manifest, PYTHON_SOURCES, Requirement, Wheel};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(super) const DESCRIPTION_FILE: &str = "image.json";
/// Longest description: 200 wheels and a map are far below.
pub(super) const DESCRIPTION_BYTES_MAX: u64 = 1 << 20;
/// Most bytes of memory that an image can have.
pub(super) const MEMORY_BYTES_MAX: u64 = crate::memory::CAPACITY_BYTES as u64;
/// Most wheels of an image.
const WHEELS_MAX: usize = 200;
const FORMAT: u32 = 1;

// Descriptions travel between machines: another form is another number.
const _: () = assert!(FORMAT == 1 && IMAGE_BUILD_VERSION == 2);

/// What an image was made from and what came of it. Its name is the BLAKE3
/// digest of this, as text: so it names the memory, the map of it, and the
/// inputs of the code that runs on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    format: u32,
    /// The version of memex that built it.
    pub(super) memex: String,
    build: u32,
    pub(super) guest: String,
    /// Digest of the guest's manifest.
    manifest: String,
    /// Key of what the code is compiled from.
    code: String,
    /// Key of the inputs of the boot, except for the secret.
    pub(super) recipe: String,
    /// What names the secret.
    pub(super) secret: String,
    boot_unix_s: u64,
    standard_preload: bool,
    pub(super) preload: Vec<String>,
    /// Packages that were asked for.
    pub(super) packages: Vec<String>,
    /// The resolved wheels.
    pub(super) wheels: Vec<Wheel>,
    pub(super) memory: Memory,
    pub(super) map: GuestMap,
}

/// The memory of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    pub(super) bytes: u64,
    /// Pages that are not zero.
    used_pages: u64,
    pub(super) blake3: String,
}

/// The part of a description that every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Description {
    pub(super) fn new(
        spec: &ImageSpec,
        wheels: &[Wheel],
        secret: String,
        memory: &[u8],
        map: GuestMap,
    ) -> Self {
        let used = |page: &&[u8]| page.iter().any(|&byte| byte != 0);
        Self {
            format: FORMAT,
            memex: env!("CARGO_PKG_VERSION").to_owned(),
            build: IMAGE_BUILD_VERSION,
            guest: spec.manifest.name.clone(),
            manifest: spec.manifest.digest().to_string(),
            code: spec.code_inputs(),
            recipe: spec.recipe(PYTHON_SOURCES, wheels),
            secret,
            boot_unix_s: spec.boot_unix_s,
            standard_preload: spec.standard_preload,
            preload: spec.preload.clone(),
            packages: spec
                .requirements()
                .iter()
                .map(ToString::to_string)
                .collect(),
            wheels: wheels.to_vec(),
            memory: Memory {
                bytes: memory.len() as u64,
                used_pages: memory.chunks(PAGE_BYTES).filter(used).count() as u64,
                blake3: blake3::hash(memory).to_hex().to_string(),
            },
            map,
        }
    }

    /// The text, whose digest is the name.
    pub(super) fn text(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map_err(|error| Error::Calibration(error.to_string()))
    }

    /// Reads a text. That it has this name was checked, or is checked then.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self, Misread> {
        if name_of(text) != name {
            return Err(Misread::Damaged("its digest is not its name".into()));
        }
        let head: Head =
            serde_json::from_str(text).map_err(|error| Misread::Damaged(error.to_string()))?;
        if head.format != FORMAT {
            return Err(Misread::OtherFormat(head.format));
        }
        let description: Self =
            serde_json::from_str(text).map_err(|error| Misread::Damaged(error.to_string()))?;
        let bytes = description.memory.bytes;
        let whole = bytes.is_multiple_of(PAGE_BYTES as u64);
        if !whole || bytes == 0 || bytes > MEMORY_BYTES_MAX {
            return Err(Misread::Damaged("its memory has an impossible size".into()));
        }
        // They become names of files.
        let is_plain = |wheel: &Wheel| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._+!-".contains(c);
            wheel.file.ends_with(".whl")
                && !wheel.file.starts_with('.')
                && wheel.file.len() <= 255
                && wheel.file.chars().all(plain)
        };
        if description.wheels.len() > WHEELS_MAX || !description.wheels.iter().all(is_plain) {
            return Err(Misread::Damaged("it names files that are no wheels".into()));
        }
        Ok(description)
    }

    /// Reads the description of an entry.
    pub(super) fn read(directory: &Path, name: &str) -> Result<Self, Error> {
        let path = directory.join(DESCRIPTION_FILE);
        let mut text = String::new();
        File::open(&path)
            .and_then(|file| file.take(DESCRIPTION_BYTES_MAX).read_to_string(&mut text))
            .map_err(Error::file("read", &path))?;
        Self::parse(&text, name).map_err(|misread| match misread {
            Misread::OtherFormat(_) => Error::OtherVersion {
                path: directory.into(),
            },
            Misread::Damaged(reason) => Error::Damaged { path, reason },
        })
    }

    /// The specification that it was built from, without the secret; `None`
    /// when it names packages in a way that this version does not.
    pub(super) fn spec(&self, manifest: &Manifest) -> Option<ImageSpec> {
        let parsed = self.packages.iter().map(|text| Requirement::parse(text));
        Some(ImageSpec {
            preload: self.preload.clone(),
            standard_preload: self.standard_preload,
            packages: parsed.collect::<Result<_, _>>().ok()?,
            boot_unix_s: self.boot_unix_s,
            ..ImageSpec::new(manifest.clone())
        })
    }

    /// Why no session of this version and guest can start from it; `None` when
    /// one can. What it says of its inputs is not believed but computed anew.
    pub(super) fn outdated(&self, manifest: &Manifest) -> Option<String> {
        let own = env!("CARGO_PKG_VERSION");
        if self.memex != own {
            return Some(format!("memex {} built it, and this is {own}", self.memex));
        }
        if self.manifest != manifest.digest().to_string() {
            return Some(format!("it has another guest, {}", self.guest));
        }
        let spec = self.spec(manifest);
        let same = spec.is_some_and(|spec| {
            self.build == IMAGE_BUILD_VERSION
                && self.code == spec.code_inputs()
                && self.recipe == spec.recipe(PYTHON_SOURCES, &self.wheels)
        });
        (!same).then(|| format!("another build of memex {own} made it"))
    }

    /// In what it differs from what a specification asks for; `None` when it
    /// is that.
    pub(super) fn differs(&self, spec: &ImageSpec) -> Option<String> {
        let requirements = spec.requirements();
        let packages: Vec<String> = requirements.iter().map(ToString::to_string).collect();
        if self.preload != spec.preload || self.standard_preload != spec.standard_preload {
            return Some(format!("it has other modules: {}", listed(&self.preload)));
        }
        if self.packages != packages {
            return Some(format!("it has other packages: {}", listed(&self.packages)));
        }
        if self.boot_unix_s != spec.boot_unix_s {
            return Some("it booted at another time".into());
        }
        let wanted = spec.secret.as_ref();
        let other = wanted.is_some_and(|secret| secret.tag() != self.secret);
        other.then(|| "it has another secret".into())
    }

    /// The key under which it is built.
    pub(super) fn inputs(&self) -> String {
        ImageSpec::inputs(&self.recipe, &self.secret)
    }
}

fn listed(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// The name of the image with this description.
pub(super) fn name_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Why a text is no description.
#[derive(Debug)]
pub(super) enum Misread {
    OtherFormat(u32),
    Damaged(String),
}
