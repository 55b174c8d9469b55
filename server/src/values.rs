//! What the body of a request may take as values.

use memex_host_tools::TreeSize;

/// The most that one takes. The largest bodies are a block of code or a file in base64,
/// which take what they have bytes; small empty objects take a hundred times that.
const VALUES_BYTES_MAX: usize = 64 << 20;

/// What to do about a body that takes more.
pub(crate) const REMEDY: &str = "send large data as a file, or as one text";

/// Holds a body in JSON against what it may take as values, before it is parsed.
///
/// # Errors
/// What is wrong, in words that follow the name of the body.
pub(crate) fn check_values(json: &[u8]) -> Result<(), String> {
    TreeSize::check(json, VALUES_BYTES_MAX).map(drop)
}
