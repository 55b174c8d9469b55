//! Images beside the saved sessions of a bucket.
//!
//! ```text
//! PREFIX/images/NAME.document     small, sealed
//! PREFIX/images/ab/cdef….chunk    a piece, compressed, under its BLAKE3 digest
//! ```
//! They lie apart from the objects of sessions, so that a collection of those
//! never looks at them. Nothing here knows what an image is.

use std::sync::Arc;

use crate::codec::{
    DOCUMENT_ZSTD_LEVEL, decode_chunk, decode_document, encode_chunk_at, encode_document,
};
use crate::remote::bucket::Bucket;
use crate::remote::store::ObjectStore;
use crate::{CHUNK_BYTES_MAX, Digest, Error};

const FOLDER: &str = "images";
const DOCUMENT: &str = ".document";
/// Longest name of a document.
const NAME_BYTES_MAX: usize = 100;

/// Documents by name and pieces by digest, in a bucket: what images that travel
/// consist of. Made by [`ObjectStore::images`].
pub struct ImageObjects {
    bucket: Arc<Bucket>,
}

impl ObjectStore {
    /// The images of this store's bucket, which its sessions and their
    /// collection have nothing to do with.
    #[must_use]
    pub fn images(&self) -> ImageObjects {
        ImageObjects {
            bucket: Arc::clone(&self.bucket),
        }
    }
}

impl std::fmt::Debug for ImageObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageObjects")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl ImageObjects {
    /// Where the bucket is, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        self.bucket.place("").trim_end_matches('/').to_owned()
    }

    /// The names of all documents, in order.
    ///
    /// # Errors
    /// [`Error::Remote`].
    pub fn documents(&self) -> Result<Vec<String>, Error> {
        let mut names = self.bucket.list(FOLDER, |found| {
            let name = found.name.strip_suffix(DOCUMENT)?;
            check(name).is_ok().then(|| name.to_owned())
        })?;
        names.sort();
        Ok(names)
    }

    /// A document's bytes, if it is there.
    ///
    /// # Errors
    /// [`Error::Damaged`] and [`Error::Version`] for one that is not what was
    /// written; [`Error::Remote`].
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        check(name)?;
        let path = document(name);
        let Some((object, _)) = self.bucket.read(&path)? else {
            return Ok(None);
        };
        let decoded = decode_document(&object).map_err(|flaw| flaw.at(self.bucket.place(&path)));
        decoded.map(Some)
    }

    /// Writes a document, or replaces it.
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::TooLarge`]; [`Error::Remote`].
    pub fn put_document(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check(name)?;
        let object = encode_document(bytes).ok_or(Error::TooLarge {
            what: "a document, in bytes,",
            actual: bytes.len(),
            limit: crate::codec::DOCUMENT_BYTES_MAX,
            remedy: "split what it describes",
        })?;
        self.bucket.write_many(vec![(document(name), object)])
    }

    /// Which pieces are there.
    ///
    /// # Errors
    /// [`Error::Remote`].
    pub fn present(&self, pieces: &[Digest]) -> Result<Vec<bool>, Error> {
        self.bucket.present(pieces.iter().map(piece).collect())
    }

    /// Writes pieces of at most [`CHUNK_BYTES_MAX`] bytes; returns how many
    /// bytes they take.
    ///
    /// # Errors
    /// [`Error::WrongDigest`] and [`Error::TooLarge`]; [`Error::Remote`].
    pub fn put_pieces(&self, pieces: &[(Digest, Vec<u8>)]) -> Result<u64, Error> {
        let mut objects = Vec::with_capacity(pieces.len());
        for (digest, bytes) in pieces {
            if bytes.len() > CHUNK_BYTES_MAX {
                return Err(Error::TooLarge {
                    what: "a piece, in bytes,",
                    actual: bytes.len(),
                    limit: CHUNK_BYTES_MAX,
                    remedy: "cut it into smaller ones",
                });
            }
            if Digest::of(bytes) != *digest {
                return Err(Error::WrongDigest { digest: *digest });
            }
            objects.push((piece(digest), encode_chunk_at(bytes, DOCUMENT_ZSTD_LEVEL)));
        }
        let stored = objects.iter().map(|(_, object)| object.len() as u64).sum();
        self.bucket.write_many(objects)?;
        Ok(stored)
    }

    /// The bytes of pieces, in order; `None` for one that is not there.
    ///
    /// # Errors
    /// [`Error::Damaged`] for one that is not the piece of its name;
    /// [`Error::Remote`].
    pub fn pieces(&self, pieces: &[Digest]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let found = self.bucket.read_many(pieces.iter().map(piece).collect())?;
        pieces
            .iter()
            .zip(found)
            .map(|(digest, object)| {
                let place = || self.bucket.place(&piece(digest));
                let decode = |object: Vec<u8>| decode_chunk(&object, digest);
                object
                    .map(decode)
                    .transpose()
                    .map_err(|flaw| flaw.at(place()))
            })
            .collect()
    }
}

fn document(name: &str) -> String {
    format!("{FOLDER}/{name}{DOCUMENT}")
}

fn piece(digest: &Digest) -> String {
    let hex = digest.to_string();
    let (first, rest) = hex.split_at_checked(2).unwrap_or((&hex, ""));
    format!("{FOLDER}/{first}/{rest}.chunk")
}

fn check(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let reason = if name.is_empty() || name.len() > NAME_BYTES_MAX {
        "it has no or too many letters"
    } else if !name.chars().all(plain) {
        "it has other letters"
    } else {
        return Ok(());
    };
    Err(Error::Name {
        name: name.chars().take(NAME_BYTES_MAX).collect(),
        reason,
    })
}
