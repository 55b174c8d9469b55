//! Machine code from a store, or compiled here.

use super::documents::{CodeParcel, CodeShipment};
use super::options::PullOptions;
use super::parcel::Carrier;
use super::store::{ImageStore, damaged};
use crate::cpu::Cpu;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use crate::image::builder::Builder;
use crate::image::cache::Cache;
use crate::image::code::LoadedCode;
use crate::image::compile::compatibility;
use crate::image::details::{CODE_FILE, CODE_FILES, CodeDetails};
use crate::image::entry::Entry;
use crate::image::files::remove_if_there;
use crate::image::progress::Stage;
use crate::image::secret::ImageSecret;
use crate::image::spec::ImageSpec;
use std::path::Path;

/// Longest file of machine code.
const CODE_BYTES_MAX: u64 = 2 << 30;
/// Kinds of machine that a message names.
const MACHINES_TOLD: usize = 6;

/// Where the machine code of a pulled image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSource {
    /// The cache had it.
    Cache,
    /// It was pulled.
    Store,
    /// It was compiled.
    Compiled,
}

/// What code is compiled for, in words.
pub(super) fn machine(cpu: Cpu, metering: Metering) -> String {
    format!(
        "{} ({}), {}, memex {}",
        std::env::consts::ARCH,
        cpu.name(),
        metering.name(),
        env!("CARGO_PKG_VERSION")
    )
}

/// Sends code, if the cache has it. An existing authentication is kept.
pub(super) fn push(
    cache: &Cache,
    spec: &ImageSpec,
    metering: Metering,
    secret: Option<&ImageSecret>,
    carrier: &mut Carrier<'_>,
) -> Result<Option<CodeShipment>, Error> {
    let key = code_key(cache, spec, metering)?;
    let directory = cache.entry_path("code", &key);
    let Ok(entry) = Entry::<CodeDetails>::open(&directory, &key, false) else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for name in CODE_FILES {
        files.push(CodeParcel {
            name: (*name).to_owned(),
            blake3: entry.digests.get(*name).cloned().unwrap_or_default(),
            parcel: carrier.send(&directory.join(name))?,
        });
    }
    let machine = machine(cache.cpu(), metering);
    let mut code = CodeShipment::new(key.clone(), machine, entry.details, files);
    code.authentication = match secret {
        Some(secret) => Some(secret.authenticate(code.statement().as_bytes()).to_string()),
        None => CodeShipment::get(&key, carrier.store)
            .ok()
            .flatten()
            .filter(|there| there.statement() == code.statement())
            .and_then(|there| there.authentication),
    };
    code.put(carrier.store)?;
    Ok(Some(code))
}

/// Ensures that the cache has the code of an image.
pub(super) fn pull(
    builder: &mut Builder<'_>,
    metering: Metering,
    (store, options): (&dyn ImageStore, &PullOptions),
    moved: &mut u64,
) -> Result<CodeSource, Error> {
    let key = code_key(builder.cache, builder.spec, metering)?;
    let directory = builder.cache.entry_path("code", &key);
    if Entry::<CodeDetails>::open(&directory, &key, false).is_ok() {
        return Ok(CodeSource::Cache);
    }
    let refused = match CodeShipment::get(&key, store) {
        Ok(None) => not_there(builder.cache.cpu(), metering, store),
        Err(error) if is_of_the_store(&error) => compiling(&error),
        Err(error) => return Err(error),
        Ok(Some(code)) => {
            match options
                .trust_code
                .judge(&code, options.secret.as_ref(), store)?
            {
                Err(why) => why,
                Ok(()) => match adopt(builder, &code, metering, store, moved) {
                    Ok(()) => return Ok(CodeSource::Store),
                    Err(error) if is_of_the_store(&error) => compiling(&error),
                    Err(error) => return Err(error),
                },
            }
        }
    };
    builder.progress.note(&refused);
    builder.code(metering)?;
    Ok(CodeSource::Compiled)
}

fn code_key(cache: &Cache, spec: &ImageSpec, metering: Metering) -> Result<String, Error> {
    let engine = engine(metering, STACK_BYTES, cache.cpu())?;
    Ok(spec.code_key(metering, &compatibility(&engine)))
}

/// Whether it is the store that failed: there is another way to the code then.
fn is_of_the_store(error: &Error) -> bool {
    matches!(
        error,
        Error::DamagedInStore { .. } | Error::ImageStore { .. } | Error::OtherImage { .. }
    )
}

/// The error without its hint, since the remedy is under way.
fn compiling(error: &Error) -> String {
    let told = error.to_string();
    let told = told.lines().next().unwrap_or_default();
    format!("{told}; it is compiled here")
}

fn not_there(cpu: Cpu, metering: Metering, store: &dyn ImageStore) -> String {
    let mut machines = Vec::new();
    let keys = CodeShipment::keys(store).unwrap_or_default();
    for key in keys.iter().take(MACHINES_TOLD) {
        if let Ok(Some(code)) = CodeShipment::get(key, store) {
            machines.push(code.machine.chars().take(80).collect::<String>());
        }
    }
    let has = match machines.is_empty() {
        true => "no machine".to_owned(),
        false => machines.join("; "),
    };
    format!(
        "the store has no machine code for {}, but for {has}; it is compiled here",
        machine(cpu, metering)
    )
}

/// Takes code that was judged into the cache: every file is compared, and the
/// engine has to accept it, before it gets its place.
fn adopt(
    builder: &mut Builder<'_>,
    code: &CodeShipment,
    metering: Metering,
    store: &dyn ImageStore,
    moved: &mut u64,
) -> Result<(), Error> {
    let what = format!("the machine code {}", code.key);
    // What authenticates the code says nothing of these numbers.
    if code
        .files
        .iter()
        .any(|file| file.parcel.bytes > CODE_BYTES_MAX)
    {
        return Err(damaged(&what, store, "it is too long"));
    }
    let total = code.files.iter().map(|file| file.parcel.bytes).sum();
    let cache = builder.cache;
    let _lock = cache.lock("code", &code.key, builder.progress)?;
    let place = cache.entry_path("code", &code.key);
    if Entry::<CodeDetails>::open(&place, &code.key, false).is_ok() {
        // Another process was faster.
        return Ok(());
    }
    remove_if_there(&place)?;
    builder.progress.begin(Stage::Pull, Some(total));
    let result = cache.publish("code", &code.key, |directory| {
        let mut carrier = Carrier {
            store,
            progress: &mut *builder.progress,
            done: 0,
            tally: Default::default(),
        };
        for file in &code.files {
            carrier.fetch(&what, &file.parcel, &directory.join(&file.name))?;
        }
        *moved = moved.saturating_add(carrier.tally.moved);
        Entry::seal(directory, &code.key, CODE_FILES, &code.details)?;
        check(directory, code, metering, cache.cpu()).map_err(|why| damaged(&what, store, why))
    });
    builder.progress.end();
    result
}

fn check(
    directory: &Path,
    code: &CodeShipment,
    metering: Metering,
    cpu: Cpu,
) -> Result<(), String> {
    let entry = Entry::<CodeDetails>::open(directory, &code.key, false);
    let entry = entry.map_err(|error| error.to_string())?;
    for file in &code.files {
        if entry.digests.get(&file.name) != Some(&file.blake3) {
            return Err(format!("{} is another file", file.name));
        }
    }
    LoadedCode::load(&directory.join(CODE_FILE), metering, STACK_BYTES, cpu)
        .map(drop)
        .map_err(|error| error.to_string())
}
