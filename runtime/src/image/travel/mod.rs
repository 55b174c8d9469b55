//! Images that travel: to a store and from it.
//!
//! ```text
//!   cache ──push──► image-NAME   what the image is, and its files in pieces
//!                   code-KEY     machine code for one kind of processor
//!                   pieces       1 MiB each, named by their digests
//!   cache ◄──pull── every digest is compared before anything is used
//! ```
//! **What a pull trusts.** A name is the digest of the image's description, so
//! pulling a full name gives that image or an error; the guest's module is pinned
//! by its manifest in any case. Machine code runs unchecked, and the name does not
//! cover it. It is compiled again unless it is authenticated ([`TrustCode`]).
//!
//! What is interrupted leaves nothing that is used: a push writes the document
//! that names the pieces last, a pull gives the image its place last, and either
//! resumes where it stopped.

mod code;
mod documents;
mod options;
mod parcel;
mod pull;
mod push;
mod store;
mod trust;

pub use code::CodeSource;
#[cfg(feature = "fuzzing")]
pub use documents::check_document;
pub use options::PullOptions;
pub use pull::Pulled;
pub use push::{PushOptions, Pushed, PushedCode};
pub use store::{ImageStore, StoreError};
pub use trust::TrustCode;
