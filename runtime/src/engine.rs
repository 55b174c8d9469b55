//! The engine's configuration: one place for every flag that compiled code
//! depends on.

use crate::cpu::Cpu;
use crate::error::Error;
use crate::memory::{CAPACITY_BYTES, GC_HEAP_BYTES, GUARD_BYTES, SlotCreator};
use std::sync::Arc;
use wasmtime::{Config, Engine, OptLevel};

/// The stack that compiled code may use by default.
pub(crate) const STACK_BYTES: usize = 16 << 20;
/// The stack that host functions need below the guest's frames.
const HOST_STACK_BYTES: usize = 2 << 20;

/// What the compiled code of a guest can do besides running it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metering {
    /// Deadlines by the interrupt flag. The default.
    Deadline,
    /// Deadlines, and every instruction counted: the same turn on the same
    /// state uses the same fuel, at a quarter to a half of the speed.
    Fuel,
    /// Nothing: no interrupt flag and no wrapped functions, so that nothing
    /// ends a turn. What the cost of the limits is measured against.
    #[doc(hidden)]
    Bare,
}

impl Metering {
    /// The name in the cache and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Fuel => "fuel",
            Self::Bare => "bare",
        }
    }
}

/// An engine for compiling and running the guest.
pub(crate) fn engine(metering: Metering, stack_bytes: usize, cpu: Cpu) -> Result<Engine, Error> {
    cpu.check()?;
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_exceptions(true)
        .wasm_tail_call(true)
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .memory_reservation(CAPACITY_BYTES as u64)
        .memory_guard_size(GUARD_BYTES as u64)
        .memory_may_move(false)
        // Where the engine keeps exceptions in flight (C++ throws, longjmp).
        .gc_heap_reservation(GC_HEAP_BYTES as u64)
        .gc_heap_reservation_for_growth(0)
        .gc_heap_guard_size(0)
        .gc_heap_may_move(false)
        .memory_init_cow(false)
        .max_wasm_stack(stack_bytes)
        .async_stack_size(stack_bytes + HOST_STACK_BYTES)
        .consume_fuel(metering == Metering::Fuel)
        .with_host_memory(Arc::new(SlotCreator::default()));
    compile_for(&mut config, cpu)?;
    Engine::new(&config).map_err(Error::engine)
}

/// Pins what the compiler may use. Without a baseline it uses what this machine
/// has.
#[allow(unsafe_code)]
fn compile_for(config: &mut Config, cpu: Cpu) -> Result<(), Error> {
    if let Some(target) = cpu.target() {
        config.target(&target).map_err(Error::engine)?;
    }
    if let Some(preset) = cpu.preset() {
        // SAFETY: the flag is one of three names of sets of instructions, not
        // one that changes what code means; `Cpu::check` found that this
        // machine has them, and the engine looks again before it runs any.
        // JUSTIFICATION: the engine has no other way to choose a baseline above
        // the architecture's lowest.
        unsafe { config.cranelift_flag_enable(preset) };
    }
    Ok(())
}

/// Runs `work` on a stack that has room for the guest's frames and the host's.
///
/// A thread that has the room runs it directly; another one keeps a stack for
/// such calls.
pub(crate) fn on_guest_stack<R>(stack_bytes: usize, work: impl FnOnce() -> R) -> R {
    crate::stacks::with_room(stack_bytes + HOST_STACK_BYTES, work)
}
