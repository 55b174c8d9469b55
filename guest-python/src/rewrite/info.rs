//! The contents of a module that matter for saving state.

use wasmparser::{ExternalKind, GlobalType, ValType};

use super::names::FunctionNames;
use crate::error::Error;

/// An import of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportEntry<'a> {
    /// The module imported from.
    pub module: &'a str,
    /// The name in it.
    pub name: &'a str,
    /// Whether it is a global that can change.
    pub mutable_global: bool,
}

/// An export of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: ExternalKind,
    /// The index of what it is.
    pub index: u32,
}

/// A memory of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEntry {
    /// The size it starts with, in its own pages.
    pub minimum_pages: u64,
    /// The size it may grow to, in its own pages.
    pub maximum_pages: Option<u64>,
    /// Whether its addresses have 64 bits.
    pub memory64: bool,
    /// Whether threads can share it.
    pub shared: bool,
    /// Whether its pages are not of 64 KiB.
    pub custom_page_size: bool,
    /// Whether it is imported.
    pub imported: bool,
}

/// The type of a mutable global's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalKind {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 128-bit vector.
    V128,
}

impl GlobalKind {
    pub(super) fn of(global: &GlobalType, index: u32) -> Result<Self, Error> {
        match global.content_type {
            ValType::I32 => Ok(Self::I32),
            ValType::I64 => Ok(Self::I64),
            ValType::F32 => Ok(Self::F32),
            ValType::F64 => Ok(Self::F64),
            ValType::V128 => Ok(Self::V128),
            ValType::Ref(_) => Err(Error::ReferenceGlobal { index }),
        }
    }
}

/// What [`inspect`](super::inspect) found in a module. It borrows from the
/// module's bytes.
#[derive(Clone, Debug)]
pub struct ModuleInfo<'a> {
    /// What it asks for.
    pub imports: Vec<ImportEntry<'a>>,
    /// What it offers.
    pub exports: Vec<ExportEntry<'a>>,
    /// Its memories.
    pub memories: Vec<MemoryEntry>,
    /// The globals it defines that can change: index, and type unless that is a
    /// reference.
    pub mutable_globals: Vec<(u32, Option<GlobalKind>)>,
    /// How many active data segments it has.
    pub active_segments: usize,
    /// How many passive data segments it has.
    pub passive_segments: usize,
    /// How many `memory.init` and `data.drop` operations it has.
    pub segment_operations: u64,
    /// How many operations it has that change a table.
    pub table_changes: u64,
    /// Its start function.
    pub start: Option<u32>,
    /// Its functions by name.
    pub functions: FunctionNames<'a>,
}

impl ModuleInfo<'_> {
    /// Refuses a module whose state at rest is more than memory and globals.
    pub(crate) fn check_state(&self) -> Result<(), Error> {
        check_memory(&self.memories)?;
        if let Some(import) = self.imports.iter().find(|import| import.mutable_global) {
            return Err(Error::MutableGlobalImport {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
            });
        }
        if let Some((index, _)) = self.mutable_globals.iter().find(|(_, kind)| kind.is_none()) {
            return Err(Error::ReferenceGlobal { index: *index });
        }
        if self.passive_segments > 0 || self.segment_operations > 0 {
            return Err(Error::PassiveData {
                segments: self.passive_segments,
                operations: self.segment_operations,
            });
        }
        if self.table_changes > 0 {
            return Err(Error::TableChange {
                operations: self.table_changes,
            });
        }
        match self.start {
            Some(_) => Err(Error::StartFunction),
            None => Ok(()),
        }
    }

    /// Refuses a flag that lies outside the memory the module starts with.
    pub(crate) fn check_flag(&self, address: u32) -> Result<(), Error> {
        let pages = self
            .memories
            .first()
            .map_or(0, |memory| memory.minimum_pages);
        check_flag(address, pages)
    }
}

/// Refuses all but one plain memory.
pub(super) fn check_memory(memories: &[MemoryEntry]) -> Result<MemoryEntry, Error> {
    let reason = match memories {
        [] => "there is none",
        [memory] if memory.imported => "it is imported",
        [memory] if memory.memory64 => "its addresses have 64 bits",
        [memory] if memory.shared => "threads can share it",
        [memory] if memory.custom_page_size => "its pages are not of 64 KiB",
        [memory] => return Ok(*memory),
        _ => "there is more than one",
    };
    Err(Error::Memory { reason })
}

/// Refuses a flag that is not four aligned bytes of the initial memory.
pub(super) fn check_flag(address: u32, memory_pages: u64) -> Result<(), Error> {
    let reason = if !address.is_multiple_of(4) {
        "it is not a multiple of 4"
    } else if u64::from(address) + 4 > memory_pages.saturating_mul(1 << 16) {
        "it lies outside the memory the module starts with"
    } else {
        return Ok(());
    };
    Err(Error::FlagAddress { address, reason })
}
