//! The inputs of an image that nobody sees in it: its secret, and the time at
//! which it boots.

use crate::context::Context;
use crate::failure::usage;
use anyhow::Result;
use memex_runtime::{ImageSecret, ImageSpec};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Adds what the configuration says of images to a specification.
pub(crate) fn configure(spec: &mut ImageSpec, context: &Context) -> Result<()> {
    let configured = &context.configuration;
    if let Some(path) = &configured.secret_file {
        spec.secret = Some(read_secret(path)?);
    }
    if let Some(time) = configured.boot_time {
        if time > ImageSpec::BOOT_UNIX_S_MAX {
            return Err(usage(
                format!("the configuration's boot_time is {time}, which is too late"),
                format!(
                    "write seconds since 1970, at most {}",
                    ImageSpec::BOOT_UNIX_S_MAX
                ),
            ));
        }
        spec.boot_unix_s = time;
    }
    Ok(())
}

/// The secret of a file: its bytes as they are, of which no message says any.
pub(crate) fn read_secret(path: &Path) -> Result<ImageSecret> {
    let mut bytes = Vec::new();
    let most = ImageSecret::GIVEN_BYTES_MAX as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| {
        usage(
            format!("cannot read the secret {}: {error}", path.display()),
            "`head -c 32 /dev/urandom > FILE` makes a secret; name its file with --secret-file",
        )
    })?;
    Ok(ImageSecret::from_bytes(&bytes)?)
}
