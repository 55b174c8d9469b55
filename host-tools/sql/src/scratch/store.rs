//! The values and their bounds.

use bytes::Bytes;
use memex_host_tools::{PART_KEY, ToolError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bounds of a scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScratchLimits {
    /// Keys. Default 10,000.
    pub keys: usize,
    /// Bytes of a key. Default 256.
    pub key_bytes: usize,
    /// Bytes of one value. Default 4 MiB.
    pub value_bytes: usize,
    /// Bytes of all keys and values. Default 64 MiB.
    pub total_bytes: usize,
}

impl Default for ScratchLimits {
    fn default() -> Self {
        Self {
            keys: 10_000,
            key_bytes: 256,
            value_bytes: 4 << 20,
            total_bytes: 64 << 20,
        }
    }
}

/// What a scratch holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) keys: usize,
    pub(super) bytes: usize,
}

impl ScratchLimits {
    /// A value that may be kept under `key`, as far as it alone decides.
    pub(super) fn checked(
        &self,
        key: &str,
        json: &Value,
        parts: Vec<Bytes>,
    ) -> Result<Kept, ToolError> {
        if key.is_empty() || key.len() > self.key_bytes {
            let max = self.key_bytes;
            return Err(refused(format!("key: 1 to {max} bytes are allowed")));
        }
        let kept = Kept::new(key, json.to_string(), parts);
        let (size, max) = (kept.bytes - key.len(), self.value_bytes);
        match size > max {
            true => Err(refused(format!(
                "value: {size} bytes are more than the {max} allowed"
            ))),
            false => Ok(kept),
        }
    }

    /// Whether `bytes` more may be kept beside what else there is.
    pub(super) fn admit(&self, others: Usage, bytes: usize) -> Result<(), ToolError> {
        if others.keys >= self.keys {
            let max = self.keys;
            return Err(refused(format!(
                "the scratch has its {max} keys; delete some"
            )));
        }
        if others.bytes.saturating_add(bytes) > self.total_bytes {
            let max = self.total_bytes;
            return Err(refused(format!(
                "the scratch holds at most {max} bytes; delete some"
            )));
        }
        Ok(())
    }
}

fn refused(reason: String) -> ToolError {
    ToolError::new("ValueError", format!("kv_set: {reason}"))
}

/// Values by key, in memory, shared by the sessions that are given its tools.
#[derive(Debug, Default)]
pub struct SharedScratch {
    limits: ScratchLimits,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    values: BTreeMap<String, Kept>,
    bytes: usize,
}

/// A value with the parts that it refers to.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// As text, whose size is its size in memory.
    pub(super) json: String,
    pub(super) parts: Vec<Bytes>,
    /// Of the key, too.
    pub(super) bytes: usize,
}

impl Kept {
    pub(super) fn new(key: &str, json: String, parts: Vec<Bytes>) -> Self {
        let bytes = key.len() + json.len() + parts.iter().map(Bytes::len).sum::<usize>();
        Self { json, parts, bytes }
    }
}

impl SharedScratch {
    /// An empty scratch.
    #[must_use]
    pub fn new(limits: ScratchLimits) -> Self {
        Self {
            limits,
            entries: Mutex::default(),
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = Entries::default();
    }

    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        self.lock().values.get(key).cloned()
    }

    pub(super) fn set(
        &self,
        key: String,
        json: &Value,
        parts: Vec<Bytes>,
    ) -> Result<(), ToolError> {
        let kept = self.limits.checked(&key, json, parts)?;
        let mut entries = self.lock();
        let before = entries.values.get(&key);
        let others = Usage {
            keys: entries.values.len() - usize::from(before.is_some()),
            bytes: entries.bytes - before.map_or(0, |kept| kept.bytes),
        };
        self.limits.admit(others, kept.bytes)?;
        entries.bytes = others.bytes + kept.bytes;
        entries.values.insert(key, kept);
        Ok(())
    }

    pub(super) fn delete(&self, key: &str) -> bool {
        let mut entries = self.lock();
        match entries.values.remove(key) {
            Some(kept) => {
                entries.bytes -= kept.bytes;
                true
            }
            None => false,
        }
    }

    pub(super) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let entries = self.lock();
        entries
            .values
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(limit)
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing between two changes of the entries can panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts that a value refers to, numbered anew from 0 in the order met.
pub(super) fn own_parts(json: &mut Value, parts: &[Bytes]) -> Vec<Bytes> {
    let mut own = Vec::new();
    renumber(json, &mut |index| {
        let part = usize::try_from(index)
            .ok()
            .and_then(|index| parts.get(index));
        own.push(part.cloned().unwrap_or_default());
        own.len() - 1
    });
    own
}

fn renumber(json: &mut Value, number: &mut dyn FnMut(u64) -> usize) {
    match json {
        Value::Array(values) => values.iter_mut().for_each(|value| renumber(value, number)),
        Value::Object(map) => {
            if map.len() == 1
                && let Some(index) = map.get_mut(PART_KEY)
            {
                *index = number(index.as_u64().unwrap_or(u64::MAX)).into();
                return;
            }
            if map.len() == 1
                && let Some(table) = map.get_mut(memex_host_tools::TABLE_KEY)
            {
                let columns = table.get_mut("columns").and_then(Value::as_array_mut);
                for column in columns
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_object_mut)
                {
                    for key in ["data", "ends", "codes", "valid"] {
                        if let Some(index) = column.get_mut(key) {
                            *index = number(index.as_u64().unwrap_or(u64::MAX)).into();
                        }
                    }
                }
                return;
            }
            map.values_mut().for_each(|value| renumber(value, number));
        }
        _ => {}
    }
}
