//! A store in a bucket of an S3-compatible service.
//!
//! The objects are those of a directory, under the same names. What a
//! directory does with locks is done here with conditional writes: a session's
//! pointer is replaced only if it is still the version that was read, and
//! locks are leases, objects that say until when they hold.

mod bucket;
#[cfg(feature = "s3")]
mod connector;
mod driver;
mod gate;
mod images;
mod leases;
mod listing;
mod location;
mod registers;
mod store;

pub use images::ImageObjects;
pub use registers::{RegisterVersion, Registers};
pub use store::ObjectStore;
