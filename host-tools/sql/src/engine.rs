//! One connection, hardened before the first statement of a guest.

use super::access::Access;
use super::authorizer::{LastRefusal, authorizer};
use super::limits::SqlLimits;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Instructions between two looks at the clock: tens of microseconds.
const PROGRESS_OPS: i32 = 4000;
/// Longest wait for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
const EXPRESSION_DEPTH_MAX: i32 = 200;
const COMPOUND_SELECT_MAX: i32 = 100;
const PROGRAM_OPS_MAX: i32 = 250_000;
const PATTERN_MAX_BYTES: i32 = 1000;
const FUNCTION_ARGUMENTS_MAX: i32 = 100;
const VARIABLES_MAX: i32 = 32_766;

/// Until when a statement may run.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) deadline: Instant,
    pub(super) cancelled: CancellationToken,
}

impl Bounds {
    fn passed(&self) -> bool {
        self.cancelled.is_cancelled() || Instant::now() >= self.deadline
    }
}

/// A connection that a guest's SQL may run on.
pub(super) struct Engine {
    connection: Connection,
    refused: LastRefusal,
}

impl Engine {
    /// Opens the SQLite database at `path`, which is resolved and holds no
    /// symbolic link.
    pub(super) fn open_file(
        path: &Path,
        access: Access,
        limits: &SqlLimits,
    ) -> rusqlite::Result<Self> {
        let mode = match access {
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        Self::harden(Connection::open_with_flags(path, flags)?, access, limits)
    }

    /// Opens a database that lives in this process's memory, read-only.
    pub(super) fn open_memory(uri: &str, limits: &SqlLimits) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags)?;
        Self::harden(connection, Access::ReadOnly, limits)
    }

    fn harden(
        mut connection: Connection,
        access: Access,
        limits: &SqlLimits,
    ) -> rusqlite::Result<Self> {
        connection.busy_timeout(BUSY_TIMEOUT.min(limits.statement_timeout))?;
        for (switch, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
            (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
            // A misspelt column in double quotes is an error, not a text.
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        ] {
            connection.set_db_config(switch, on)?;
        }
        for (limit, value) in [
            (
                Limit::SQLITE_LIMIT_LENGTH,
                saturated(limits.value_max_bytes),
            ),
            (
                Limit::SQLITE_LIMIT_SQL_LENGTH,
                saturated(limits.query_max_bytes),
            ),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH_MAX),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, COMPOUND_SELECT_MAX),
            (Limit::SQLITE_LIMIT_VDBE_OP, PROGRAM_OPS_MAX),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX_BYTES),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, FUNCTION_ARGUMENTS_MAX),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, VARIABLES_MAX),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, value)?;
        }
        let sorts = if limits.sorts_on_disk {
            "FILE"
        } else {
            "MEMORY"
        };
        connection.execute_batch(&format!(
            "PRAGMA temp_store = {sorts}; PRAGMA cell_size_check = ON;"
        ))?;
        connection.execute_batch(&format!(
            "PRAGMA hard_heap_limit = {};",
            limits.memory_max_bytes
        ))?;
        if access == Access::ReadOnly {
            connection.execute_batch("PRAGMA query_only = ON;")?;
        }
        let refused = LastRefusal::default();
        connection.authorizer(Some(authorizer(access, Arc::clone(&refused))))?;
        Ok(Self {
            connection,
            refused,
        })
    }

    /// Runs `work` within `bounds`: past them, statements are interrupted.
    pub(super) fn within<T>(
        &mut self,
        bounds: &Bounds,
        work: impl FnOnce(&Self) -> T,
    ) -> rusqlite::Result<T> {
        *self.refused.lock() = None;
        let watched = bounds.clone();
        self.connection
            .progress_handler(PROGRESS_OPS, Some(move || watched.passed()))?;
        Ok(work(self))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Why the authorizer refused something of the statement at hand.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.lock().take()
    }
}

pub(super) fn saturated(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
