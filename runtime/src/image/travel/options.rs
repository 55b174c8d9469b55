//! What is pulled.

use super::trust::TrustCode;
use crate::image::secret::ImageSecret;

/// What is pulled. Default: the image that the specification asks for, with no
/// unauthenticated code.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// The name, or the beginning of one. Only the full name pins the image;
    /// anyone who can write to the store can provide another image for a prefix.
    pub name: Option<String>,
    /// The secret that vouches for machine code. Default: none.
    pub secret: Option<ImageSecret>,
    /// Which machine code is taken.
    pub trust_code: TrustCode,
    /// Also get code that counts fuel.
    pub fuel: bool,
}
