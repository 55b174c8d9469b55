//! The parts of a module, found in one pass that reads no instruction.

use wasmparser::{
    CompositeInnerType, Data, Encoding, Export, FuncType, FunctionBody, GlobalType, Import,
    KnownCustom, MemoryType, Name, Parser, Payload, TypeRef,
};

use super::names::FunctionNames;
use crate::error::Error;

/// A section as it is in the file; for the code section, only its place.
pub(super) struct Section<'a> {
    pub(super) id: u8,
    pub(super) contents: &'a [u8],
    /// The name of a custom section.
    pub(super) custom_name: Option<&'a str>,
}

/// A module taken apart.
#[derive(Default)]
pub(super) struct Layout<'a> {
    pub(super) sections: Vec<Section<'a>>,
    /// Types by index; `None` for those that are not of functions.
    pub(super) types: Vec<Option<FuncType>>,
    pub(super) imports: Vec<Import<'a>>,
    /// The type of every function, imported ones first.
    pub(super) function_types: Vec<u32>,
    pub(super) imported_functions: u32,
    pub(super) memories: Vec<MemoryType>,
    /// Every global, imported ones first.
    pub(super) globals: Vec<GlobalType>,
    pub(super) imported_globals: u32,
    pub(super) exports: Vec<Export<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) start: Option<u32>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) names: FunctionNames<'a>,
    /// The global named as C compilers name the shadow stack's pointer.
    pub(super) stack_pointer: Option<u32>,
}

impl<'a> Layout<'a> {
    /// Takes a module apart.
    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, Error> {
        let mut layout = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            layout.note_section(wasm, &payload)?;
            layout.note_contents(payload)?;
        }
        Ok(layout)
    }

    /// The type of a function.
    pub(super) fn function_type(&self, function: u32) -> Option<&FuncType> {
        let index = *self.function_types.get(function as usize)?;
        self.types.get(index as usize)?.as_ref()
    }

    /// The position in the code section of the one function with this name.
    pub(super) fn body_of(&self, name: &str) -> Result<usize, Error> {
        let function = self.names.index(name)?;
        match function.checked_sub(self.imported_functions) {
            Some(position) => Ok(position as usize),
            None => Err(Error::Imported {
                name: name.to_owned(),
            }),
        }
    }

    /// The mutable globals the module defines itself.
    pub(super) fn mutable_globals(&self) -> impl Iterator<Item = (u32, &GlobalType)> {
        (0..)
            .zip(&self.globals)
            .skip(self.imported_globals as usize)
            .filter(|(_, global)| global.mutable)
    }

    fn note_section(&mut self, wasm: &'a [u8], payload: &Payload<'a>) -> Result<(), Error> {
        let Some((id, range)) = payload.as_section() else {
            return Ok(());
        };
        let offset = range.start;
        let (contents, custom_name) = match payload {
            Payload::CustomSection(custom) => (custom.data(), Some(custom.name())),
            _ => (wasm.get(range).ok_or_else(|| cut_short(offset))?, None),
        };
        self.sections.push(Section {
            id,
            contents,
            custom_name,
        });
        Ok(())
    }

    fn note_contents(&mut self, payload: Payload<'a>) -> Result<(), Error> {
        match payload {
            Payload::Version {
                encoding, range, ..
            } if encoding != Encoding::Module => {
                return Err(Error::Malformed {
                    offset: range.start,
                    detail: "it is a component, not a core module".to_owned(),
                });
            }
            Payload::TypeSection(reader) => {
                for group in reader {
                    for subtype in group?.types() {
                        self.types.push(match &subtype.composite_type.inner {
                            CompositeInnerType::Func(function) => Some(function.clone()),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    self.note_import(import?);
                }
            }
            Payload::FunctionSection(reader) => {
                for function in reader {
                    self.function_types.push(function?);
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    self.memories.push(memory?);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    self.globals.push(global?.ty);
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    self.exports.push(export?);
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::DataSection(reader) => {
                for segment in reader {
                    self.data.push(segment?);
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(reader) = custom.as_known() {
                    self.note_names(reader)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_import(&mut self, import: Import<'a>) {
        match import.ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                self.function_types.push(index);
                self.imported_functions += 1;
            }
            TypeRef::Memory(memory) => self.memories.push(memory),
            TypeRef::Global(global) => {
                self.globals.push(global);
                self.imported_globals += 1;
            }
            TypeRef::Table(_) | TypeRef::Tag(_) => {}
        }
        self.imports.push(import);
    }

    fn note_names(&mut self, reader: wasmparser::NameSectionReader<'a>) -> Result<(), Error> {
        for subsection in reader {
            match subsection? {
                Name::Function(names) => {
                    for naming in names {
                        let naming = naming?;
                        self.names.insert(naming.name, naming.index);
                    }
                }
                Name::Global(names) => {
                    for naming in names {
                        let naming = naming?;
                        if naming.name == "__stack_pointer" {
                            self.stack_pointer = Some(naming.index);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The error for a range the parser gave that the file does not have.
pub(super) fn cut_short(offset: usize) -> Error {
    Error::Malformed {
        offset,
        detail: "the file ends in the middle of a section".to_owned(),
    }
}
