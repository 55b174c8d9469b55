//! Linear memory that the host owns: slots that start as a copy-on-write view
//! of an image and are used again.
//!
//! ```text
//!            SlotPool::take ──► Slot ──► handed to the engine (SlotMemory)
//!                 ▲                        │ session runs, pages become private
//!                 └── Slot::reset ◄────────┘ store dropped, dirty pages known
//! ```

mod growth;
mod idle;
mod image;
mod pool;
mod runs;
mod slot;
mod space;

pub(crate) use growth::Layer;
pub(crate) use idle::IdlePages;
pub(crate) use image::MemoryImage;
pub(crate) use pool::SlotPool;
pub(crate) use slot::{Slot, SlotCreator};
pub(crate) use space::{CAPACITY_BYTES, GC_HEAP_BYTES, GUARD_BYTES};
