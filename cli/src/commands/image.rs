//! `memex image`: building, listing, checking and moving images.

mod build;
mod list;
mod places;
mod remove;
mod travel;

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::image_options::ImageChoice;
use crate::progress::Bars;
use crate::report::bytes;
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_runtime::{Cache, FetchOptions, Image, ImageSpec};
use places::{expect_built, place};

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
  memex image build --requirements requirements.txt
  memex image list
  memex image rm 8a949d63
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
    #[command(after_help = build::EXAMPLES)]
    Build(build::BuildArguments),
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
    /// Remove images by name
    #[command(after_help = remove::EXAMPLES)]
    Rm(remove::RemoveArguments),
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

pub(super) fn execute(arguments: &ImageArguments, context: &Context) -> Result<ExitCode> {
    let cache = context.open_cache()?;
    match &arguments.action {
        Action::Build(arguments) => build::build(arguments, &cache, context),
        Action::List { json } => list::list(&cache, *json, context),
        Action::Verify { name } => verify(name.as_deref(), &cache, context),
        Action::Rm(arguments) => remove::remove(arguments, &cache, context),
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
