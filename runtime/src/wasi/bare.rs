//! The guest's imports behind a module of a few instructions, without an image:
//! what the oracle compares with another implementation.

use super::linker::linker;
use crate::error::Error;
use crate::host::{Clock, Equipment, Host, HostParts, Random};
use crate::interrupt::{Interrupter, Pulse, Watchdog};
use memex_filesystem::FileSystem;
use memex_policies::{Limits, NativeGrants, Randomness};
use std::sync::Arc;
use wasmtime::{Engine, Instance, Memory, Module, Store, Val};

/// A module that exports its memory as `memory` and, under their own names,
/// functions that call the imports; compiled once.
pub struct Caller {
    engine: Engine,
    module: Module,
}

impl Caller {
    /// Compiles a module.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(wasm: &[u8]) -> Result<Self, Error> {
        let engine = Engine::default();
        let module = Module::new(&engine, wasm).map_err(Error::engine)?;
        Ok(Self { engine, module })
    }
}

/// An instance of a [`Caller`].
pub struct Imports {
    store: Store<Host>,
    instance: Instance,
    memory: Memory,
}

impl Imports {
    /// Instantiates a module with these files, the system's clock and the system's
    /// random numbers.
    ///
    /// # Errors
    /// When the module is not as it must be.
    pub fn new(files: FileSystem, caller: &Caller) -> Result<Self, Error> {
        let Caller { engine, module } = caller;
        let host = Host::new(HostParts {
            files,
            clock: Clock::new(memex_policies::Clock::System, 0),
            random: Random::new(Randomness::System),
            interrupter: Interrupter {
                pulse: Arc::new(Pulse::default()),
                watchdog: Watchdog::start().map_err(Error::system("start a thread"))?,
            },
            equipment: Equipment::default(),
            limits: Limits::default(),
            natives: NativeGrants {
                enabled: false,
                deny: Vec::new(),
            },
        });
        let mut store = Store::new(engine, host);
        let instance = linker(engine)?.instantiate(&mut store, module);
        let instance = instance.map_err(Error::engine)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| Error::Engine("the module exports no memory".to_owned()))?;
        store.data_mut().memory = Some(memory);
        Ok(Self {
            store,
            instance,
            memory,
        })
    }

    /// Calls an import and gives what it answers.
    ///
    /// # Errors
    /// When there is no such function, or it traps.
    pub fn call(&mut self, name: &str, arguments: &[Val]) -> Result<i32, Error> {
        let function = self
            .instance
            .get_func(&mut self.store, name)
            .ok_or_else(|| Error::Engine(format!("the module exports no {name}")))?;
        let mut results = [Val::I32(0)];
        function
            .call(&mut self.store, arguments, &mut results)
            .map_err(Error::engine)?;
        results[0]
            .i32()
            .ok_or_else(|| Error::Engine(format!("{name} answers no number")))
    }

    /// The guest's memory.
    pub fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Imports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imports").finish_non_exhaustive()
    }
}
