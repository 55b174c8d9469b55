//! Pure-Python packages that are added to an image.
//!
//! ```text
//! NAME==VERSION ─► pip resolves and downloads ─► wheels ─► files of a folder
//!                    ▲ stubs stand for what
//!                      the guest has already
//! ```
//! The guest is told of the folder at [`PACKAGES_GUEST_PATH`], behind its own
//! library: what a package brings never takes the place of the guest's own.

mod alternatives;
mod bundled;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod record;
mod requirement;
mod resolve;
mod standard;
mod unpack;
mod wheel;

pub use record::{Unpacked, Wheel};
pub use requirement::Requirement;
pub use resolve::resolve_packages;
pub use standard::fetch_standard;
pub use unpack::{check_packages, compare_packages, unpack_packages};

/// The path of the folder in the guest.
pub const PACKAGES_GUEST_PATH: &str = "/usr/local/lib/packages";
