//! One key, and the ring that a presented key is held against.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::wall_ms;
use crate::random;
use crate::tenants::Scope;

/// Keys begin so, which tools that search for leaked credentials can look for.
const PREFIX: &str = "memex_";
/// Random bytes of a key.
const SECRET_BYTES: usize = 32;
/// The longest text that is held against keys.
const PRESENTED_BYTES_MAX: usize = 200;

/// What the server keeps of a key. The key itself is shown once.
///
/// A key is 256 random bits, so its digest needs no salt and no slow hash: there is nothing
/// to guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Names it, in lists and in the audit log.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// BLAKE3 of the key, in hexadecimal digits.
    pub digest: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it ends, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// What a person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl KeyRecord {
    fn is_valid(&self) -> bool {
        self.expires_ms.is_none_or(|expires| wall_ms() < expires)
    }
}

/// A new key, with its digest.
///
/// # Errors
/// When the system has no random numbers.
pub fn issue() -> io::Result<(String, String)> {
    let mut secret = [0; SECRET_BYTES];
    random::fill(&mut secret)?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let digest = digest(&key).to_hex().to_string();
    Ok((key, digest))
}

fn digest(key: &str) -> blake3::Hash {
    blake3::hash(key.as_bytes())
}

/// Keys that are valid.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    keys: Vec<(blake3::Hash, KeyRecord)>,
}

impl Ring {
    /// The ring of some records; those whose digest is none are left out.
    pub(crate) fn new(records: impl IntoIterator<Item = KeyRecord>) -> Self {
        let keys = records.into_iter().filter_map(|record| {
            let digest = blake3::Hash::from_hex(&record.digest).ok()?;
            Some((digest, record))
        });
        Self {
            keys: keys.collect(),
        }
    }

    /// The record of a presented key. Takes the same time whichever key it is, and whether
    /// it is one: every digest is compared, each in constant time.
    pub(crate) fn find(&self, presented: &str) -> Option<&KeyRecord> {
        if presented.len() > PRESENTED_BYTES_MAX {
            return None;
        }
        let presented = digest(presented);
        let mut found = None;
        for (digest, record) in &self.keys {
            if *digest == presented {
                found = Some(record);
            }
        }
        found.filter(|record| record.is_valid())
    }

    /// The record of a key by its name, while the key is valid.
    pub(crate) fn named(&self, id: &str) -> Option<&KeyRecord> {
        let mut records = self.keys.iter().map(|(_, record)| record);
        records.find(|record| record.id == id && record.is_valid())
    }

    /// The valid keys of a tenant.
    pub(crate) fn of_tenant(&self, tenant: &str) -> impl Iterator<Item = &KeyRecord> {
        let records = self.keys.iter().map(|(_, record)| record);
        records.filter(move |record| record.tenant == tenant && record.is_valid())
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(digest: String, expires_ms: Option<u64>) -> KeyRecord {
        KeyRecord {
            id: "k".to_owned(),
            tenant: "a".to_owned(),
            scopes: vec![Scope::Run],
            digest,
            created_ms: 0,
            expires_ms,
            label: None,
        }
    }

    #[test]
    fn a_ring_finds_its_keys_and_no_others() {
        let (key, digest) = issue().unwrap();
        let (other, _) = issue().unwrap();
        let ring = Ring::new([
            record(digest.clone(), None),
            record("no digest".to_owned(), None),
        ]);
        assert_eq!(ring.len(), 1);
        assert!(ring.find(&key).is_some());
        let cut = &key[..key.len() - 1];
        for wrong in [
            "",
            &other,
            cut,
            &digest,
            &format!("{key} "),
            &"x".repeat(1 << 20),
        ] {
            assert!(ring.find(wrong).is_none());
        }
    }

    #[test]
    fn a_key_ends_at_its_time() {
        let (key, digest) = issue().unwrap();
        let ring = |expires| Ring::new([record(digest.clone(), Some(expires))]);
        assert!(ring(wall_ms() + 60_000).find(&key).is_some());
        assert!(ring(wall_ms()).find(&key).is_none());
    }
}
