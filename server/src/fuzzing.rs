//! What clients send and what the data directory holds, for the fuzz targets.

pub use crate::keys::fuzzing::{check_keys, check_token};
pub use crate::ledger::fuzzing::check_record;
pub use crate::operations::fuzzing::check_log;
pub use crate::wires::fuzzing::{check_address, check_call, matches, read_body};
