//! Images in the store that a URL names.

use crate::context::Context;
use crate::environment::store_variables;
use crate::failure::usage_as_told;
use anyhow::Result;
use memex_runtime::{ImageStore, StoreError};
use memex_snapshots::{Digest, ImageObjects, ObjectStore};

/// The images of a bucket or directory.
pub(crate) struct RemoteImages(ImageObjects);

impl RemoteImages {
    /// Opens `s3://BUCKET/PREFIX` or `file:///DIRECTORY`.
    pub(crate) fn open(url: &str, context: &Context) -> Result<Self> {
        let store = ObjectStore::open_on(url, store_variables(), &context.runtime()?);
        Ok(Self(store.map_err(usage_as_told)?.images()))
    }
}

impl ImageStore for RemoteImages {
    fn place(&self) -> String {
        self.0.place()
    }

    fn documents(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.0.documents()?)
    }

    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.document(name)?)
    }

    fn put_document(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        Ok(self.0.put_document(name, bytes)?)
    }

    fn present(&self, pieces: &[[u8; 32]]) -> Result<Vec<bool>, StoreError> {
        let pieces: Vec<_> = pieces.iter().copied().map(Digest::from_bytes).collect();
        Ok(self.0.present(&pieces)?)
    }

    fn put_pieces(&self, pieces: Vec<([u8; 32], Vec<u8>)>) -> Result<u64, StoreError> {
        let named = |(digest, bytes)| (Digest::from_bytes(digest), bytes);
        let pieces: Vec<_> = pieces.into_iter().map(named).collect();
        Ok(self.0.put_pieces(&pieces)?)
    }

    fn pieces(&self, pieces: &[[u8; 32]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let pieces: Vec<_> = pieces.iter().copied().map(Digest::from_bytes).collect();
        Ok(self.0.pieces(&pieces)?)
    }
}
