//! Decoders of what a peer may answer, for the fuzz targets.

pub use crate::egress::fuzzing::{Scrubbed, http_body};
pub use crate::mcp::fuzzing::{mcp_results, mcp_tools};
