//! A guest that is being started.

use crate::error::Error;
use crate::host::{Clock, Equipment, Host, HostParts, Random};
use crate::image::code::LoadedCode;
use crate::image::library::library;
use crate::image::map::RunningWords;
use crate::image::packages::Packages;
use crate::image::secret::ImageSecret;
use crate::image::spec::ImageSpec;
use crate::interrupt::{Interrupter, Pulse, Watchdog};
use memex_filesystem::{FileSystem, Quota};
use memex_guest_python::GuestFiles;
use memex_policies::{Limits, NativeGrants};
use std::sync::Arc;
use wasmtime::{Instance, Memory, Store, WasmParams, WasmResults};

/// Bytes of a thread state that are searched.
pub(super) const THREAD_STATE_BYTES: u32 = 1024;
/// Shadow stack that C code may use before Python raises `RecursionError`.
/// Enough for JSON 30,000 levels deep, and less than what makes the engine's
/// own stack overflow first.
const C_STACK_BYTES: i32 = 576 << 10;
/// Files the interpreter may write while it starts (font caches and the like).
const BOOT_FILE_BYTES: u64 = 64 << 20;
/// The step of a booting guest's clock at each reading.
const BOOT_CLOCK_STEP_NS: u64 = 1000;

/// A guest that is being started.
pub(in crate::image) struct Calibrator {
    pub(super) store: Store<Host>,
    pub(super) instance: Instance,
    pub(super) memory: Memory,
    pub(super) flag: u32,
    pub(super) stack_top: u32,
    pub(super) running: RunningWords,
}

impl Calibrator {
    /// Instantiates the guest, fills its memory and starts the interpreter.
    pub(in crate::image) fn boot(
        code: &LoadedCode,
        spec: &ImageSpec,
        secret: &ImageSecret,
        (files, packages): (&GuestFiles, &Packages),
        segments: &[(u32, &[u8])],
    ) -> Result<Self, Error> {
        let host = boot_host(spec, secret, files, packages)?;
        let mut store = Store::new(code.engine(), host);
        store.limiter(|host| &mut host.growth);
        let instance = code.instantiate(&mut store).map_err(Error::engine)?;
        let memory = code.exports().memory(&instance, &mut store)?;
        let allocate = code.exports().allocate(&instance, &mut store)?;
        store.data_mut().memory = Some(memory);
        store.data_mut().allocate = Some(allocate);
        let module = &spec.manifest.module;
        for (offset, bytes) in segments {
            // What lies below the stack pointer of a guest at rest is not kept.
            if *offset < module.shadow_stack_bytes {
                return Err(Error::Calibration(format!(
                    "a data segment at {offset} lies in the stack of {} bytes",
                    module.shadow_stack_bytes
                )));
            }
            memory
                .write(&mut store, *offset as usize, bytes)
                .map_err(|_| Error::Calibration("a data segment lies outside of memory".into()))?;
        }
        let mut calibrator = Self {
            store,
            instance,
            memory,
            flag: module.interrupt_flag_address,
            stack_top: module.shadow_stack_bytes,
            running: RunningWords::default(),
        };
        calibrator.call::<(), ()>("_initialize", ())?;
        // The interpreter itself starts with the first block.
        calibrator.turn("pass")?;
        Ok(calibrator)
    }

    /// Widens the stack that C code may use before Python says that it
    /// recursed too deep.
    pub(super) fn protect_stack(&mut self) -> Result<(), Error> {
        self.protect_stack_below(self.stack_top as i32)
    }

    pub(super) fn protect_stack_below(&mut self, top: i32) -> Result<(), Error> {
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let start = top - C_STACK_BYTES;
        let code: i32 = self.call(
            "PyUnstable_ThreadState_SetStackProtection",
            (thread, start, C_STACK_BYTES),
        )?;
        if code != 0 {
            return Err(Error::Calibration(
                "the interpreter refused its stack bounds".into(),
            ));
        }
        Ok(())
    }

    /// Runs a block through the guest's own entry, and returns what it printed.
    pub(super) fn ask(&mut self, code: &str) -> Result<String, Error> {
        self.store.data_mut().stdout.take();
        self.turn(code)?;
        Ok(self.store.data_mut().stdout.take().text)
    }

    pub(super) fn turn(&mut self, code: &str) -> Result<(), Error> {
        let length = code.len() as i32;
        let address: i32 = self.call("host_alloc", length)?;
        self.memory
            .write(&mut self.store, address as u32 as usize, code.as_bytes())
            .map_err(Error::engine)?;
        let status: i32 = self.call("turn", (address, length))?;
        if status != 0 {
            let host = self.store.data_mut();
            let (out, err) = (host.stdout.take().text, host.stderr.take().text);
            return Err(Error::Calibration(format!(
                "the guest's start-up code failed: {out}{err}"
            )));
        }
        Ok(())
    }

    pub(super) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        args: P,
    ) -> Result<R, Error> {
        let function = self
            .instance
            .get_typed_func::<P, R>(&mut self.store, name)
            .map_err(Error::engine)?;
        let store = &mut self.store;
        crate::engine::on_guest_stack(crate::engine::STACK_BYTES, || function.call(store, args))
            .map_err(|e| Error::Calibration(format!("{name}: {e:#}")))
    }

    pub(super) fn word(&self, address: u32) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.memory
            .read(&self.store, address as usize, &mut bytes)
            .map_err(|_| Error::Calibration("an address outside of memory".into()))?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(super) fn set_word(&mut self, address: u32, word: u32) -> Result<(), Error> {
        self.memory
            .write(&mut self.store, address as usize, &word.to_le_bytes())
            .map_err(|_| Error::Calibration("an address outside of memory".into()))
    }
}

/// The host of a guest that boots. Nothing of this machine or this moment may
/// reach the guest, or two builds would differ.
fn boot_host(
    spec: &ImageSpec,
    secret: &ImageSecret,
    files: &GuestFiles,
    packages: &Packages,
) -> Result<Host, Error> {
    let namespace = library(spec, files, packages)?.scratch(true).build()?;
    let quota = Quota {
        open_files: 256,
        file_bytes: BOOT_FILE_BYTES,
        files: 10_000,
    };
    let limits = Limits {
        memory_bytes: 4 << 30,
        stdout_bytes: 16 << 20,
        stderr_bytes: 16 << 20,
        display_bytes: 256 << 20,
        displays: 1000,
        host_calls: u64::MAX,
        host_call_bytes: 256 << 20,
        ..Limits::default()
    };
    let mut host = Host::new(HostParts {
        files: FileSystem::new(Arc::new(namespace), quota),
        clock: Clock::new(boot_clock(spec), 0),
        random: Random::of_boot(secret.clone()),
        interrupter: Interrupter {
            pulse: Arc::new(Pulse::default()),
            watchdog: Watchdog::start().map_err(Error::system("start a thread"))?,
        },
        equipment: Equipment::default(),
        limits,
        // What a guest that has natives did with them would be in the image.
        natives: NativeGrants {
            enabled: false,
            deny: Vec::new(),
        },
    });
    host.arguments = vec![spec.manifest.argv0.clone()];
    host.environment = spec
        .manifest
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(host)
}

/// A clock that goes on by as much at each look: no two looks may be equal,
/// since programs divide by what lies between.
fn boot_clock(spec: &ImageSpec) -> memex_policies::Clock {
    memex_policies::Clock::Fixed {
        unix_ns: spec.boot_unix_s.saturating_mul(1_000_000_000),
        step_ns: BOOT_CLOCK_STEP_NS,
    }
}
