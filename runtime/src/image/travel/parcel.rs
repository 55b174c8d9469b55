//! A file in pieces: sending it, and putting it together again.

use super::store::{ImageStore, damaged, store_error};
use crate::error::Error;
use crate::image::progress::Progress;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of a piece; the last of a file may be shorter.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces in memory at once.
const BATCH: usize = 16;

/// The pieces that a file consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parcel {
    pub(super) bytes: u64,
    /// Their BLAKE3 digests in hexadecimal, in order.
    pieces: Vec<String>,
}

/// What a transfer has come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Bytes of the files.
    pub(super) bytes: u64,
    /// Bytes that had to be moved, as they are in the files.
    pub(super) moved: u64,
    /// What those take in the store, if they were sent.
    pub(super) stored: u64,
}

/// One file on its way, with how far the whole way is.
pub(super) struct Carrier<'a> {
    pub(super) store: &'a dyn ImageStore,
    pub(super) progress: &'a mut dyn Progress,
    /// Bytes of this stage that are done.
    pub(super) done: u64,
    pub(super) tally: Tally,
}

impl Carrier<'_> {
    fn advance(&mut self, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        self.tally.bytes = self.tally.bytes.saturating_add(bytes);
        self.progress.advance(self.done);
    }

    /// Sends those pieces of a file that the store has not.
    pub(super) fn send(&mut self, path: &Path) -> Result<Parcel, Error> {
        let mut file = File::open(path).map_err(Error::file("open", path))?;
        let mut parcel = Parcel {
            bytes: 0,
            pieces: Vec::new(),
        };
        loop {
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                let mut piece = Vec::new();
                (&mut file)
                    .take(PIECE_BYTES as u64)
                    .read_to_end(&mut piece)
                    .map_err(Error::file("read", path))?;
                if piece.is_empty() {
                    break;
                }
                parcel.bytes = parcel.bytes.saturating_add(piece.len() as u64);
                let digest = blake3::hash(&piece);
                parcel.pieces.push(digest.to_hex().to_string());
                batch.push((*digest.as_bytes(), piece));
            }
            if batch.is_empty() {
                return Ok(parcel);
            }
            self.send_batch(batch)?;
        }
    }

    fn send_batch(&mut self, batch: Vec<([u8; 32], Vec<u8>)>) -> Result<(), Error> {
        let bytes = batch.iter().map(|(_, piece)| piece.len() as u64).sum();
        let digests: Vec<[u8; 32]> = batch.iter().map(|(digest, _)| *digest).collect();
        let there = self
            .store
            .present(&digests)
            .map_err(store_error("look for", self.store))?;
        let mut missing = Vec::new();
        for (piece, there) in batch.into_iter().zip(there) {
            if !there && !missing.iter().any(|(digest, _)| *digest == piece.0) {
                self.tally.moved = self.tally.moved.saturating_add(piece.1.len() as u64);
                missing.push(piece);
            }
        }
        if !missing.is_empty() {
            let stored = self
                .store
                .put_pieces(missing)
                .map_err(store_error("push", self.store))?;
            self.tally.stored = self.tally.stored.saturating_add(stored);
        }
        self.advance(bytes);
        Ok(())
    }

    /// Puts a file together. What an earlier pull left of it and is right is
    /// not fetched again.
    pub(super) fn fetch(&mut self, what: &str, parcel: &Parcel, path: &Path) -> Result<(), Error> {
        let digests = parcel
            .digests()
            .map_err(|reason| damaged(what, self.store, reason))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(Error::file("open", path))?;
        let had = file.metadata().map_err(Error::file("read", path))?.len();
        file.set_len(parcel.bytes)
            .map_err(Error::file("write", path))?;
        let mut offset = 0_u64;
        for batch in digests.chunks(BATCH) {
            let mut wanted = Vec::new();
            let begin = offset;
            for digest in batch {
                let length = (parcel.bytes - offset).min(PIECE_BYTES as u64) as usize;
                let is_there = offset < had && holds(&file, offset, length, digest, path)?;
                if !is_there {
                    wanted.push((offset, length, *digest));
                }
                offset += length as u64;
            }
            self.fetch_batch(what, &file, path, &wanted)?;
            self.advance(offset - begin);
        }
        file.sync_all().map_err(Error::file("write", path))
    }

    fn fetch_batch(
        &mut self,
        what: &str,
        file: &File,
        path: &Path,
        wanted: &[(u64, usize, [u8; 32])],
    ) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        let digests: Vec<[u8; 32]> = wanted.iter().map(|(.., digest)| *digest).collect();
        let pieces = self
            .store
            .pieces(&digests)
            .map_err(store_error("pull", self.store))?;
        if pieces.len() != wanted.len() {
            return Err(damaged(what, self.store, "pieces of it are missing"));
        }
        for ((offset, length, digest), piece) in wanted.iter().zip(pieces) {
            let piece = piece.ok_or_else(|| {
                let name = blake3::Hash::from_bytes(*digest).to_hex();
                damaged(what, self.store, format!("its piece {name} is missing"))
            })?;
            if piece.len() != *length || blake3::hash(&piece) != *digest {
                return Err(damaged(what, self.store, "a piece of it is another one"));
            }
            file.write_all_at(&piece, *offset)
                .map_err(Error::file("write", path))?;
            self.tally.moved = self.tally.moved.saturating_add(piece.len() as u64);
        }
        Ok(())
    }
}

impl Parcel {
    /// The digests, if there are as many as the bytes need.
    fn digests(&self) -> Result<Vec<[u8; 32]>, &'static str> {
        if self.pieces.len() as u64 != self.bytes.div_ceil(PIECE_BYTES as u64) {
            return Err("it has not as many pieces as its size needs");
        }
        let decode = |text: &String| blake3::Hash::from_hex(text).map(|hash| *hash.as_bytes());
        let digests: Result<Vec<_>, _> = self.pieces.iter().map(decode).collect();
        digests.map_err(|_| "a piece of it has an impossible name")
    }
}

/// Whether a part of the file is a piece already.
fn holds(
    file: &File,
    offset: u64,
    length: usize,
    digest: &[u8; 32],
    path: &Path,
) -> Result<bool, Error> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)
        .map_err(Error::file("read", path))?;
    Ok(blake3::hash(&bytes) == *digest)
}
