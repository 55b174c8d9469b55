//! The whole of a module, put together anew.

use wasm_encoder::{CustomSection, Encode, Module, RawSection, SectionId};
use wasmparser::ExternalKind;

use super::body::{BodyPlan, BulkFunctions};
use super::info::{GlobalKind, check_flag, check_memory};
use super::inspect::memories;
use super::layout::{Layout, Section};
use super::options::{GlobalExport, Report, RewriteOptions, Rewritten};
use super::sections::{Addition, keeps_custom};
use super::{bulk, floats, index, narrow, offload, parallel, patch, segments, wrap};
use crate::error::Error;

/// Makes a module ready for the runtime, as [`RewriteOptions`] says. Always:
/// mutable globals are exported as `memex_global_` and their index, active data
/// segments are taken out and returned, debug sections are dropped.
///
/// # Errors
/// An [`Error`] that names what in the module stands against it: a memory that
/// is not plain, passive data, a start function, a function that is missing or
/// not the only one of its name, a wrapped function that leaves by a tail call,
/// a flag where the module keeps data, bytes to be replaced that are not there.
pub fn rewrite(wasm: &[u8], options: &RewriteOptions) -> Result<Rewritten, Error> {
    let layout = Layout::read(wasm)?;
    if layout.start.is_some() {
        return Err(Error::StartFunction);
    }
    let memory = check_memory(&memories(&layout))?;
    let mut segments = segments::take(&layout)?;
    if let Some(address) = options.interrupt_flag_address {
        check_flag(address, memory.minimum_pages)?;
        segments::check_flag(&segments, address)?;
    }
    patch::data(&mut segments, &options.patches)?;
    let globals = exported_globals(&layout)?;
    let mut additions = Additions::default();
    additions.export(&layout, options, &globals)?;
    let plan = additions.plan(&layout, options)?;
    let bodies = parallel::over(&layout.bodies, |first, bodies| plan.apply(first, bodies))?;
    let mut report = Report::default();
    for run in &bodies {
        report.add(&run.report);
    }
    let code = bodies.into_iter().map(|run| run.code).collect();
    Ok(Rewritten {
        wasm: additions.assemble(&layout, code, options)?,
        segments,
        globals,
        memory_minimum_pages: memory.minimum_pages,
        report,
    })
}

fn exported_globals(layout: &Layout<'_>) -> Result<Vec<GlobalExport>, Error> {
    let export = |(index, global): (u32, &wasmparser::GlobalType)| {
        Ok(GlobalExport {
            index,
            export: format!("memex_global_{index}"),
            kind: GlobalKind::of(global, index)?,
        })
    };
    layout.mutable_globals().map(export).collect()
}

/// The additions to a module's sections.
#[derive(Default)]
struct Additions {
    types: Addition,
    functions: Addition,
    exports: Addition,
    code: Addition,
}

impl Additions {
    fn export(
        &mut self,
        layout: &Layout<'_>,
        options: &RewriteOptions,
        globals: &[GlobalExport],
    ) -> Result<(), Error> {
        let mut wanted = Vec::with_capacity(globals.len() + options.exports.len());
        for global in globals {
            wanted.push((global.export.as_str(), ExternalKind::Global, global.index));
        }
        for (name, export) in &options.exports {
            let index = layout.names.index(name)?;
            wanted.push((export.as_str(), ExternalKind::Func, index));
        }
        let present = layout.exports.iter();
        let mut taken: Vec<_> = present
            .map(|export| (export.name, export.kind, export.index))
            .collect();
        for entry in wanted {
            let (name, kind, index) = entry;
            match taken.iter().find(|(taken, ..)| *taken == name) {
                Some(same) if *same == entry => {}
                Some(_) => {
                    return Err(Error::ExportTaken {
                        name: name.to_owned(),
                    });
                }
                None => {
                    taken.push(entry);
                    self.exports.push(|bytes| {
                        name.encode(bytes);
                        wasm_encoder::ExportKind::from(kind).encode(bytes);
                        index.encode(bytes);
                    });
                }
            }
        }
        Ok(())
    }

    fn plan(&mut self, layout: &Layout<'_>, options: &RewriteOptions) -> Result<BodyPlan, Error> {
        let mut plan = BodyPlan {
            flag: options.interrupt_flag_address,
            patched: patch::bodies(layout, &options.patches)?,
            prologues: offload::prologues(layout, &options.offloads)?,
            ..BodyPlan::default()
        };
        let first_type = layout.types.len() as u32;
        let mut block_types = Vec::new();
        for (name, bytes) in &options.wrap_shadow_stack {
            let wanted = (name.as_str(), *bytes);
            let (body, wrap) = wrap::plan(layout, wanted, first_type, &mut block_types)?;
            if plan.wraps.insert(body, wrap).is_some() {
                return Err(Error::Wrap {
                    name: name.clone(),
                    reason: "it is to be wrapped twice",
                });
            }
        }
        for results in &block_types {
            self.types.push(|bytes| wrap::encode_type(results, bytes));
        }
        if options.chunk_bulk_memory {
            let flag = options
                .interrupt_flag_address
                .ok_or(Error::ChunkWithoutFlag)?;
            let ty = first_type + self.types.entries;
            self.types
                .push(|bytes| wrap::encode_function_type(&bulk::PARAMETERS, &[], bytes));
            for body in [bulk::copy_function(flag), bulk::fill_function(flag)] {
                self.functions.push(|bytes| ty.encode(bytes));
                self.code.push(|bytes| bytes.extend_from_slice(&body));
            }
            let copy = layout.function_types.len() as u32;
            let fill = copy + 1;
            plan.bulk = Some(BulkFunctions { copy, fill });
        }
        self.narrow(layout, options, &mut plan)?;
        self.index(layout, options, &mut plan)?;
        self.floats(layout, options, &mut plan)?;
        Ok(plan)
    }

    fn narrow(
        &mut self,
        layout: &Layout<'_>,
        options: &RewriteOptions,
        plan: &mut BodyPlan,
    ) -> Result<(), Error> {
        for narrowing in &options.narrowings {
            let (position, from) = narrow::find(layout, narrowing)?;
            let ty = layout.types.len() as u32 + self.types.entries;
            self.types.push(|bytes| {
                wrap::encode_function_type(&narrow::PARAMETERS, &narrow::RESULTS, bytes);
            });
            let to = layout.function_types.len() as u32 + self.functions.entries;
            self.functions.push(|bytes| ty.encode(bytes));
            let body = narrow::function(from, options.interrupt_flag_address);
            self.code.push(|bytes| bytes.extend_from_slice(&body));
            plan.redirected
                .entry(position)
                .or_default()
                .insert(from, to);
        }
        Ok(())
    }

    fn index(
        &mut self,
        layout: &Layout<'_>,
        options: &RewriteOptions,
        plan: &mut BodyPlan,
    ) -> Result<(), Error> {
        for call in &options.indexing {
            let found = index::find(layout, call)?;
            let ty = layout.types.len() as u32 + self.types.entries;
            self.types.push(|bytes| {
                wrap::encode_function_type(&index::PARAMETERS, &index::RESULTS, bytes);
            });
            let to = layout.function_types.len() as u32 + self.functions.entries;
            self.functions.push(|bytes| ty.encode(bytes));
            let body = index::function(&found, options.interrupt_flag_address);
            self.code.push(|bytes| bytes.extend_from_slice(&body));
            for position in found.bodies {
                let redirected = plan.redirected.entry(position).or_default();
                redirected.insert(found.prepare, to);
            }
        }
        Ok(())
    }

    fn floats(
        &mut self,
        layout: &Layout<'_>,
        options: &RewriteOptions,
        plan: &mut BodyPlan,
    ) -> Result<(), Error> {
        for loops in &options.floats {
            let ty = layout.types.len() as u32 + self.types.entries;
            self.types
                .push(|bytes| wrap::encode_function_type(&floats::PARAMETERS, &[], bytes));
            let look = layout.function_types.len() as u32 + self.functions.entries;
            self.functions.push(|bytes| ty.encode(bytes));
            let body = floats::function(loops, options.interrupt_flag_address);
            self.code.push(|bytes| bytes.extend_from_slice(&body));
            for (position, wrap) in floats::wraps(layout, loops, look)? {
                let name = wrap.name.clone();
                if plan.wraps.insert(position, wrap).is_some() {
                    let reason = "it is to be wrapped twice";
                    return Err(Error::Wrap { name, reason });
                }
            }
        }
        Ok(())
    }

    fn assemble(
        &self,
        layout: &Layout<'_>,
        code: Vec<Vec<u8>>,
        options: &RewriteOptions,
    ) -> Result<Vec<u8>, Error> {
        let added = [
            (SectionId::Type, "type", &self.types),
            (SectionId::Function, "function", &self.functions),
            (SectionId::Export, "export", &self.exports),
            (SectionId::Code, "code", &self.code),
        ];
        for (id, section, addition) in added {
            let present = layout.sections.iter().any(|section| section.id == id as u8);
            if addition.entries > 0 && !present {
                return Err(Error::MissingSection { section });
            }
        }
        let code = self.code_section(layout, code);
        let mut module = Module::new();
        for section in &layout.sections {
            self.emit(&mut module, section, &code, options)?;
        }
        Ok(module.finish())
    }

    fn emit(
        &self,
        module: &mut Module,
        section: &Section<'_>,
        code: &[u8],
        options: &RewriteOptions,
    ) -> Result<(), Error> {
        let id = section.id;
        let appended;
        let data = if id == SectionId::Data as u8 || id == SectionId::DataCount as u8 {
            return Ok(());
        } else if id == SectionId::Custom as u8 {
            let name = section.custom_name.unwrap_or_default();
            if keeps_custom(name, options.keep_names) {
                module.section(&CustomSection {
                    name: name.into(),
                    data: section.contents.into(),
                });
            }
            return Ok(());
        } else if id == SectionId::Code as u8 {
            code
        } else if let Some(addition) = self.of_section(id) {
            appended = addition.append_to(section)?;
            &appended
        } else {
            section.contents
        };
        module.section(&RawSection { id, data });
        Ok(())
    }

    fn of_section(&self, id: u8) -> Option<&Addition> {
        match id {
            id if id == SectionId::Type as u8 => Some(&self.types),
            id if id == SectionId::Function as u8 => Some(&self.functions),
            id if id == SectionId::Export as u8 => Some(&self.exports),
            _ => None,
        }
    }

    fn code_section(&self, layout: &Layout<'_>, code: Vec<Vec<u8>>) -> Vec<u8> {
        let bytes: usize = code.iter().map(Vec::len).sum();
        let mut contents = Vec::with_capacity(bytes + self.code.bytes.len() + 5);
        (layout.bodies.len() + self.code.entries as usize).encode(&mut contents);
        for run in code {
            contents.extend_from_slice(&run);
        }
        contents.extend_from_slice(&self.code.bytes);
        contents
    }
}
