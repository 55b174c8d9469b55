//! The grain of everything that is known about memory.

/// Bytes in a page of guest memory, the grain of dirty tracking and deltas.
///
/// Independent of the host's page size: a host with larger pages reports each
/// of its pages as several of these.
pub const PAGE_BYTES: usize = 4096;
