//! A guest that is instantiated: its store, its memory and the few functions
//! through which the host enters it.

use super::dirty::Dirty;
use crate::error::Error;
use crate::host::{Host, Origin};
use crate::image::{GuestMap, LoadedCode};
use crate::interrupt::{Arming, Clocks, PulseReport};
use crate::memory::{Layer, MemoryImage, Slot, SlotPool};
use crate::platform::{DirtyTracking, PAGE_BYTES, thread_faults};
use crate::state::HeapState;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::{Global, Memory, Store, TypedFunc, Val};

/// Where an object of a 32-bit CPython names its type.
const TYPE_OFFSET: u32 = 4;

/// An instantiated guest in its slot.
///
/// A guest that is dropped instead of retired takes its slot with it.
pub(crate) struct Live {
    /// The clocks of the turn that runs in it. The first field, so that they are
    /// stopped before the memory that interrupts are written to is gone.
    clocks: Clocks,
    pub(crate) store: Store<Host>,
    memory: Memory,
    stack_pointer: Global,
    vectorcall: TypedFunc<(i32, i32, i32, i32), i32>,
    new_bytes: TypedFunc<(i32, i32), i32>,
    release: TypedFunc<i32, ()>,
    clear_error: TypedFunc<(), ()>,
    slot: Arc<Slot>,
    map: Arc<GuestMap>,
    stack_bytes: usize,
    dirty: Dirty,
    /// Whether a call into the guest is under way. It is still so when a panic
    /// went through one.
    is_entered: bool,
}

/// Why a call into the guest did not return.
#[derive(Debug)]
pub(crate) enum CallError {
    /// A trap, an exit or an interrupt: the instance cannot be used any more.
    Trap(wasmtime::Error),
    /// The guest has no room for the call's own argument.
    NoRoom,
    /// The guest answered with something that is not a `bytes` object.
    Malformed(&'static str),
    /// It answered with more bytes than the host takes.
    TooLarge {
        /// How many it claims.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
}

/// A guest that could not be made, with the host's side, which is as it was.
pub(crate) struct NotInstantiated {
    pub(crate) error: Error,
    pub(crate) host: Box<Host>,
}

impl From<NotInstantiated> for Error {
    fn from(failure: NotInstantiated) -> Self {
        failure.error
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trap(error) => write!(f, "{error}"),
            Self::NoRoom => f.write_str("out of memory for the code itself"),
            Self::Malformed(what) => f.write_str(what),
            Self::TooLarge { bytes, bytes_max } => {
                write!(f, "its answer has {bytes} bytes, of {bytes_max} allowed")
            }
        }
    }
}

/// What the host holds of an instance.
struct Parts {
    memory: Memory,
    stack_pointer: Global,
    vectorcall: TypedFunc<(i32, i32, i32, i32), i32>,
    new_bytes: TypedFunc<(i32, i32), i32>,
    release: TypedFunc<i32, ()>,
    clear_error: TypedFunc<(), ()>,
    allocate: TypedFunc<i32, i32>,
}

impl Parts {
    /// Instantiates the module over a slot.
    fn of(
        code: &LoadedCode,
        map: &GuestMap,
        store: &mut Store<Host>,
        slot: &Arc<Slot>,
    ) -> Result<Self, Error> {
        store.limiter(|host| &mut host.growth);
        if code.is_metered() {
            store.set_fuel(u64::MAX).map_err(Error::engine)?;
        }
        Slot::hand_off(slot);
        let instance = code.instantiate(store);
        Slot::withdraw();
        let instance = instance.map_err(Error::engine)?;
        let exports = code.exports();
        let stack_pointer = exports.stack_pointer(&instance, &mut *store)?;
        stack_pointer
            .set(&mut *store, Val::I32(map.stack_pointer))
            .map_err(Error::engine)?;
        Ok(Self {
            memory: exports.memory(&instance, &mut *store)?,
            stack_pointer,
            vectorcall: exports.vectorcall(&instance, &mut *store)?,
            new_bytes: exports.new_bytes(&instance, &mut *store)?,
            release: exports.release(&instance, &mut *store)?,
            clear_error: exports.clear_error(&instance, &mut *store)?,
            allocate: exports.allocate(&instance, &mut *store)?,
        })
    }
}

impl NotInstantiated {
    pub(crate) fn new(error: Error, host: Host) -> Self {
        Self {
            error,
            host: Box::new(host),
        }
    }
}

impl Live {
    /// A fresh guest from the image, in a slot of the pool.
    pub(crate) fn new(
        code: &LoadedCode,
        pool: &SlotPool,
        map: &Arc<GuestMap>,
        tracking: DirtyTracking,
        host: Host,
    ) -> Result<Self, NotInstantiated> {
        let slot = pool
            .take(tracking != DirtyTracking::Compare)
            .map_err(Error::system("reserve address space for a session"));
        let slot = match slot {
            Ok(slot) => slot,
            Err(error) => return Err(NotInstantiated::new(error, host)),
        };
        let dirty = Dirty::new(tracking, &slot);
        let clocks = Clocks::new(&host.interrupter.pulse);
        let mut store = Store::new(code.engine(), host);
        let parts = Parts::of(code, map, &mut store, &slot);
        let parts = match parts {
            Ok(parts) => parts,
            Err(error) => return Err(NotInstantiated::new(error, store.into_data())),
        };
        let host = store.data_mut();
        host.memory = Some(parts.memory);
        host.allocate = Some(parts.allocate);
        Ok(Self {
            clocks,
            is_entered: false,
            store,
            memory: parts.memory,
            stack_pointer: parts.stack_pointer,
            vectorcall: parts.vectorcall,
            new_bytes: parts.new_bytes,
            release: parts.release,
            clear_error: parts.clear_error,
            slot,
            map: Arc::clone(map),
            stack_bytes: code.stack_bytes(),
            dirty,
        })
    }

    /// Lets the host fork this guest from inside of its calls, if it has
    /// anybody to give the forks to.
    pub(crate) fn allow_forks(&mut self, image: [u8; 32], memory: &Arc<MemoryImage>) {
        if let Some(forking) = &mut self.store.data_mut().forking {
            forking.attach(Origin {
                image,
                map: Arc::clone(&self.map),
                memory: Arc::clone(memory),
                tracking: self.dirty.tracking,
                slot: Arc::clone(&self.slot),
                stack_pointer: self.stack_pointer,
            });
        }
    }

    /// Gives the slot back and keeps the host's state.
    ///
    /// A slot that was left in the middle of a call is not used again: what is
    /// known of its dirty pages is from before that call.
    pub(crate) fn retire(mut self, pool: &SlotPool) -> Host {
        self.disarm();
        let is_known = !self.is_entered;
        if is_known {
            self.dirty_pages();
        }
        let Self {
            store, slot, dirty, ..
        } = self;
        let mut host = store.into_data();
        if let Some(forking) = &mut host.forking {
            forking.detach();
        }
        if is_known {
            pool.give(slot, dirty.complete.then_some(&dirty.pages));
        }
        host
    }

    /// Starts the clocks of a turn, whose interrupts go to this guest's memory,
    /// and says when the watchdog has to look.
    pub(crate) fn arm(&mut self, arming: Arming) -> Instant {
        self.clocks.start(self.slot.base(), arming)
    }

    /// Ends the turn's clocks and says what happened.
    pub(crate) fn disarm(&mut self) -> PulseReport {
        let report = self.clocks.stop();
        if report.soft.is_some() || report.hard.is_some() {
            // Another thread wrote.
            self.dirty.complete = false;
        }
        report
    }

    /// Calls one of the guest's entry points, a Python function that takes and
    /// returns `bytes`, and reads the answer where it lies: at most `bytes_max`
    /// bytes, of which nothing can be trusted. The argument is these pieces together.
    pub(crate) fn call<R>(
        &mut self,
        function: u32,
        payload: &[&[u8]],
        bytes_max: usize,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, CallError> {
        let before = thread_faults();
        let stack_bytes = self.stack_bytes;
        // What a panic leaves behind must not look known.
        let was_complete = std::mem::replace(&mut self.dirty.complete, false);
        self.is_entered = true;
        let result = crate::engine::on_guest_stack(stack_bytes, || {
            self.call_here(function, payload, bytes_max, read)
        });
        self.is_entered = false;
        self.dirty.complete = was_complete && before.is_some() && before == thread_faults();
        result
    }

    fn call_here<R>(
        &mut self,
        function: u32,
        payload: &[&[u8]],
        bytes_max: usize,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, CallError> {
        let length = payload.iter().map(|piece| piece.len()).sum::<usize>();
        let length =
            i32::try_from(length).map_err(|_| CallError::Malformed("the payload is too large"))?;
        let argument = self
            .new_bytes
            .call(&mut self.store, (0, length))
            .map_err(CallError::Trap)?;
        if argument == 0 {
            self.clear_error
                .call(&mut self.store, ())
                .map_err(CallError::Trap)?;
            return Err(CallError::NoRoom);
        }
        let data = (argument as u32).saturating_add(self.map.bytes_data);
        let mut at = data;
        for piece in payload {
            self.write(at, piece)?;
            // All of them together fit.
            at = at.saturating_add(piece.len() as u32);
        }
        self.write(self.map.arguments, &argument.to_le_bytes())?;
        let result = self
            .vectorcall
            .call(
                &mut self.store,
                (function as i32, self.map.arguments as i32, 1, 0),
            )
            .map_err(CallError::Trap)?;
        self.release
            .call(&mut self.store, argument)
            .map_err(CallError::Trap)?;
        if result == 0 {
            self.clear_error
                .call(&mut self.store, ())
                .map_err(CallError::Trap)?;
            return Err(CallError::Malformed("an exception left the dispatcher"));
        }
        let answer = self.bytes_at(result as u32, bytes_max).map(read);
        self.release
            .call(&mut self.store, result)
            .map_err(CallError::Trap)?;
        answer
    }

    /// The contents of a `bytes` object in the guest.
    fn bytes_at(&self, object: u32, bytes_max: usize) -> Result<&[u8], CallError> {
        const WRONG: CallError = CallError::Malformed("the dispatcher's answer is not bytes");
        if self.read_word(object.saturating_add(TYPE_OFFSET)) != Some(self.map.bytes_type) {
            return Err(WRONG);
        }
        let size = self
            .read_word(object.saturating_add(self.map.bytes_size))
            .ok_or(WRONG)? as usize;
        if size > bytes_max {
            return Err(CallError::TooLarge {
                bytes: size,
                bytes_max,
            });
        }
        let start = object.saturating_add(self.map.bytes_data) as usize;
        let end = start.checked_add(size).ok_or(WRONG)?;
        if self.map.interrupt.is_in(&(start..end)) {
            return Err(WRONG);
        }
        self.memory_bytes().get(start..end).ok_or(WRONG)
    }

    pub(crate) fn read_word(&self, address: u32) -> Option<u32> {
        let start = address as usize;
        let bytes = self.memory_bytes().get(start..start.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Writes into the guest's memory, at rest or between its calls.
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), CallError> {
        self.memory
            .write(&mut self.store, address as usize, bytes)
            .map_err(|_| CallError::Malformed("the guest's memory is smaller than its image"))
    }

    /// Like [`Live::write`], for a write outside of a call.
    pub(crate) fn patch(&mut self, address: u32, bytes: &[u8]) -> Result<(), CallError> {
        self.patching(|live| live.write(address, bytes))
    }

    /// Sets a word of the guest's memory, outside of a call.
    pub(crate) fn set_word(&mut self, address: u32, word: u32) -> Result<(), Error> {
        self.patch(address, &word.to_le_bytes())
            .map_err(Self::into_error)
    }

    /// Does writes outside of a call: they may touch pages for the first time. The system
    /// is asked once for all of them.
    pub(crate) fn patching<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let before = thread_faults();
        let result = work(self);
        if before.is_none() || before != thread_faults() {
            self.dirty.complete = false;
        }
        result
    }

    pub(crate) fn memory_bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    pub(crate) fn stack_pointer(&mut self) -> i32 {
        self.stack_pointer
            .get(&mut self.store)
            .i32()
            .unwrap_or(self.map.stack_pointer)
    }

    /// The pages that may differ from the image, as of the last scan.
    pub(crate) fn known_dirty_pages(&self) -> &[u32] {
        &self.dirty.pages
    }

    /// Brings the list of dirty pages up to date; ascending.
    pub(crate) fn dirty_pages(&mut self) -> &[u32] {
        let bytes = self.memory.data_size(&self.store);
        self.dirty.update(&self.slot, bytes)
    }

    /// Freezes what the heap has grown by; see [`Slot::freeze`].
    pub(crate) fn freeze(&mut self) -> Result<Vec<Layer>, Error> {
        if self.slot.active_bytes() > 0 {
            self.dirty.complete = false;
        }
        self.slot
            .freeze()
            .map_err(Error::system("freeze a session's memory"))
    }

    /// Pages that the heap has grown by since it was frozen.
    pub(crate) fn active_pages(&self) -> usize {
        self.slot.active_bytes() / PAGE_BYTES
    }

    /// Brings a state up to date with the guest, which is at rest.
    ///
    /// Pages that did not change since the last time stay shared with the
    /// snapshots that hold them.
    pub(crate) fn refresh(
        &mut self,
        state: &mut HeapState,
        image: &MemoryImage,
    ) -> Result<(), Error> {
        state.layers = self.freeze()?;
        self.dirty_pages();
        state.stack_pointer = self.stack_pointer();
        let mut unchanged = Vec::new();
        state.take(
            self.known_dirty_pages(),
            self.memory_bytes(),
            image,
            &mut unchanged,
        );
        (self.dirty.give_back(&self.slot, &unchanged))
            .map_err(Error::system("give back a session's pages"))
    }

    /// Puts a state into a fresh guest.
    pub(crate) fn apply(&mut self, state: &HeapState) -> Result<(), Error> {
        let before = thread_faults();
        self.slot
            .map_layers(&state.layers)
            .map_err(Error::system("map a session's memory"))?;
        let size = self.memory.data_size(&self.store) as u64;
        if state.memory_bytes > size {
            const WASM_PAGE_BYTES: u64 = 65536;
            let delta = (state.memory_bytes - size).div_ceil(WASM_PAGE_BYTES);
            self.memory
                .grow(&mut self.store, delta)
                .map_err(Error::engine)?;
        }
        let memory = self.memory.data_mut(&mut self.store);
        for (number, delta) in state.pages.iter() {
            let start = *number as usize * PAGE_BYTES;
            let page = memory
                .get_mut(start..start + PAGE_BYTES)
                .and_then(|page| page.try_into().ok())
                .ok_or_else(|| Error::Snapshot(format!("page {number} lies outside of memory")))?;
            delta.apply(page);
        }
        self.stack_pointer
            .set(&mut self.store, Val::I32(state.stack_pointer))
            .map_err(Error::engine)?;
        if before.is_none() || before != thread_faults() {
            self.dirty.complete = false;
        }
        Ok(())
    }

    /// The error for a call that is not to fail.
    pub(super) fn into_error(error: CallError) -> Error {
        match error {
            CallError::Trap(error) => Error::engine(error),
            other => Error::Engine(other.to_string()),
        }
    }
}
