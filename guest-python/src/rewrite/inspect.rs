//! Reading a module without changing it.

use wasmparser::{DataKind, FunctionBody, MemoryType, Operator, TypeRef};

use super::info::{ExportEntry, GlobalKind, ImportEntry, MemoryEntry, ModuleInfo};
use super::layout::Layout;
use super::parallel;
use crate::error::Error;

/// Lists the contents of a module. Every instruction is read once, on all cores.
///
/// # Errors
/// [`Error::Malformed`] when the bytes are not a WebAssembly module.
pub fn inspect(wasm: &[u8]) -> Result<ModuleInfo<'_>, Error> {
    let layout = Layout::read(wasm)?;
    let counts = parallel::over(&layout.bodies, |_, bodies| count_operations(bodies))?;
    let passive = |kind: &DataKind<'_>| matches!(kind, DataKind::Passive);
    let passive_segments = layout
        .data
        .iter()
        .filter(|data| passive(&data.kind))
        .count();
    Ok(ModuleInfo {
        imports: layout
            .imports
            .iter()
            .map(|import| ImportEntry {
                module: import.module,
                name: import.name,
                mutable_global: matches!(import.ty, TypeRef::Global(global) if global.mutable),
            })
            .collect(),
        exports: layout
            .exports
            .iter()
            .map(|export| ExportEntry {
                name: export.name,
                kind: export.kind,
                index: export.index,
            })
            .collect(),
        memories: memories(&layout),
        mutable_globals: layout
            .mutable_globals()
            .map(|(index, global)| (index, GlobalKind::of(global, index).ok()))
            .collect(),
        active_segments: layout.data.len() - passive_segments,
        passive_segments,
        segment_operations: counts.iter().map(|counts| counts.segment).sum(),
        table_changes: counts.iter().map(|counts| counts.table).sum(),
        start: layout.start,
        functions: layout.names,
    })
}

/// The memories of a module, imported ones first.
pub(super) fn memories(layout: &Layout<'_>) -> Vec<MemoryEntry> {
    let is_memory = |ty: &TypeRef| matches!(ty, TypeRef::Memory(_));
    let imported = layout
        .imports
        .iter()
        .filter(|import| is_memory(&import.ty))
        .count();
    let entry = |(index, memory): (usize, &MemoryType)| MemoryEntry {
        minimum_pages: memory.initial,
        maximum_pages: memory.maximum,
        memory64: memory.memory64,
        shared: memory.shared,
        custom_page_size: memory.page_size_log2.is_some_and(|log2| log2 != 16),
        imported: index < imported,
    };
    layout.memories.iter().enumerate().map(entry).collect()
}

#[derive(Default)]
struct Counts {
    segment: u64,
    table: u64,
}

fn count_operations(bodies: &[FunctionBody<'_>]) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for body in bodies {
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            match reader.read()? {
                Operator::MemoryInit { .. } | Operator::DataDrop { .. } => counts.segment += 1,
                Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
                | Operator::ElemDrop { .. } => counts.table += 1,
                _ => {}
            }
        }
    }
    Ok(counts)
}
