//! The two implementations, each with a directory of its own as the root.

use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memex_filesystem::{Access, FileSystem, Namespace, Quota};
use memex_runtime::fuzzing::{ImportCaller, Imports};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, Val};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// An implementation of the imports.
pub trait Side {
    /// Calls an import; a trap is an error in words.
    fn call(&mut self, name: &str, arguments: &[Val]) -> Result<i32, String>;
    /// The memory that it reads arguments from and writes results to.
    fn memory(&mut self) -> &mut [u8];
}

/// Ours: the functions that guests of memex get.
pub struct Ours(Imports);

impl Ours {
    pub fn new(root: &Path, caller: &ImportCaller) -> Self {
        let dir = Dir::open_ambient_dir(root, ambient_authority()).expect("the root is there");
        let namespace = Namespace::builder()
            .directory("/", dir, Access::ReadWrite)
            .build()
            .expect("the root is a directory");
        let quota = Quota {
            open_files: 64,
            file_bytes: u64::MAX,
            files: u64::MAX,
        };
        let files = FileSystem::new(Arc::new(namespace), quota);
        Self(Imports::new(files, caller).expect("the module fits the imports"))
    }
}

impl Side for Ours {
    fn call(&mut self, name: &str, arguments: &[Val]) -> Result<i32, String> {
        self.0
            .call(name, arguments)
            .map_err(|error| error.to_string())
    }

    fn memory(&mut self) -> &mut [u8] {
        self.0.memory()
    }
}

/// Theirs: `wasmtime-wasi`.
pub struct Theirs {
    store: Store<WasiP1Ctx>,
    instance: Instance,
    memory: Memory,
}

impl Theirs {
    pub fn new(root: &Path, engine: &Engine, module: &Module) -> Self {
        let mut builder = WasiCtxBuilder::new();
        builder.allow_blocking_current_thread(true);
        builder
            .preopened_dir(root, "/", FsPerms::ReadWrite)
            .expect("the root is there");
        let mut linker = Linker::new(engine);
        add_to_linker_sync(&mut linker, |context: &mut WasiP1Ctx| context)
            .expect("the imports are linked once");
        let mut store = Store::new(engine, builder.build_p1());
        let instance = linker
            .instantiate(&mut store, module)
            .expect("the module fits the imports");
        let memory = instance
            .get_memory(&mut store, "memory")
            .expect("the module exports its memory");
        Self {
            store,
            instance,
            memory,
        }
    }
}

impl Side for Theirs {
    fn call(&mut self, name: &str, arguments: &[Val]) -> Result<i32, String> {
        let function = self
            .instance
            .get_func(&mut self.store, name)
            .expect("the module exports every call");
        let mut results = [Val::I32(0)];
        function
            .call(&mut self.store, arguments, &mut results)
            .map_err(|error| format!("{error:?}"))?;
        Ok(results[0].unwrap_i32())
    }

    fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }
}
