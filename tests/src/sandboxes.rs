//! The image, and sandboxes on it.

use memex_policies::{Policy, Preset};
use memex_runtime::{Cache, FetchOptions, Image, ImageSpec, NoProgress, Runtime, Sandbox};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The directory of images: `MEMEX_CACHE`, `$XDG_CACHE_HOME/memex` or
/// `~/.cache/memex`.
///
/// # Panics
/// When none of the three can be told from the environment.
#[must_use]
pub fn cache_directory() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let directory = from("MEMEX_CACHE")
        .map(PathBuf::from)
        .or_else(|| from("XDG_CACHE_HOME").map(|base| PathBuf::from(base).join("memex")))
        .or_else(|| from("HOME").map(|home| PathBuf::from(home).join(".cache/memex")));
    directory.expect("set MEMEX_CACHE to a directory for images")
}

/// The images of that directory, and the code for this processor.
///
/// # Panics
/// When it cannot be used; the message says why.
#[must_use]
pub fn cache() -> Cache {
    Cache::open(cache_directory()).unwrap_or_else(|error| panic!("{error}"))
}

/// The standard image, loaded once and built when the cache does not have it.
///
/// # Panics
/// When it cannot be had; the message says why.
pub fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let spec = ImageSpec::standard().unwrap_or_else(|error| panic!("{error}"));
        let named =
            |(name, value): (std::ffi::OsString, _)| Some((name.into_string().ok()?, value));
        let fetch = FetchOptions {
            environment: std::env::vars_os().filter_map(named).collect(),
            ..FetchOptions::default()
        };
        Image::load(&cache(), &spec, &fetch, &mut NoProgress)
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The runtime that the suites share.
///
/// # Panics
/// When its thread cannot be started.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap_or_else(|error| panic!("{error}")))
}

/// The sandbox of the default policy.
pub fn standard_sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| sandbox_of(Policy::default()))
}

/// A sandbox of the `workspace` preset, changed by `change`.
pub fn sandbox(change: impl FnOnce(&mut Policy)) -> Sandbox {
    let mut policy = Policy::from_preset(Preset::Workspace);
    change(&mut policy);
    sandbox_of(policy)
}

/// A sandbox of a policy.
///
/// # Panics
/// When the policy breaks its own rules, or the sandbox cannot be made.
#[must_use]
pub fn sandbox_of(policy: Policy) -> Sandbox {
    policy.validate().unwrap_or_else(|error| panic!("{error}"));
    Sandbox::new(runtime(), image(), Arc::new(policy), &mut NoProgress)
        .unwrap_or_else(|error| panic!("{error}"))
}
