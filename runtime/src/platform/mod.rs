//! Code specific to operating systems: mappings, dirty pages, page-fault
//! counts.
//!
//! Linux offers two ways to ask the kernel which pages of a mapping are
//! private; everywhere else (and here, when forced) the portable way compares
//! every page with the image. All three give the same sessions, at different
//! speed.

#[cfg(target_os = "linux")]
mod linux;
mod mapping;
mod page;
mod tracking;

pub(crate) use mapping::{FileView, Reservation};
pub use page::PAGE_BYTES;
pub use tracking::DirtyTracking;
pub(crate) use tracking::{private_pages, thread_faults};
