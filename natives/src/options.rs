//! The head of a call: which native, with which options.

use crate::refusal::Refusal;
use crate::{columns, jpeg, kdf, webp, zstandard};
use serde::Deserialize;

/// A call as its head describes it: `{"name": "jpeg.decode", …}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "name", deny_unknown_fields)]
pub(crate) enum Request {
    #[serde(rename = "arrow.plain")]
    ArrowPlain(columns::Plain),
    #[serde(rename = "parquet.read")]
    ParquetRead(columns::ReadParquet),
    #[serde(rename = "parquet.write")]
    ParquetWrite(columns::WriteParquet),
    #[serde(rename = "jpeg.decode")]
    JpegDecode(jpeg::Decoding),
    #[serde(rename = "jpeg.encode")]
    JpegEncode(jpeg::Encoding),
    #[serde(rename = "webp.decode")]
    WebpDecode(webp::Decoding),
    #[serde(rename = "webp.encode")]
    WebpEncode(webp::Encoding),
    #[serde(rename = "zstd.compress")]
    ZstdCompress(zstandard::Compressing),
    #[serde(rename = "zstd.decompress")]
    ZstdDecompress(zstandard::Decompressing),
    #[serde(rename = "kdf.pbkdf2")]
    Pbkdf2(kdf::Pbkdf2),
    #[serde(rename = "kdf.scrypt")]
    Scrypt(kdf::Scrypt),
}

impl Request {
    /// Reads a head.
    pub(crate) fn read(head: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(head).map_err(|error| Refusal::Request(error.to_string()))
    }

    /// The family that a policy permits or denies.
    pub(crate) fn family(&self) -> &'static str {
        match self {
            Self::ArrowPlain(_) | Self::ParquetRead(_) | Self::ParquetWrite(_) => "parquet",
            Self::JpegDecode(_) | Self::JpegEncode(_) => "jpeg",
            Self::WebpDecode(_) | Self::WebpEncode(_) => "webp",
            Self::ZstdCompress(_) | Self::ZstdDecompress(_) => "zstd",
            Self::Pbkdf2(_) | Self::Scrypt(_) => "kdf",
        }
    }
}
