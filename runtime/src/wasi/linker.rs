//! Everything that the guest may import.

use super::{clock, environment, files, host_call, paths, random, stdio};
use crate::error::Error;
use crate::host::Host;
use wasmtime::{Engine, Linker};

/// Everything that the guest may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Host>, Error> {
    let mut linker = Linker::new(engine);
    stdio::link(&mut linker)
        .and_then(|()| files::link(&mut linker))
        .and_then(|()| paths::link(&mut linker))
        .and_then(|()| clock::link(&mut linker))
        .and_then(|()| random::link(&mut linker))
        .and_then(|()| environment::link(&mut linker))
        .and_then(|()| host_call::link(&mut linker))
        .map_err(Error::engine)?;
    Ok(linker)
}
