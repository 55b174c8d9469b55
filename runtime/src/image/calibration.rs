//! Starting a guest for the first time: the boot, and finding by experiment
//! where the interpreter keeps what the host must reach.
//!
//! No offset is taken from a header file. Each is found by trying in the guest
//! at hand, and the image's self-test proves it again through a session.

mod hooks;
mod immortals;
mod situations;

use super::code::LoadedCode;
use super::map::{Entries, GuestMap, RandomState, RunningWords};
use super::packages::Packages;
use super::secret::ImageSecret;
use super::spec::ImageSpec;
use crate::error::Error;
use crate::interrupt::{InterruptAddresses, Interrupter, Pulse, Watchdog};
use crate::session::{Host, HostParts};
use crate::wasi::{Clock, Random};
use memex_channel::NoHostCalls;
use memex_filesystem::{FileSystem, Namespace, Quota};
use memex_guest_python::GuestFiles;
use memex_policies::Limits;
use serde::Deserialize;
use std::sync::Arc;
use wasmtime::{Instance, Memory, Store, WasmParams, WasmResults};

/// Bytes of a thread state that are searched.
const THREAD_STATE_BYTES: u32 = 1024;
/// Shadow stack that C code may use before Python raises `RecursionError`.
/// Enough for JSON 30,000 levels deep, and less than what makes the engine's
/// own stack overflow first.
const C_STACK_BYTES: i32 = 576 << 10;
/// Files the interpreter may write while it starts (font caches and the like).
const BOOT_FILE_BYTES: u64 = 64 << 20;
/// The step of a booting guest's clock at each reading.
const BOOT_CLOCK_STEP_NS: u64 = 1000;

/// A guest that is being started.
pub(super) struct Calibrator {
    store: Store<Host>,
    instance: Instance,
    memory: Memory,
    flag: u32,
    stack_top: u32,
    running: RunningWords,
}

/// How the installer is reached from the guest's own entry, without a name in
/// the scope that sessions will see.
const BOOTSTRAP: &str = "__import__('_memex_bootstrap')";

/// What `run` is called with: the number of the turn, and its code.
const TRIVIAL_TURN: &[u8] = b"\0\0\0\0pass";

/// One step of the warm-up: its kind and its text.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WarmStep(String, String);

/// Addresses that the guest reports of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Report {
    bytes: u32,
    timeout_error: u32,
    keyboard_interrupt: u32,
    run: u32,
    resume: u32,
    cancel: u32,
    inspect: u32,
    configure: u32,
    after_fork: u32,
    check: u32,
    disarm: u32,
    /// Compacts the heap.
    leave: u32,
    /// The state words of the `random` module's generator.
    random: Vec<u32>,
    /// The same of numpy's legacy generator, if numpy is there.
    numpy_random: Vec<u32>,
    #[serde(skip)]
    arguments: u32,
    #[serde(skip)]
    generators: Vec<RandomState>,
}

impl Calibrator {
    /// Instantiates the guest, fills its memory and starts the interpreter.
    pub(super) fn boot(
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
        for (offset, bytes) in segments {
            memory
                .write(&mut store, *offset as usize, bytes)
                .map_err(|_| Error::Calibration("a data segment lies outside of memory".into()))?;
        }
        let module = &spec.manifest.module;
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

    /// Puts memex's own Python into the guest and asks for addresses.
    pub(super) fn install(&mut self) -> Result<Report, Error> {
        self.protect_stack()?;
        let sources: serde_json::Map<_, _> = memex_guest_python::PYTHON_SOURCES
            .iter()
            .map(|(name, source)| ((*name).to_owned(), (*source).into()))
            .collect();
        let sources = serde_json::Value::Object(sources);
        // A JSON object of strings is a Python dict literal as well.
        self.turn(&format!(
            "SOURCES = {sources}\n{}",
            memex_guest_python::BOOTSTRAP
        ))?;
        let report = self.report()?;
        // Before the warm-up, whose allocations fill the room that this used.
        self.running = self.running_words()?;
        Ok(report)
    }

    /// Gives the guest the path of the image's packages.
    pub(super) fn add_packages(&mut self) -> Result<(), Error> {
        let path = python_text(memex_guest_python::PACKAGES_GUEST_PATH);
        self.turn(&format!("{BOOTSTRAP}.packages({path})"))
    }

    /// The sources of the warm-up, one for each step.
    pub(super) fn warm_steps(
        &mut self,
        standard: bool,
        preload: &[String],
    ) -> Result<Vec<WarmStep>, Error> {
        let preload =
            serde_json::to_string(preload).map_err(|e| Error::Calibration(e.to_string()))?;
        let standard = if standard { "True" } else { "False" };
        let text = self.ask(&format!("{BOOTSTRAP}.steps({standard}, {preload})"))?;
        serde_json::from_str(&text).map_err(|e| Error::Calibration(format!("warm-up steps: {e}")))
    }

    /// Runs one step of the warm-up.
    pub(super) fn warm(&mut self, report: &Report, step: &WarmStep) -> Result<(), Error> {
        let WarmStep(kind, text) = step;
        let (kind, text) = (python_text(kind), python_text(text));
        self.turn(&format!("{BOOTSTRAP}.warm({kind}, {text})"))?;
        self.call_directly(report, report.run, TRIVIAL_TURN)
    }

    /// Cleans up after the warm-up, so that sessions find an empty scope, and
    /// reads the addresses again: they are those of the image now.
    pub(super) fn settle(&mut self, report: &mut Report) -> Result<(), Error> {
        self.turn(&format!("{BOOTSTRAP}.clean()"))?;
        *report = self.report()?;
        for words in [report.random.clone(), report.numpy_random.clone()] {
            if !words.is_empty() {
                report.generators.push(self.random_state(&words)?);
            }
        }
        for _ in 0..3 {
            self.call_directly(report, report.run, TRIVIAL_TURN)?;
        }
        // Last of all, since it removes its own name.
        self.turn(&format!("{BOOTSTRAP}.settle()"))?;
        self.call_directly(report, report.leave, b"")?;
        for _ in 0..3 {
            self.call_directly(report, report.run, TRIVIAL_TURN)?;
        }
        let host = self.store.data_mut();
        host.stdout.take();
        host.stderr.take();
        Ok(())
    }

    /// The finished map and memory. The guest is of no use afterwards.
    pub(super) fn capture(mut self, report: &Report) -> Result<(GuestMap, Vec<u8>), Error> {
        let (bytes_size, bytes_data) = self.bytes_layout(report.bytes)?;
        let interrupt = self.interrupt_addresses(report)?;
        let mut running = self.running.clone();
        running.restored.push(self.exception_word(&interrupt)?);
        // Code that copies a guest handles pending interrupts itself.
        let is_interrupt = |at: &u32| [interrupt.events, interrupt.exception].contains(at);
        running.restored.retain(|at| !is_interrupt(at));
        let global = self
            .instance
            .get_global(&mut self.store, "memex_global_0")
            .ok_or_else(|| Error::Calibration("no stack pointer".into()))?;
        let stack_pointer = global
            .get(&mut self.store)
            .i32()
            .ok_or_else(|| Error::Calibration("the stack pointer is not an i32".into()))?;
        let flag = self.word(self.flag)?;
        let memory = self.immortal_memory()?;
        // In a guest that is of no use afterwards: nothing takes a hook off.
        let hooks = self.hook_words()?;
        let map = GuestMap {
            stack_pointer,
            bytes_type: report.bytes,
            bytes_size,
            bytes_data,
            arguments: report.arguments,
            entries: Entries {
                run: report.run,
                resume: report.resume,
                cancel: report.cancel,
                inspect: report.inspect,
                configure: report.configure,
                after_fork: report.after_fork,
                check: report.check,
                disarm: report.disarm,
            },
            interrupt,
            random: report.generators.clone(),
            running,
            hooks,
        };
        if !map.fits(memory.len()) || flag != 0 {
            return Err(Error::Calibration(
                "an address lies outside of the image".into(),
            ));
        }
        Ok((map, memory))
    }

    fn report(&mut self) -> Result<Report, Error> {
        let text = self.ask(&format!("{BOOTSTRAP}.report()"))?;
        let mut report: Report = serde_json::from_str(&text)
            .map_err(|e| Error::Calibration(format!("the guest's report: {e}: {text:.200}")))?;
        let arguments: i32 = self.call("malloc", 16_i32)?;
        report.arguments = arguments as u32;
        Ok(report)
    }

    /// Widens the stack that C code may use before Python says that it
    /// recursed too deep.
    fn protect_stack(&mut self) -> Result<(), Error> {
        self.protect_stack_below(self.stack_top as i32)
    }

    fn protect_stack_below(&mut self, top: i32) -> Result<(), Error> {
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

    /// Where a `bytes` object keeps its length and its contents.
    fn bytes_layout(&mut self, bytes_type: u32) -> Result<(u32, u32), Error> {
        const PROBE: &[u8] = b"calibrate bytes objects";
        let buffer: i32 = self.call("malloc", PROBE.len() as i32)?;
        self.memory
            .write(&mut self.store, buffer as u32 as usize, PROBE)
            .map_err(Error::engine)?;
        let object: i32 = self.call("PyBytes_FromStringAndSize", (buffer, PROBE.len() as i32))?;
        let data: i32 = self.call("PyBytes_AsString", object)?;
        let offset = (data as u32).wrapping_sub(object as u32);
        if self.word(object as u32 + 4)? != bytes_type || offset > 64 {
            return Err(Error::Calibration(
                "bytes objects have an unknown layout".into(),
            ));
        }
        let size = (0..offset)
            .step_by(4)
            .find(|at| self.word(object as u32 + at).ok() == Some(PROBE.len() as u32))
            .ok_or_else(|| Error::Calibration("no length in a bytes object".into()))?;
        self.call::<i32, ()>("_Py_DecRef", object)?;
        self.call::<i32, ()>("free", buffer)?;
        Ok((size, offset))
    }

    /// Finds the pending exception and the event bits of the thread state by
    /// calling the function that consumes them, with one word changed at a
    /// time: the word with the exception comes back as an exception, and the
    /// word with the bits comes back without one of them.
    fn interrupt_addresses(&mut self, report: &Report) -> Result<InterruptAddresses, Error> {
        let thread: i32 = self.call("PyThreadState_Get", ())?;
        let thread = thread as u32;
        let mut exception = Vec::new();
        let mut events = Vec::new();
        for at in (thread..thread + THREAD_STATE_BYTES).step_by(4) {
            let before = self.word(at)?;
            if before == 0 {
                self.set_word(at, report.timeout_error)?;
                let code: i32 = self.call("_PyEval_RaiseAsyncExc", thread as i32)?;
                if code == -1 && self.word(at)? == 0 {
                    exception.push(at);
                }
                self.call::<(), ()>("PyErr_Clear", ())?;
                self.set_word(at, before)?;
            }
            self.set_word(at, u32::MAX)?;
            // Only words that no pointer is read from survive this; the
            // function reads two words of the thread state.
            let consumed = !exception.contains(&at);
            if consumed {
                let _: i32 = self.call("_PyEval_RaiseAsyncExc", thread as i32)?;
            }
            let after = self.word(at)?;
            self.set_word(at, before)?;
            self.call::<(), ()>("PyErr_Clear", ())?;
            if consumed && after != u32::MAX {
                events.push((at, !after));
            }
        }
        match (exception.as_slice(), events.as_slice()) {
            ([exception], [(events, bit)]) if bit.is_power_of_two() => Ok(InterruptAddresses {
                flag: self.flag,
                exception: *exception,
                events: *events,
                events_bit: *bit,
                timeout_error: report.timeout_error,
                keyboard_interrupt: report.keyboard_interrupt,
            }),
            other => Err(Error::Calibration(format!(
                "the interrupt words of the thread state are not unique: {other:x?}"
            ))),
        }
    }

    /// Finds a Mersenne Twister by its words. Copies of them may lie anywhere,
    /// so it is the one that changes when the generator is seeded otherwise.
    fn random_state(&mut self, words: &[u32]) -> Result<RandomState, Error> {
        if words.len() != RandomState::WORDS {
            return Err(Error::Calibration("a generator of another kind".into()));
        }
        self.turn(&format!("{BOOTSTRAP}.seed(2)"))?;
        let copies = self.search(words);
        self.turn(&format!("{BOOTSTRAP}.seed(1)"))?;
        let mut found = self.search(words);
        found.retain(|at| !copies.contains(at));
        let [at] = found[..] else {
            return Err(Error::Calibration(format!(
                "a generator's state is not unique: {found:x?}"
            )));
        };
        // CPython keeps the position before the words, numpy behind them.
        let behind = at + (RandomState::WORDS * 4) as u32;
        let position = [at - 4, behind]
            .into_iter()
            .find(|&at| self.word(at).ok() == Some(RandomState::SPENT))
            .ok_or_else(|| Error::Calibration("a generator without a position".into()))?;
        Ok(RandomState {
            words: at,
            position,
        })
    }

    /// Where in memory the words stand, one after the other.
    fn search(&self, words: &[u32]) -> Vec<u32> {
        let pattern: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let memory = self.memory.data(&self.store);
        memory
            .chunks_exact(4)
            .enumerate()
            .filter(|(_, word)| Some(*word) == pattern.get(..4))
            .map(|(index, _)| index * 4)
            .filter(|&at| memory.get(at..at + pattern.len()) == Some(&pattern[..]))
            .map(|at| at as u32)
            .collect()
    }

    /// Calls a function of bytes by its address, as a session does.
    fn call_directly(
        &mut self,
        report: &Report,
        function: u32,
        payload: &[u8],
    ) -> Result<(), Error> {
        let object: i32 = self.call("PyBytes_FromStringAndSize", (0_i32, payload.len() as i32))?;
        let data: i32 = self.call("PyBytes_AsString", object)?;
        self.memory
            .write(&mut self.store, data as u32 as usize, payload)
            .map_err(Error::engine)?;
        self.set_word(report.arguments, object as u32)?;
        let result: i32 = self.call(
            "PyObject_Vectorcall",
            (function as i32, report.arguments as i32, 1_i32, 0_i32),
        )?;
        self.call::<i32, ()>("_Py_DecRef", object)?;
        if result == 0 {
            return Err(Error::Calibration("the dispatcher raised".into()));
        }
        self.call::<i32, ()>("_Py_DecRef", result)
    }

    /// Runs a block through the guest's own entry, and returns what it printed.
    fn ask(&mut self, code: &str) -> Result<String, Error> {
        self.store.data_mut().stdout.take();
        self.turn(code)?;
        Ok(self.store.data_mut().stdout.take().text)
    }

    fn turn(&mut self, code: &str) -> Result<(), Error> {
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

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, args: P) -> Result<R, Error> {
        let function = self
            .instance
            .get_typed_func::<P, R>(&mut self.store, name)
            .map_err(Error::engine)?;
        let store = &mut self.store;
        crate::engine::on_guest_stack(crate::engine::STACK_BYTES, || function.call(store, args))
            .map_err(|e| Error::Calibration(format!("{name}: {e:#}")))
    }

    fn word(&self, address: u32) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.memory
            .read(&self.store, address as usize, &mut bytes)
            .map_err(|_| Error::Calibration("an address outside of memory".into()))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn set_word(&mut self, address: u32, word: u32) -> Result<(), Error> {
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
        sink: None,
        clock: Clock::new(boot_clock(spec), 0),
        random: Random::of_boot(secret.clone()),
        interrupter: Interrupter {
            pulse: Arc::new(Pulse::default()),
            watchdog: Watchdog::start().map_err(Error::system("start a thread"))?,
        },
        calls: Box::new(NoHostCalls),
        forks: None,
        limits,
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

/// The guest's own files, where it expects them: the same for every session of
/// an image on every machine.
pub(super) fn library(
    spec: &ImageSpec,
    files: &GuestFiles,
    packages: &Packages,
) -> Result<memex_filesystem::NamespaceBuilder, Error> {
    let mut builder = Namespace::builder();
    for file in &spec.manifest.files {
        if let Some(guest_path) = &file.guest_path {
            let open =
                std::fs::File::open(&files.stdlib).map_err(Error::file("open", &files.stdlib))?;
            builder = builder.file(guest_path, open);
        }
    }
    let site = packages.site.iter().map(|site| {
        let guest_path = memex_guest_python::PACKAGES_GUEST_PATH.to_owned();
        (guest_path, site.clone())
    });
    for (guest_path, path) in files.data.iter().cloned().chain(site) {
        let path = &path;
        let directory = cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())
            .map_err(Error::file("open", path))?;
        builder = builder.directory(&guest_path, directory, memex_filesystem::Access::ReadOnly);
    }
    Ok(builder.constant())
}

/// Text as a Python literal: JSON's escapes are Python's.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
