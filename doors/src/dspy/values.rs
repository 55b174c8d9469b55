//! JSON of the guest's and the client's, bounded by what it takes as values before it is parsed.

use memex_host_tools::{REQUEST_TREE_BYTES, TreeSize};
use serde_json::Value;

/// The value of a text, or what is wrong with it: it is none, or takes too much.
pub(super) fn value_of(json: &[u8]) -> Result<Value, String> {
    TreeSize::check(json, REQUEST_TREE_BYTES).map_err(|what| format!("it {what}"))?;
    serde_json::from_slice(json).map_err(|error| format!("no JSON: {error}"))
}
