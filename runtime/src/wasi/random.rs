//! Randomness.

use super::{HardInterrupt, MODULE, answer};
use crate::image::ImageSecret;
use crate::session::Host;
use memex_filesystem::Errno;
use memex_policies::Randomness;
use wasmtime::{Caller, Linker};

/// Bytes drawn between two looks at the interrupt.
const CHUNK_BYTES: u32 = 1 << 20;

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

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, Host>, pointer: i32, length: i32| -> wasmtime::Result<i32> {
            let (mut at, mut left) = (pointer as u32, length as u32);
            while left > 0 {
                let chunk = left.min(CHUNK_BYTES);
                let code = answer(&mut caller, |bytes, host| {
                    let bytes = bytes.slice_mut(at as i32, chunk as i32)?;
                    Ok(host.random.fill(bytes)?)
                });
                if code != 0 {
                    return Ok(code);
                }
                if left > chunk && caller.data().interrupter.pulse.is_hard() {
                    return Err(HardInterrupt.into());
                }
                at = at.wrapping_add(chunk);
                left -= chunk;
            }
            Ok(0)
        },
    )?;
    Ok(())
}
