//! A scratch in a file, which sessions of several processes share.

use super::store::{Kept, ScratchLimits, Usage};
use bytes::Bytes;
use memex_host_tools::ToolError;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// Longest wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const PAGE_BYTES: usize = 4096;
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS kept(
    key TEXT PRIMARY KEY, json TEXT NOT NULL, parts BLOB NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID";

/// Values by key in one SQLite file. Every change is whole or not at all.
#[derive(Debug)]
pub struct ScratchFile {
    limits: ScratchLimits,
    connection: Mutex<Connection>,
}

impl ScratchFile {
    /// Opens the file, or makes it. Its folder must be there, and be trusted.
    ///
    /// # Errors
    /// What the engine says: no such folder, no right to it, or a file of
    /// another kind.
    pub fn open(path: &Path, limits: ScratchLimits) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // What is kept, and as much again for pages that are half full.
        let pages = (limits.total_bytes / PAGE_BYTES).saturating_mul(2);
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA max_page_count = {};",
            pages.max(64)
        ))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self {
            limits,
            connection: Mutex::new(connection),
        })
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Kept>, ToolError> {
        let found = self
            .connection
            .lock()
            .query_row(
                "SELECT json, parts FROM kept WHERE key = ?1",
                [key],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)),
            )
            .optional()
            .map_err(unusable)?;
        let Some((json, parts)) = found else {
            return Ok(None);
        };
        let parts = decoded(parts.into()).ok_or_else(|| {
            ToolError::new(
                "OSError",
                "the shared scratch is damaged; set the key again",
            )
        })?;
        Ok(Some(Kept::new(key, json, parts)))
    }

    pub(super) fn set(
        &self,
        key: String,
        json: &Value,
        parts: Vec<Bytes>,
    ) -> Result<(), ToolError> {
        let kept = self.limits.checked(&key, json, parts)?;
        let mut connection = self.connection.lock();
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(unusable)?;
        let others = change
            .query_row(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM kept WHERE key <> ?1",
                [&key],
                |row| {
                    Ok(Usage {
                        keys: count(row.get(0)?),
                        bytes: count(row.get(1)?),
                    })
                },
            )
            .map_err(unusable)?;
        self.limits.admit(others, kept.bytes)?;
        change
            .execute(
                "INSERT OR REPLACE INTO kept VALUES (?1, ?2, ?3, ?4)",
                params![key, kept.json, encoded(&kept.parts), number(kept.bytes)],
            )
            .map_err(unusable)?;
        change.commit().map_err(unusable)
    }

    pub(super) fn delete(&self, key: &str) -> Result<bool, ToolError> {
        let connection = self.connection.lock();
        let deleted = connection.execute("DELETE FROM kept WHERE key = ?1", [key]);
        Ok(deleted.map_err(unusable)? > 0)
    }

    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ToolError> {
        let connection = self.connection.lock();
        let mut query = connection
            .prepare(
                "SELECT key FROM kept
                 WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 AND (?2 IS NULL OR key > ?2)
                 ORDER BY key LIMIT ?3",
            )
            .map_err(unusable)?;
        let rows = query
            .query_map(params![prefix, after, number(limit)], |row| row.get(0))
            .map_err(unusable)?;
        rows.collect::<Result<_, _>>().map_err(unusable)
    }
}

/// SQLite's integers have a sign.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A file may hold any number; one below zero counts as too many.
fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Length first, for each part.
fn encoded(parts: &[Bytes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn decoded(mut bytes: Bytes) -> Option<Vec<Bytes>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.get(..8)?.try_into().ok()?;
        let length = usize::try_from(u64::from_le_bytes(length)).ok()?;
        let end = length.checked_add(8).filter(|end| *end <= bytes.len())?;
        parts.push(bytes.slice(8..end));
        bytes = bytes.slice(end..);
    }
    Some(parts)
}

fn unusable(error: rusqlite::Error) -> ToolError {
    ToolError::new("OSError", "the shared scratch cannot be used").with_detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let parts: Vec<Bytes> = vec!["a".into(), Bytes::new(), vec![0; 300].into()];
        assert_eq!(decoded(encoded(&parts).into()), Some(parts));
        assert_eq!(decoded(Bytes::new()), Some(Vec::new()));
        for damaged in [&[1][..], &[9, 0, 0, 0, 0, 0, 0, 0, 1], &[0xff; 8]] {
            assert_eq!(decoded(Bytes::copy_from_slice(damaged)), None);
        }
    }
}
