//! One record of the journal, as bytes.

use serde::{Deserialize, Serialize};

use crate::{Change, Error};

const MAGIC: [u8; 4] = *b"MXJ1";
/// Magic, three lengths and a check.
pub(super) const PREFIX_BYTES: usize = 32;
const CHECK_BYTES: usize = 16;
/// The longest head that is read.
pub(super) const HEAD_BYTES_MAX: u32 = 64 << 10;

/// How much has been added to the memory since the journal began: what it can
/// have grown by, whatever was removed in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Grown {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    #[serde(flatten)]
    pub(crate) change: Change,
    /// The change that turned out not to have happened; the record is about
    /// nothing else then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) abandons: Option<u64>,
    pub(crate) grown: Grown,
}

/// The lengths that stand before a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) head: u32,
    pub(super) before: u32,
    pub(super) after: u32,
    check: [u8; CHECK_BYTES],
}

impl Prefix {
    pub(super) fn decode(bytes: &[u8; PREFIX_BYTES]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        if bytes.get(..4)? != MAGIC {
            return None;
        }
        let prefix = Self {
            head: number(4)?,
            before: number(8)?,
            after: number(12)?,
            check: bytes.get(16..)?.try_into().ok()?,
        };
        (prefix.head <= HEAD_BYTES_MAX).then_some(prefix)
    }

    /// The record's head, if it is what was written.
    pub(super) fn head(&self, bytes: &[u8]) -> Option<Head> {
        let check = check([self.head, self.before, self.after], bytes);
        if check != self.check {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }

    pub(super) fn record_bytes(&self) -> u64 {
        let parts = [self.head, self.before, self.after];
        parts.iter().copied().map(u64::from).sum::<u64>() + PREFIX_BYTES as u64
    }
}

/// A record with the contents that come with it.
pub(super) fn encode(head: &Head, before: &[u8], after: &[u8]) -> Result<Vec<u8>, Error> {
    let place = || head.change.path.clone();
    let json = serde_json::to_vec(head);
    let json = json.map_err(|error| Error::malformed(place(), error.to_string()))?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).ok();
    let lengths = (length(&json), length(before), length(after));
    let (Some(head_len), Some(before_len), Some(after_len)) = lengths else {
        return Err(Error::malformed(place(), "too large for the journal"));
    };
    if head_len > HEAD_BYTES_MAX {
        return Err(Error::malformed(place(), "too long for the journal"));
    }
    let lengths = [head_len, before_len, after_len];
    let mut record = Vec::with_capacity(PREFIX_BYTES + json.len() + before.len() + after.len());
    record.extend_from_slice(&MAGIC);
    for length in lengths {
        record.extend_from_slice(&length.to_le_bytes());
    }
    record.extend_from_slice(&check(lengths, &json));
    record.extend_from_slice(&json);
    record.extend_from_slice(before);
    record.extend_from_slice(after);
    Ok(record)
}

/// Contents have their own digests; the check is over everything else.
fn check(lengths: [u32; 3], head: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for length in lengths {
        hasher.update(&length.to_le_bytes());
    }
    hasher.update(head);
    let mut check = [0; CHECK_BYTES];
    hasher.finalize_xof().fill(&mut check);
    check
}
