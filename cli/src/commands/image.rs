//! `memex image`: building, listing and checking images.

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::failure::{TURN_FAILED, usage};
use crate::progress::Bars;
use crate::report::bytes;
use crate::session_options::{spec_of, spec_of_options};
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_runtime::{
    Cache, CachedImage, FetchOptions, Image, ImagePlaces, ImageSpec, Metering, Requirement, Wheel,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
An image is a Python guest that has started and imported what agents use; every session
starts from it in microseconds. It is built once, and kept in the cache.

Examples:
  memex image build                          fetch, verify, compile, warm up
  memex image build --preload scipy.stats    an image that has imported this too
  memex image build --package humanize==4.9.0    one with this package, and what it needs
  memex image build --wheel guest.whl        without the network
  memex image build --fuel                   also code that counts instructions
  memex image list
  memex image prune                          free what other versions left";

/// Build, list and check images
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImageArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Build an image, if the cache does not have it
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArguments),
    /// List the images in the cache
    #[command(after_help = "Examples:\n  memex image list\n  memex image list --cache /srv/memex")]
    List,
    /// Hash every file of an image, its code and its guest
    #[command(after_help = "Examples:\n  memex image verify\n  memex image verify 8a949d63")]
    Verify {
        /// Key of `memex image list`, or its beginning [default: the standard image]
        key: Option<String>,
    },
    /// Remove what this version does not use: images and code of other versions, damaged
    /// entries, what stopped builds left
    #[command(after_help = "Examples:\n  memex image prune --dry-run\n  memex image prune")]
    Prune {
        /// Only tell what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the directory of an image
    #[command(after_help = "Examples:\n  memex image path\n  memex image path --preload scipy")]
    Path {
        /// A module that the image has imported besides the standard ones
        #[arg(long, value_name = "MODULE")]
        preload: Vec<String>,
        /// A package that was added to the image
        #[arg(long, value_name = "NAME==VERSION")]
        package: Vec<String>,
    },
}

const BUILD_EXAMPLES: &str = "\
The guest is fetched by the package client of a Python on the PATH, with its digest pinned.
The first build compiles it, which takes minutes; an image with other modules takes seconds.

Packages are wheels of Python alone (`-none-any.whl`), in exact versions, with what they need
and the guest has not; the package client fetches them, and their digests become part of the
image's key. What is built once needs no network. `memex run --package …` starts from it.

Examples:
  memex image build
  memex image build --preload scipy.stats --preload sklearn
  memex image build --wheel ~/Downloads/guest.whl
  memex image build --package humanize==4.9.0 --preload humanize
  memex image build --force                  again, after damage";

#[derive(Debug, Args)]
struct BuildArguments {
    /// Import this module too
    #[arg(long, value_name = "MODULE")]
    preload: Vec<String>,
    /// Add this pure-Python package, with what it needs
    #[arg(long, value_name = "NAME==VERSION")]
    package: Vec<String>,
    /// Take the guest's package from this file instead of the network
    #[arg(long, value_name = "FILE")]
    wheel: Option<PathBuf>,
    /// Also build code that counts fuel, for policies with a fuel limit
    #[arg(long)]
    fuel: bool,
    /// Build again what the cache has
    #[arg(long)]
    force: bool,
}

pub(super) fn execute(arguments: &ImageArguments, context: &Context) -> Result<ExitCode> {
    let cache = Cache::open(context.cache_directory()?)?;
    match &arguments.action {
        Action::Build(arguments) => build(arguments, &cache, context),
        Action::List => list(&cache, context),
        Action::Verify { key } => verify(key.as_deref(), &cache, context),
        Action::Prune { dry_run } => prune(*dry_run, &cache, context),
        Action::Path { preload, package } => {
            path(&spec_of_options(context, preload, package)?, &cache)
        }
    }
}

fn build(arguments: &BuildArguments, cache: &Cache, context: &Context) -> Result<ExitCode> {
    let spec = spec_of_options(context, &arguments.preload, &arguments.package)?;
    if let Some(wheel) = &arguments.wheel
        && !wheel.is_file()
    {
        return Err(usage(
            format!("--wheel {}: there is no such file", wheel.display()),
            "name the package file of the guest; without --wheel it is fetched",
        ));
    }
    if arguments.force {
        remove(cache, &spec, Metering::Deadline)?;
        if arguments.fuel {
            remove(cache, &spec, Metering::Fuel)?;
        }
        remove_packages(cache, &spec)?;
    }
    let fetch = FetchOptions {
        wheel: arguments.wheel.clone(),
        ..FetchOptions::default()
    };
    let mut bars = Bars::new(context, false);
    let image = Image::load(cache, &spec, &fetch, &mut bars)?;
    if arguments.fuel {
        image.prepare(Metering::Fuel, &mut bars)?;
    }
    drop(bars);
    for wheel in image.wheels() {
        complain(&format!("{} {}", wheel.name, told(wheel)));
    }
    for requirement in &spec.packages {
        if !image.wheels().iter().any(|w| w.name == requirement.name()) {
            complain(&format!("note: {requirement} is part of the guest"));
        }
    }
    complain(&format!(
        "{} image {}, {} of memory",
        context.err.paint.good("ready:"),
        image.key(),
        bytes(image.memory_bytes())
    ));
    print_line(&image.path().display().to_string());
    Ok(ExitCode::SUCCESS)
}

fn list(cache: &Cache, context: &Context) -> Result<ExitCode> {
    let images = cache.images()?;
    if images.is_empty() {
        complain(&format!(
            "no image in {}\nhint: `memex image build` makes one",
            cache.root().display()
        ));
    }
    let (mut damaged, mut outdated) = (false, false);
    for image in images {
        let preload = match image.preload.is_empty() {
            true => "standard".to_owned(),
            false => format!("standard, {}", image.preload.join(", ")),
        };
        let state = match (&image.problem, image.is_outdated) {
            (Some(_), _) => context.out.paint.bad("damaged"),
            (None, true) => context.out.paint.faint("outdated"),
            (None, false) => context.out.paint.good("ok"),
        };
        outdated |= image.is_outdated;
        print_line(&format!(
            "{}  {:>9}  {state}  {preload}",
            image.key,
            bytes(image.bytes)
        ));
        for wheel in &image.wheels {
            let name = match asked_for(&image, wheel) {
                true => context.out.paint.strong(&wheel.name),
                false => wheel.name.clone(),
            };
            print_line(&format!("    {name} {}", told(wheel)));
        }
        if let Some(problem) = &image.problem {
            damaged = true;
            complain(problem);
        }
    }
    if outdated {
        complain("hint: `memex image prune` removes what other versions made");
    }
    Ok(if damaged {
        ExitCode::from(TURN_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn verify(key: Option<&str>, cache: &Cache, context: &Context) -> Result<ExitCode> {
    let spec = match key {
        Some(key) => spec_of(cache, key)?,
        None => spec_of_options(context, &[], &[])?,
    };
    let places = expect_built(cache, &spec)?;
    // Loading would build a damaged image again: that it is damaged is what
    // was asked for.
    let images = cache.images()?;
    let problem = images
        .into_iter()
        .find(|image| image.key == places.key)
        .and_then(|image| image.problem);
    if let Some(problem) = problem {
        print_line(&format!(
            "{} {}",
            places.key,
            context.out.paint.bad("damaged")
        ));
        complain(&problem);
        return Ok(ExitCode::from(TURN_FAILED));
    }
    let mut bars = Bars::new(context, false);
    let image = Image::load(cache, &spec, &FetchOptions::default(), &mut bars)?;
    image.verify(&mut bars)?;
    drop(bars);
    print_line(&format!("{} {}", image.key(), context.out.paint.good("ok")));
    Ok(ExitCode::SUCCESS)
}

/// Version and digest of a wheel.
fn told(wheel: &Wheel) -> String {
    format!("{}  sha256:{}", wheel.version, wheel.sha256)
}

/// Whether the wheel was asked for itself, and not by another package.
fn asked_for(image: &CachedImage, wheel: &Wheel) -> bool {
    let asked = image
        .packages
        .iter()
        .filter_map(|p| Requirement::parse(p).ok());
    asked.into_iter().any(|asked| asked.name() == wheel.name)
}

fn path(spec: &ImageSpec, cache: &Cache) -> Result<ExitCode> {
    let places = expect_built(cache, spec)?;
    print_line(&places.memory.display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// A check must not turn into minutes of building.
fn expect_built(cache: &Cache, spec: &ImageSpec) -> Result<ImagePlaces> {
    let places = ImagePlaces::of(cache, spec, Metering::Deadline)?;
    if places.exist() {
        return Ok(places);
    }
    let options: String = spec
        .preload
        .iter()
        .map(|module| format!(" --preload {module}"))
        .chain(spec.packages.iter().map(|p| format!(" --package {p}")))
        .collect();
    Err(usage(
        format!("the image {} is not built", places.key),
        format!("`memex image build{options}` builds it"),
    ))
}

/// Takes the image and its code out of the cache, and then the packages, on
/// which the image's key depends, so that all is fetched and built again.
fn remove(cache: &Cache, spec: &ImageSpec, metering: Metering) -> Result<()> {
    match ImagePlaces::of(cache, spec, metering) {
        // Nothing was ever built of packages that were never fetched, and those
        // that are damaged are fetched again.
        Err(memex_runtime::Error::NoPackages { .. } | memex_runtime::Error::Damaged { .. }) => {}
        places => {
            let places = places?;
            cache.discard("images", &name_of(&places.memory))?;
            cache.discard("code", &name_of(&places.code))?;
        }
    }
    Ok(())
}

fn remove_packages(cache: &Cache, spec: &ImageSpec) -> Result<()> {
    if let Some(directory) = ImagePlaces::packages_of(cache, spec) {
        cache.discard("packages", &name_of(&directory))?;
    }
    Ok(())
}

fn name_of(directory: &Path) -> String {
    directory
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn prune(dry_run: bool, cache: &Cache, context: &Context) -> Result<ExitCode> {
    let mut total = 0_u64;
    for entry in cache.stale(&ImageSpec::standard()?.manifest)? {
        let is_gone = dry_run || cache.discard(entry.kind, &entry.key)?;
        let state = match (is_gone, dry_run) {
            (true, true) => context.out.paint.warn("would go"),
            (true, false) => context.out.paint.good("removed"),
            (false, _) => context.out.paint.faint("in use"),
        };
        if is_gone {
            total = total.saturating_add(entry.bytes);
        }
        print_line(&format!(
            "{:8}  {}  {:>9}  {state}  {}",
            entry.kind,
            entry.key,
            bytes(entry.bytes),
            entry.reason
        ));
    }
    complain(&match (total, dry_run) {
        (0, _) => "nothing to remove".to_owned(),
        (total, true) => format!("{} would be free", bytes(total)),
        (total, false) => format!("{} free", bytes(total)),
    });
    Ok(ExitCode::SUCCESS)
}
