//! What keeps images for other machines.

use crate::error::Error;

/// Why a store did not do what it was asked.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// Where images are kept for other machines: small documents by name, and pieces
/// of at most a mebibyte by their BLAKE3 digests.
///
/// Nothing that a store gives is believed; see [`Image::pull`](crate::Image::pull).
pub trait ImageStore {
    /// The store, for messages: without credentials.
    fn place(&self) -> String;

    /// The names of all documents.
    ///
    /// # Errors
    /// The store's own.
    fn documents(&self) -> Result<Vec<String>, StoreError>;

    /// A document, if it is there.
    ///
    /// # Errors
    /// The store's own.
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a document, whole or not at all.
    ///
    /// # Errors
    /// The store's own.
    fn put_document(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Which pieces are there.
    ///
    /// # Errors
    /// The store's own.
    fn present(&self, pieces: &[[u8; 32]]) -> Result<Vec<bool>, StoreError>;

    /// Writes pieces, each whole or not at all; returns how many bytes they
    /// take in the store.
    ///
    /// # Errors
    /// The store's own.
    fn put_pieces(&self, pieces: Vec<([u8; 32], Vec<u8>)>) -> Result<u64, StoreError>;

    /// The bytes of pieces, in order; `None` for one that is not there.
    ///
    /// # Errors
    /// The store's own.
    fn pieces(&self, pieces: &[[u8; 32]]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;
}

/// The error of something that was tried with a store.
pub(super) fn store_error(
    action: &'static str,
    store: &dyn ImageStore,
) -> impl FnOnce(StoreError) -> Error {
    let place = store.place();
    move |cause| Error::ImageStore {
        action,
        place,
        cause,
    }
}

/// The error of something in a store that is not what it should be.
pub(super) fn damaged(what: &str, store: &dyn ImageStore, reason: impl Into<String>) -> Error {
    Error::DamagedInStore {
        what: what.to_owned(),
        place: store.place(),
        reason: reason.into(),
    }
}
