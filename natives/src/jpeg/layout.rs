//! How pixels are laid out.

use serde::Deserialize;

/// How pixels are laid out, by the names that PIL has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Layout {
    /// One byte of lightness.
    L,
    /// Red, green, blue.
    #[serde(rename = "RGB")]
    Rgb,
    /// Lightness and two of colour.
    YCbCr,
    /// Four inks, as they stand in the file.
    #[serde(rename = "CMYK")]
    Cmyk,
}

impl Layout {
    /// Bytes of a pixel.
    pub(crate) fn channels(self) -> u64 {
        match self {
            Self::L => 1,
            Self::Rgb | Self::YCbCr => 3,
            Self::Cmyk => 4,
        }
    }
}
