//! Decoders of what a guest, a peer or a file may contain, for the fuzz targets.

pub use crate::broker::fuzzing::{Gated, gate};
pub use crate::http::fuzzing::{Scrubbed, http_body};
pub use crate::outside::mcp::fuzzing::{mcp_results, mcp_tools};
pub use crate::sql::files::fuzzing::{TextFiles, TextForm};
