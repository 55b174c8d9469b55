//! Where a session's random bytes come from.

use crate::image::ImageSecret;
use memex_filesystem::Errno;
use memex_policies::Randomness;

/// Where a session's random bytes come from.
#[derive(Debug, Clone)]
pub(crate) enum Random {
    /// The operating system, fresh each time.
    System,
    /// A stream that a seed determines: the extendable output of BLAKE3 over
    /// the seed. For replay only; anyone who knows the seed knows the bytes.
    Seeded {
        /// The seed.
        seed: u64,
        /// Bytes drawn so far.
        position: u64,
    },
    /// The stream of a guest that boots: the same for builds of one secret.
    Boot {
        /// The image's secret.
        secret: ImageSecret,
        /// Bytes drawn so far.
        position: u64,
    },
}

impl Random {
    pub(crate) fn new(grant: Randomness) -> Self {
        match grant {
            Randomness::System => Self::System,
            Randomness::Seeded { seed } => Self::Seeded { seed, position: 0 },
        }
    }

    /// The random bytes of a guest that boots.
    pub(crate) fn of_boot(secret: ImageSecret) -> Self {
        Self::Boot {
            secret,
            position: 0,
        }
    }

    /// Bytes of a seeded stream drawn so far.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::System => 0,
            Self::Seeded { position, .. } | Self::Boot { position, .. } => *position,
        }
    }

    /// Goes on behind what a saved session had drawn.
    pub(crate) fn skip_to(&mut self, drawn: u64) {
        if let Self::Seeded { position, .. } | Self::Boot { position, .. } = self {
            *position = drawn;
        }
    }

    /// Fills `bytes`, or says that the system has no randomness.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        match self {
            Self::System => getrandom::fill(bytes).map_err(|_| Errno::Io),
            Self::Seeded { seed, position } => {
                let stream = blake3::Hasher::new_derive_key("memex session randomness v1")
                    .update(&seed.to_le_bytes())
                    .finalize_xof();
                draw(stream, position, bytes);
                Ok(())
            }
            Self::Boot { secret, position } => {
                draw(secret.boot_stream(), position, bytes);
                Ok(())
            }
        }
    }
}

/// Fills `bytes` from a place of a stream on.
fn draw(mut stream: blake3::OutputReader, position: &mut u64, bytes: &mut [u8]) {
    stream.set_position(*position);
    stream.fill(bytes);
    *position = position.saturating_add(bytes.len() as u64);
}
