//! The documents of a store: what names an image's pieces, and code's.

use super::parcel::Parcel;
#[cfg(feature = "fuzzing")]
use super::store::StoreError;
use super::store::{ImageStore, damaged, store_error};
use crate::error::Error;
use crate::image::description::{DESCRIPTION_BYTES_MAX, Description, Misread};
use crate::image::details::{CODE_FILES, CodeDetails};
use memex_guest_python::Sha256Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest document: pieces of 4 GiB of memory have names of 256 KiB.
const DOCUMENT_BYTES_MAX: usize = 4 << 20;
const FORMAT: u32 = 1;

// Documents outlive builds of memex: another form is another number.
const _: () = assert!(FORMAT == 1);

const IMAGE: &str = "image-";
const CODE: &str = "code-";

/// An image in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shipment {
    format: u32,
    /// The description, as the text whose digest is the image's name.
    pub(super) description: String,
    pub(super) memory: Parcel,
    /// The guest's files, which its manifest pins.
    pub(super) guest: Vec<GuestParcel>,
    /// The wheels of its packages, in the order of the description.
    pub(super) wheels: Vec<Parcel>,
}

/// A file of the guest in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GuestParcel {
    pub(super) sha256: Sha256Digest,
    pub(super) parcel: Parcel,
}

/// Machine code in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeShipment {
    format: u32,
    /// The key of the code: its inputs, the engine and the processor's features.
    pub(super) key: String,
    /// For people: what it was compiled for.
    pub(super) machine: String,
    pub(super) details: CodeDetails,
    pub(super) files: Vec<CodeParcel>,
    /// The authentication of [`statement`](Self::statement) with the image's secret.
    pub(super) authentication: Option<String>,
}

/// A file of machine code in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeParcel {
    pub(super) name: String,
    pub(super) blake3: String,
    pub(super) parcel: Parcel,
}

/// The part of a document that every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Shipment {
    pub(super) fn new(
        description: String,
        memory: Parcel,
        guest: Vec<GuestParcel>,
        wheels: Vec<Parcel>,
    ) -> Self {
        Self {
            format: FORMAT,
            description,
            memory,
            guest,
            wheels,
        }
    }

    /// The names of the images in a store.
    pub(super) fn names(store: &dyn ImageStore) -> Result<Vec<String>, Error> {
        names(store, IMAGE)
    }

    pub(super) fn put(&self, name: &str, store: &dyn ImageStore) -> Result<(), Error> {
        put(store, &format!("{IMAGE}{name}"), self)
    }

    /// Reads the image of a full name: what it is, and where its pieces are.
    pub(super) fn get(name: &str, store: &dyn ImageStore) -> Result<(Self, Description), Error> {
        let what = format!("the image {name}");
        let bytes = read(store, &format!("{IMAGE}{name}"))?.ok_or_else(|| Error::NoImage {
            key: name.to_owned(),
            place: store.place(),
        })?;
        let shipment: Self = parse(&bytes, &what, store)?;
        if shipment.description.len() as u64 >= DESCRIPTION_BYTES_MAX {
            return Err(damaged(&what, store, "its description is too long"));
        }
        let description =
            Description::parse(&shipment.description, name).map_err(|misread| match misread {
                Misread::Damaged(reason) => damaged(&what, store, reason),
                Misread::OtherFormat(format) => other_format(&what, format),
            })?;
        let fits = shipment.memory.bytes == description.memory.bytes
            && shipment.wheels.len() == description.wheels.len();
        match fits {
            true => Ok((shipment, description)),
            false => Err(damaged(&what, store, "its pieces are not those of it")),
        }
    }
}

impl CodeShipment {
    pub(super) fn new(
        key: String,
        machine: String,
        details: CodeDetails,
        files: Vec<CodeParcel>,
    ) -> Self {
        Self {
            format: FORMAT,
            key,
            machine,
            details,
            files,
            authentication: None,
        }
    }

    /// The keys of the code in a store.
    pub(super) fn keys(store: &dyn ImageStore) -> Result<Vec<String>, Error> {
        names(store, CODE)
    }

    pub(super) fn put(&self, store: &dyn ImageStore) -> Result<(), Error> {
        put(store, &format!("{CODE}{}", self.key), self)
    }

    /// Reads the code of a key, if it is there.
    pub(super) fn get(key: &str, store: &dyn ImageStore) -> Result<Option<Self>, Error> {
        let what = format!("the machine code {key}");
        let Some(bytes) = read(store, &format!("{CODE}{key}"))? else {
            return Ok(None);
        };
        let shipment: Self = parse(&bytes, &what, store)?;
        let names: Vec<&str> = shipment.files.iter().map(|file| &*file.name).collect();
        match shipment.key == key && names == CODE_FILES {
            true => Ok(Some(shipment)),
            false => Err(damaged(&what, store, "it is other code")),
        }
    }

    /// The authenticated statement about the code: the digest of every file, and
    /// the inputs.
    pub(super) fn statement(&self) -> String {
        let mut statement = format!("memex machine code 1\n{}\n", self.key);
        for file in &self.files {
            statement.push_str(&format!("{} {}\n", file.blake3, file.name));
        }
        statement
    }

    /// The digest by which the code can be pinned.
    pub(super) fn digest(&self) -> String {
        blake3::hash(self.statement().as_bytes())
            .to_hex()
            .to_string()
    }
}

fn names(store: &dyn ImageStore, prefix: &str) -> Result<Vec<String>, Error> {
    let documents = store.documents().map_err(store_error("list", store))?;
    let mut names: Vec<String> = documents
        .iter()
        .filter_map(|name| name.strip_prefix(prefix))
        .filter(|name| name.len() <= 64 && name.chars().all(|c| c.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

fn read(store: &dyn ImageStore, name: &str) -> Result<Option<Vec<u8>>, Error> {
    store.document(name).map_err(store_error("read", store))
}

fn put(store: &dyn ImageStore, name: &str, document: &impl Serialize) -> Result<(), Error> {
    let error = store_error("push", store);
    match serde_json::to_vec(document) {
        Ok(bytes) => store.put_document(name, &bytes).map_err(error),
        Err(fault) => Err(error(fault.into())),
    }
}

fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    what: &str,
    store: &dyn ImageStore,
) -> Result<T, Error> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(damaged(what, store, "its document is too long"));
    }
    let unreadable = |error: serde_json::Error| damaged(what, store, error.to_string());
    let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
    if head.format != FORMAT {
        return Err(other_format(what, head.format));
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

fn other_format(what: &str, format: u32) -> Error {
    Error::OtherImage {
        name: what.trim_start_matches("the image ").to_owned(),
        why: format!("it was pushed in format {format}, and this memex reads {FORMAT}"),
    }
}

/// Reads bytes as an image and as code, for fuzzing: any bytes are a document or
/// an error, and a document's pieces are as many as its size needs.
///
/// # Errors
/// Says why they are neither.
#[cfg(feature = "fuzzing")]
pub fn check_document(bytes: &[u8]) -> Result<(), String> {
    let held = Held(bytes);
    let text = serde_json::from_slice::<Shipment>(bytes).map(|shipment| shipment.description);
    let name = crate::image::description::name_of(text.as_deref().unwrap_or_default());
    let image = Shipment::get(&name, &held).map(drop);
    let key = serde_json::from_slice::<CodeShipment>(bytes).map(|code| code.key);
    let code = CodeShipment::get(&key.unwrap_or_default(), &held).map(drop);
    image.or(code).map_err(|error| error.to_string())
}

/// A store with one document under every name.
#[cfg(feature = "fuzzing")]
struct Held<'a>(&'a [u8]);

#[cfg(feature = "fuzzing")]
impl ImageStore for Held<'_> {
    fn place(&self) -> String {
        "memory".into()
    }

    fn documents(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn document(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(Some(self.0.to_vec()))
    }

    fn put_document(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Err("it is read only".into())
    }

    fn present(&self, pieces: &[[u8; 32]]) -> Result<Vec<bool>, StoreError> {
        Ok(vec![false; pieces.len()])
    }

    fn put_pieces(&self, _: Vec<([u8; 32], Vec<u8>)>) -> Result<u64, StoreError> {
        Err("it is read only".into())
    }

    fn pieces(&self, pieces: &[[u8; 32]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(vec![None; pieces.len()])
    }
}
