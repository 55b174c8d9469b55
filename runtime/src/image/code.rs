//! Compiled code, loaded and linked, and the exports the host uses.

use crate::cpu::Cpu;
use crate::engine::{Metering, engine};
use crate::error::Error;
use crate::host::Host;
use crate::wasi::linker;
use std::path::Path;
use wasmtime::{
    Engine, Global, Instance, InstancePre, Memory, Module, ModuleExport, Store, TypedFunc,
    WasmParams, WasmResults,
};

/// A guest's machine code, ready to be instantiated.
pub(crate) struct LoadedCode {
    engine: Engine,
    instance: InstancePre<Host>,
    exports: Exports,
    metering: Metering,
    stack_bytes: usize,
}

/// `PyObject_Vectorcall`: callable, arguments, their count, keyword names.
pub(crate) type Vectorcall = TypedFunc<(i32, i32, i32, i32), i32>;

/// Where the exports that the host uses are.
pub(crate) struct Exports {
    memory: ModuleExport,
    stack_pointer: ModuleExport,
    allocate: ModuleExport,
    vectorcall: ModuleExport,
    new_bytes: ModuleExport,
    release: ModuleExport,
    clear_error: ModuleExport,
}

impl LoadedCode {
    /// Loads a compiled module. Its contents become machine code that runs
    /// unchecked: the caller has verified that the file is what was written.
    #[allow(unsafe_code)]
    pub(crate) fn load(
        path: &Path,
        metering: Metering,
        stack_bytes: usize,
        cpu: Cpu,
    ) -> Result<Self, Error> {
        let engine = engine(metering, stack_bytes, cpu)?;
        // SAFETY: the file was written by this program from
        // `Engine::precompile_module`, or pulled and authenticated
        // (`travel/trust.rs`), lies in a directory that only its owner
        // can write, and its seal or digest was checked by the caller
        // (`Entry::open`); the engine itself checks version and flags.
        // JUSTIFICATION: compiling takes minutes, loading milliseconds.
        let module = unsafe { Module::deserialize_file(&engine, path) }.map_err(Error::engine)?;
        let exports = Exports::find(&module)?;
        let instance = linker(&engine)?
            .instantiate_pre(&module)
            .map_err(Error::engine)?;
        Ok(Self {
            engine,
            instance,
            exports,
            metering,
            stack_bytes,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.exports
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.metering == Metering::Fuel
    }

    pub(crate) fn stack_bytes(&self) -> usize {
        self.stack_bytes
    }

    pub(crate) fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Instance> {
        self.instance.instantiate(store)
    }
}

impl Exports {
    fn find(module: &Module) -> Result<Self, Error> {
        let find = |name: &str| {
            module
                .get_export_index(name)
                .ok_or_else(|| Error::Calibration(format!("no export {name}")))
        };
        Ok(Self {
            memory: find("memory")?,
            stack_pointer: find("memex_global_0")?,
            allocate: find("host_alloc")?,
            vectorcall: find("PyObject_Vectorcall")?,
            new_bytes: find("PyBytes_FromStringAndSize")?,
            release: find("_Py_DecRef")?,
            clear_error: find("PyErr_Clear")?,
        })
    }

    pub(crate) fn memory(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<Memory, Error> {
        instance
            .get_module_export(store, &self.memory)
            .and_then(wasmtime::Extern::into_memory)
            .ok_or_else(|| Error::Calibration("the export memory is not a memory".into()))
    }

    pub(crate) fn stack_pointer(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<Global, Error> {
        instance
            .get_module_export(store, &self.stack_pointer)
            .and_then(wasmtime::Extern::into_global)
            .ok_or_else(|| Error::Calibration("the stack pointer is not a global".into()))
    }

    pub(crate) fn allocate(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<TypedFunc<i32, i32>, Error> {
        function(instance, store, &self.allocate)
    }

    pub(crate) fn vectorcall(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<Vectorcall, Error> {
        function(instance, store, &self.vectorcall)
    }

    pub(crate) fn new_bytes(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<TypedFunc<(i32, i32), i32>, Error> {
        function(instance, store, &self.new_bytes)
    }

    pub(crate) fn release(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<TypedFunc<i32, ()>, Error> {
        function(instance, store, &self.release)
    }

    pub(crate) fn clear_error(
        &self,
        instance: &Instance,
        store: &mut Store<Host>,
    ) -> Result<TypedFunc<(), ()>, Error> {
        function(instance, store, &self.clear_error)
    }
}

fn function<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<Host>,
    export: &ModuleExport,
) -> Result<TypedFunc<P, R>, Error> {
    let function = instance
        .get_module_export(&mut *store, export)
        .and_then(wasmtime::Extern::into_func)
        .ok_or_else(|| Error::Calibration("an export is not a function".into()))?;
    function.typed(&store).map_err(Error::engine)
}
