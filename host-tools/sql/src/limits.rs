//! What a query may use.

use std::time::Duration;

const MIB: usize = 1 << 20;

/// The bounds of the SQL tools. Every one is finite by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlLimits {
    /// How long one statement may run, waiting for a connection included: 30 s.
    pub statement_timeout: Duration,
    /// Most rows of a result: 2,000,000.
    pub rows_max: usize,
    /// Most columns of a result: 300.
    pub columns_max: usize,
    /// Most bytes of a result, as it is sent to the guest: 256 MiB.
    pub result_max_bytes: usize,
    /// Longest query: 256 KiB.
    pub query_max_bytes: usize,
    /// Longest text, blob or row that a statement may handle: 16 MiB. One call
    /// of an SQL function on values of this size cannot be interrupted; the
    /// guest gets its timeout all the same, and the connection stays taken
    /// until the function returns.
    pub value_max_bytes: usize,
    /// Most connections to one database at a time: 4.
    pub connections_max: usize,
    /// Most tables that are listed, and most data files of one directory: 1000.
    pub tables_max: usize,
    /// Largest data file: 1 GiB.
    pub file_max_bytes: u64,
    /// Most memory for the tables of one database of data files: 512 MiB. At
    /// most 1 GiB.
    pub loaded_max_bytes: usize,
    /// Most bytes on disk for the tables of one database of data files, once they
    /// need more than `loaded_max_bytes`: none. They are in a folder for temporary
    /// files, which goes with the database.
    pub disk_max_bytes: u64,
    /// How long loading one data file may take: 120 s. It goes on when the call
    /// that began it is over, so that a later call finds the table.
    pub load_timeout: Duration,
    /// Whether sorting and grouping many rows may write temporary files of the
    /// host: no. With them it is about twice as fast, and nothing but
    /// `statement_timeout` bounds their size; without, memory is used, which
    /// `memory_max_bytes` bounds.
    pub sorts_on_disk: bool,
    /// Most memory of the embedded engine: 4 GiB. It holds for all databases of
    /// the process; the lowest value that was ever given stands.
    pub memory_max_bytes: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(30),
            rows_max: 2_000_000,
            columns_max: 300,
            result_max_bytes: 256 * MIB,
            query_max_bytes: MIB / 4,
            value_max_bytes: 16 * MIB,
            connections_max: 4,
            tables_max: 1000,
            file_max_bytes: 1 << 30,
            loaded_max_bytes: 512 * MIB,
            disk_max_bytes: 0,
            load_timeout: Duration::from_secs(120),
            sorts_on_disk: false,
            memory_max_bytes: 4096 * MIB,
        }
    }
}
