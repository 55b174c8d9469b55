//! From a call to its answer.

use crate::answer::Answer;
use crate::options::Request;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::{columns, jpeg, kdf, webp, zstandard};

/// The families of natives, which a policy permits or denies by these names.
pub const FAMILIES: &[&str] = &[
    "jpeg", "kdf", "matrices", "parquet", "sorting", "webp", "zstd",
];

/// Answers a call: the head names the native and its options, the parts are its
/// input. `permits` says whether the session may use a family.
///
/// # Errors
/// A [`Refusal`]; the session survives each of them. The room then still says what
/// work was charged for.
pub fn answer(
    head: &[u8],
    parts: &[&[u8]],
    permits: impl Fn(&str) -> bool,
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let request = Request::read(head)?;
    let family = request.family();
    if !permits(family) {
        return Err(Refusal::Denied { family });
    }
    let bytes = parts
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(part.len() as u64));
    room.admit_input(bytes)?;
    room.charge(bytes)?;
    room.look()?;
    let answer = match &request {
        Request::ArrowPlain(options) => columns::plain(options, one(parts)?, room),
        Request::ParquetRead(options) => columns::read_parquet(options, one(parts)?, room),
        Request::ParquetWrite(options) => columns::write_parquet(options, one(parts)?, room),
        Request::JpegDecode(options) => jpeg::decode(options, one(parts)?, room),
        Request::JpegEncode(options) => jpeg::encode(options, one(parts)?, room),
        Request::WebpDecode(options) => webp::decode(options, one(parts)?, room),
        Request::WebpEncode(options) => webp::encode(options, one(parts)?, room),
        Request::ZstdCompress(options) => zstandard::compress(options, parts, room),
        Request::ZstdDecompress(options) => zstandard::decompress(options, parts, room),
        Request::Pbkdf2(options) => kdf::pbkdf2(options, two(parts)?, room),
        Request::Scrypt(options) => kdf::scrypt(options, two(parts)?, room),
    }?;
    let bytes = answer.parts.iter().map(|part| part.len() as u64);
    room.admit_output(bytes.fold(0, u64::saturating_add))?;
    Ok(answer)
}

fn one<'a>(parts: &[&'a [u8]]) -> Result<&'a [u8], Refusal> {
    match parts {
        [part] => Ok(part),
        _ => Err(Refusal::Request(format!("{} parts, not 1", parts.len()))),
    }
}

fn two<'a>(parts: &[&'a [u8]]) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    match parts {
        [first, second] => Ok((first, second)),
        _ => Err(Refusal::Request(format!("{} parts, not 2", parts.len()))),
    }
}
