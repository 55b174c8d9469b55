//! What the host keeps for one session while the guest runs: the data of its
//! store.

use super::clock::Clock;
use super::equipment::Equipment;
use super::forking::Forking;
use super::limit::LimitHit;
use super::output::{Buffer, OutputSink, Stream};
use super::random::Random;
use super::watch::Watch;
use crate::channel::Display;
use crate::interrupt::Interrupter;
use memex_channel::{HostCalls, NoHostCalls};
use memex_filesystem::{FileSystem, Interrupt};
use memex_policies::{Limits, NativeGrants};
use std::sync::Arc;
use wasmtime::{Memory, ResourceLimiter, TypedFunc};

/// The host's side of a session. Guest code reaches it only through the
/// functions in `wasi`.
pub(crate) struct Host {
    /// The guest's memory, once it is instantiated.
    pub(crate) memory: Option<Memory>,
    /// The guest's allocator for replies.
    pub(crate) allocate: Option<TypedFunc<i32, i32>>,
    files: FileSystem,
    pub(crate) stdout: Buffer,
    pub(crate) stderr: Buffer,
    sink: Option<Box<dyn OutputSink>>,
    pub(crate) growth: Growth,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) interrupter: Interrupter,
    pub(crate) calls: Box<dyn HostCalls>,
    /// How the guest can be forked from inside; `None`: not at all.
    pub(crate) forking: Option<Forking>,
    /// Set while an image is built.
    pub(crate) watch: Option<Watch>,
    pub(crate) limits: Limits,
    pub(crate) natives: NativeGrants,
    pub(crate) turn: TurnLedger,
    /// What the guest runs that is no turn: what code says or asks for meanwhile goes
    /// nowhere.
    apart: Option<Apart>,
    /// Arguments and environment that the interpreter starts with.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<String>,
}

/// What a guest runs that is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apart {
    /// A question, which may need natives: to pack a value, for instance.
    Question,
    /// A check whether turns can run, or what follows from it.
    Check,
}

/// What a [`Host`] is made of.
pub(crate) struct HostParts {
    pub(crate) files: FileSystem,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) interrupter: Interrupter,
    pub(crate) equipment: Equipment,
    pub(crate) limits: Limits,
    pub(crate) natives: NativeGrants,
}

/// What a turn has used and shown so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnLedger {
    pub(crate) host_calls: u64,
    /// Questions about the toolbox, which the outcome does not count.
    pub(crate) questions: u64,
    pub(crate) displays: Vec<Display>,
    pub(crate) display_bytes: u64,
    /// The first limit that was reached.
    pub(crate) limit: Option<LimitHit>,
    /// What the guest was told about the last one: an exception with this
    /// text ended because of it.
    pub(crate) refusal: String,
}

impl TurnLedger {
    pub(crate) fn hit(&mut self, name: &str, limit: u64, actual: u64, refusal: &str) {
        self.limit
            .get_or_insert_with(|| LimitHit::new(name, limit, actual));
        refusal.clone_into(&mut self.refusal);
    }
}

/// Bounds the guest's linear memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) limit: u64,
    /// The size that was asked for and refused in this turn.
    pub(crate) refused: Option<u64>,
}

impl Host {
    pub(crate) fn new(parts: HostParts) -> Self {
        let HostParts {
            mut files,
            clock,
            random,
            interrupter,
            equipment,
            limits,
            natives,
        } = parts;
        let Equipment {
            calls,
            sink,
            captures,
        } = equipment;
        files.set_interrupt(interrupt_of(&interrupter));
        Self {
            memory: None,
            allocate: None,
            files,
            stdout: Buffer::new(limits.stdout_bytes),
            stderr: Buffer::new(limits.stderr_bytes),
            sink,
            growth: Growth {
                limit: limits.memory_bytes,
                refused: None,
            },
            clock,
            random,
            interrupter,
            calls: calls.unwrap_or_else(|| Box::new(NoHostCalls)),
            forking: captures.map(Forking::new),
            watch: None,
            limits,
            natives,
            turn: TurnLedger::default(),
            apart: None,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// What of the host's side a session keeps while it has no guest.
    pub(crate) fn into_equipment(self) -> Equipment {
        Equipment {
            calls: Some(self.calls),
            sink: self.sink,
            captures: self.forking.map(Forking::into_captures),
        }
    }

    /// Takes the equipment of the session that a guest without any is to be.
    pub(crate) fn equip(&mut self, equipment: Equipment) {
        if let Some(calls) = equipment.calls {
            self.calls = calls;
        }
        self.sink = equipment.sink;
        self.forking = equipment.captures.map(Forking::new);
    }

    /// The session's files, with the time they are to be stamped with.
    pub(crate) fn files(&mut self) -> &mut FileSystem {
        let now_ns = self.clock.realtime_ns();
        self.files.set_now_ns(now_ns);
        &mut self.files
    }

    /// The session's files, for reading their state.
    pub(crate) fn files_ref(&self) -> &FileSystem {
        &self.files
    }

    pub(crate) fn set_files(&mut self, files: FileSystem) {
        self.files = files;
        self.files.set_interrupt(interrupt_of(&self.interrupter));
    }

    /// Takes output, delivers what is within the limit, and never fails: a
    /// program's prints must not end it.
    pub(crate) fn output(&mut self, stream: Stream, bytes: &[u8]) {
        if self.apart.is_some() {
            return;
        }
        let buffer = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let within = buffer.push(bytes);
        if within > 0
            && let Some(sink) = &mut self.sink
        {
            sink.write(stream, bytes.get(..within).unwrap_or(bytes));
        }
    }

    /// What the guest runs, if that is no turn.
    pub(crate) fn apart(&self) -> Option<Apart> {
        self.apart
    }

    /// Begins or ends a time in which nothing outside of the session happens.
    pub(crate) fn set_apart(&mut self, apart: Option<Apart>) {
        self.apart = apart;
        self.files.hold_host(apart.is_some());
    }

    /// Forgets what belongs to a turn.
    pub(crate) fn begin_turn(&mut self) {
        self.turn = TurnLedger::default();
        self.growth.refused = None;
        self.calls.begin_turn();
    }

    /// Drops what a turn, or what is none, has left here.
    pub(crate) fn forget_turn(&mut self) {
        self.turn = TurnLedger::default();
        self.growth.refused = None;
        self.stdout.take();
        self.stderr.take();
        self.files.take_breach();
    }
}

/// What calls on files that take long ask: only a hard interrupt gives them up,
/// as a soft one is an exception that waits for the guest.
fn interrupt_of(interrupter: &Interrupter) -> Interrupt {
    let pulse = Arc::clone(&interrupter.pulse);
    Interrupt::new(move || pulse.is_hard())
}

impl ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let desired = desired as u64;
        // The first size is the image's, and no guest's doing.
        if desired > self.limit && current > 0 {
            self.refused = Some(desired);
            return Ok(false);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(current == 0)
    }
}
