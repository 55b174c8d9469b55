//! The errors of this crate. All are host faults of setting up; none arises
//! while a session runs.

use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Sha256Digest;

/// Why a guest could not be described, fetched or made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest is not TOML of the expected form.
    #[error("the guest manifest cannot be read: {0}")]
    ManifestSyntax(#[from] toml::de::Error),

    /// A field of the manifest has a value that is not allowed.
    #[error("the guest manifest's `{field}` is {value:?}: {rule}")]
    ManifestValue {
        /// The field, as a dotted path.
        field: String,
        /// Its value.
        value: String,
        /// The rule for the value.
        rule: &'static str,
    },

    /// The bytes are not a WebAssembly module.
    #[error("the guest module is malformed at byte {offset}: {detail}\nhint: fetch the guest anew")]
    Malformed {
        /// The place in the file.
        offset: usize,
        /// The parser's error.
        detail: String,
    },

    /// The module lacks a section every guest has.
    #[error("the guest module has no {section} section")]
    MissingSection {
        /// The section's name in the WebAssembly specification.
        section: &'static str,
    },

    /// The module's memories are not one plain 32-bit memory of its own.
    #[error(
        "the guest module's memory is not supported: {reason}\nhint: a guest needs exactly one \
         memory of its own, 32-bit, unshared, with 64 KiB pages"
    )]
    Memory {
        /// The unusual property.
        reason: &'static str,
    },

    /// State would live in a global the session does not own.
    #[error(
        "the guest module imports the mutable global `{module}.{name}`; its state could not be saved"
    )]
    MutableGlobalImport {
        /// The module it is imported from.
        module: String,
        /// Its name there.
        name: String,
    },

    /// State would live in a reference, which has no bytes to save.
    #[error(
        "the guest module's mutable global {index} holds a reference; its state could not be saved"
    )]
    ReferenceGlobal {
        /// The index of the global.
        index: u32,
    },

    /// Whether a passive segment was dropped is state the host cannot see.
    #[error(
        "the guest module has {segments} passive data segments and {operations} operations on segments; only active ones are supported"
    )]
    PassiveData {
        /// How many passive segments it has.
        segments: usize,
        /// How many `memory.init` and `data.drop` operations it has.
        operations: u64,
    },

    /// A table that changes is state outside memory.
    #[error(
        "the guest module changes its tables at run time ({operations} operations); their state could not be saved"
    )]
    TableChange {
        /// How many such operations it has.
        operations: u64,
    },

    /// A start function would run before the host has filled memory.
    #[error(
        "the guest module has a start function; a guest is started by its `_initialize` export only"
    )]
    StartFunction,

    /// A data segment's place is not a constant.
    #[error("data segment {index} of the guest module has no constant offset in memory 0")]
    SegmentOffset {
        /// The index of the segment.
        index: usize,
    },

    /// The interrupt flag's address is unusable.
    #[error("the interrupt flag cannot be at address {address}: {reason}")]
    FlagAddress {
        /// The address asked for.
        address: u32,
        /// The problem.
        reason: &'static str,
    },

    /// The module asks for something the manifest does not grant.
    #[error("the guest module imports `{module}.{name}`, which its manifest does not list")]
    UnexpectedImport {
        /// The module it is imported from.
        module: String,
        /// Its name there.
        name: String,
    },

    /// The module does not ask for something the manifest says it needs.
    #[error("the guest module does not import `{module}.{name}`, which its manifest requires")]
    MissingImport {
        /// The module it should be imported from.
        module: String,
        /// Its name there.
        name: String,
    },

    /// The module does not export something the manifest says it has.
    #[error("the guest module does not export `{name}`, which its manifest requires")]
    MissingExport {
        /// The export's name.
        name: String,
    },

    /// No function has this name.
    #[error(
        "the guest module's name section has no function `{name}`\nhint: the module must be built with names kept"
    )]
    FunctionMissing {
        /// The name looked for.
        name: String,
    },

    /// More than one function has this name.
    #[error("the guest module has {count} functions named `{name}`; none of them is taken")]
    FunctionAmbiguous {
        /// The name looked for.
        name: String,
        /// How many have it.
        count: usize,
    },

    /// An export to be added has a name that is in use for something else.
    #[error("the guest module already exports something else as `{name}`")]
    ExportTaken {
        /// The export's name.
        name: String,
    },

    /// A function to be wrapped is not of a kind that can be.
    #[error("the function `{name}` cannot be wrapped: {reason}")]
    Wrap {
        /// The function's name.
        name: String,
        /// What stands against it.
        reason: &'static str,
    },

    /// A function to be changed has no body.
    #[error("the function `{name}` cannot be changed: the guest module imports it")]
    Imported {
        /// The function's name.
        name: String,
    },

    /// The module does not have the bytes to be replaced.
    #[error(
        "{place} of the guest module has the bytes `{pattern}` {found} times, not {expected}\nhint: \
         the manifest's patches are for another build of this guest; correct `[[module.patch]]`"
    )]
    Patch {
        /// Where they should be.
        place: String,
        /// The bytes looked for.
        pattern: String,
        /// How often they are there.
        found: usize,
        /// How often they should be there.
        expected: usize,
    },

    /// A call that decides about a cast is not as expected.
    #[error(
        "the call of `{calls}` in `{function}` of the guest module cannot be narrowed: {reason}\nhint: \
         the manifest is for another build of this guest; correct `[[module.narrowing]]`"
    )]
    Narrowing {
        /// The function that should call.
        function: String,
        /// The function it should call.
        calls: String,
        /// What stands against it.
        reason: &'static str,
    },

    /// Bulk operations were to be cut without a flag to look at in between.
    #[error(
        "`chunk_bulk_memory` needs `interrupt_flag_address`: without a flag there is nothing to check between chunks"
    )]
    ChunkWithoutFlag,

    /// No Python interpreter was found.
    #[error(
        "no Python interpreter was found (tried {tried})\nhint: install Python 3 with pip, or give the wheel as a file"
    )]
    NoPython {
        /// The commands tried.
        tried: String,
    },

    /// Python has no package client.
    #[error(
        "`{python}` has no pip\nhint: run `{python} -m ensurepip`, or give the wheel as a file"
    )]
    NoPip {
        /// The interpreter.
        python: String,
    },

    /// The package index could not be reached.
    #[error(
        "the package index could not be reached for `{package}`: {detail}\nhint: check the network and pip's configuration, or give the wheel as a file"
    )]
    NoNetwork {
        /// The package asked for.
        package: String,
        /// The last lines of the package client.
        detail: String,
    },

    /// The package index does not have the package.
    #[error(
        "the package index does not offer `{package}`: {detail}\nhint: check which index pip is configured for"
    )]
    NoPackage {
        /// The package asked for.
        package: String,
        /// The last lines of the package client.
        detail: String,
    },

    /// The package client failed in some other way.
    #[error(
        "the package client failed on `{package}` ({status}): {detail}\nhint: run `python3 -m pip download {package}` to see more"
    )]
    ClientFailed {
        /// The package asked for.
        package: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        detail: String,
    },

    /// The downloaded or given package is not the pinned one.
    #[error(
        "the package `{package}` is not the pinned one, whose digest is {expected}: {found}\nhint: it is not the build this guest was proved with; do not use it"
    )]
    PackageDigest {
        /// The package or the file.
        package: String,
        /// The digest in the manifest.
        expected: Sha256Digest,
        /// The actual value.
        found: String,
    },

    /// A text does not name a package and its version.
    #[error(
        "`{text}` names no package: {reason}\nhint: write NAME==VERSION, such as humanize==4.9.0"
    )]
    Requirement {
        /// The given value.
        text: String,
        /// The problem.
        reason: &'static str,
    },

    /// A package is part of the guest in another version.
    #[error(
        "`{name}` is part of the guest, in version {bundled}; {asked} cannot be added beside it\nhint: leave it out, or write {name}=={bundled}"
    )]
    PackageBundled {
        /// The package.
        name: String,
        /// The guest's version.
        bundled: String,
        /// The version asked for.
        asked: String,
    },

    /// No index has a package of this name.
    #[error(
        "there is no package `{name}`{needed}\nhint: check the spelling, and which index pip is configured for"
    )]
    PackageUnknown {
        /// The package.
        name: String,
        /// The package that needs it, in words, if it was not requested itself.
        needed: String,
    },

    /// The package has other versions only.
    #[error("`{name}` has no version {asked}{needed}; there are {offered}\nhint: name one of them")]
    PackageVersion {
        /// The package.
        name: String,
        /// The version asked for, or the versions.
        asked: String,
        /// The package that needs it, in words, if it was not requested itself.
        needed: String,
        /// The versions there are, newest first.
        offered: String,
    },

    /// The package has no wheel that the guest could use.
    #[error(
        "`{package}`{needed} is native code, or a source distribution: it has no pure-Python wheel for Python {python}, and an image takes nothing else\nhint: {instead}"
    )]
    PackageNative {
        /// The package.
        package: String,
        /// The package that needs it, in words, if it was not requested itself.
        needed: String,
        /// The guest's version of Python.
        python: String,
        /// What serves instead.
        instead: String,
    },

    /// Packages ask for versions that cannot be had together.
    #[error(
        "the packages do not go together: {detail}\nhint: name other versions; a (constraint) is a package of the guest, which stays"
    )]
    PackageConflict {
        /// The contradiction.
        detail: String,
    },

    /// A wheel holds what is not taken.
    #[error("the package file {wheel} is refused: {reason}")]
    PackageWheel {
        /// The file's name.
        wheel: String,
        /// The problem.
        reason: String,
    },

    /// The packages are larger than they may be.
    #[error("the packages are too many or too large: {reason}\nhint: name fewer of them")]
    PackagesTooLarge {
        /// Which bound they pass.
        reason: String,
    },

    /// The file system is full.
    #[error("no space is left to write {}\nhint: the guest's files need about 300 MB while being fetched", .path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },

    /// A file operation failed.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// An archive cannot be read.
    #[error("the archive {} cannot be read: {source}\nhint: fetch the guest anew", .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What its reader found.
        source: zip::result::ZipError,
    },

    /// An archive's member is not what the manifest says.
    #[error("the member `{member}` of {} is refused: {reason}", .path.display())]
    Member {
        /// The archive.
        path: PathBuf,
        /// The member's name.
        member: String,
        /// The problem.
        reason: &'static str,
    },

    /// A file of the guest is not there.
    #[error("the guest's file {} is missing\nhint: fetch the guest", .path.display())]
    NotFetched {
        /// Where it should be.
        path: PathBuf,
    },

    /// A file of the guest is not what was fetched.
    #[error("the guest's file {} was altered: {reason}\nhint: fetch the guest anew", .path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// How that shows.
        reason: &'static str,
    },

    /// Another user could have written a file of the guest.
    #[error("{} is not trusted: {reason}\nhint: remove it, or make it yours alone with chown and `chmod go-w`", .path.display())]
    Untrusted {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: &'static str,
    },
}

impl Error {
    /// Whether the caller named a package that cannot be added.
    #[must_use]
    pub fn is_about_packages(&self) -> bool {
        matches!(
            self,
            Self::Requirement { .. }
                | Self::PackageBundled { .. }
                | Self::PackageUnknown { .. }
                | Self::PackageVersion { .. }
                | Self::PackageNative { .. }
                | Self::PackageConflict { .. }
                | Self::PackageWheel { .. }
                | Self::PackagesTooLarge { .. }
        )
    }

    /// Whether a package could not be had: there is no client for it, no network, or no
    /// such package. That it is another one than it should be is another matter.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::NoPython { .. }
                | Self::NoPip { .. }
                | Self::NoNetwork { .. }
                | Self::NoPackage { .. }
                | Self::ClientFailed { .. }
        )
    }

    /// The error of a file operation; a full disk has its own variant.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::NotFound => Self::NotFetched { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// The error of reading an archive.
    pub(crate) fn archive(path: &Path) -> impl FnOnce(zip::result::ZipError) -> Self {
        let path = path.to_owned();
        move |source| Self::Archive { path, source }
    }
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(source: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed {
            offset: source.offset(),
            detail: source.message().to_owned(),
        }
    }
}
