//! The checks of what is kept on disk: cache, image, and the way to a guest.

use super::check::{Check, State, check, ok};
use super::system;
use crate::context::Context;
use crate::image_options::ImageChoice;
use crate::report::bytes;
use memex_runtime::{Cache, ImagePlaces, Metering};
use std::path::Path;

/// Disk that a first build writes, roughly.
const BUILD_DISK_BYTES: u64 = 2 << 30;

/// The cache and what is in it; whether nothing has to be fetched any more.
pub(super) fn cache(context: &Context) -> (Vec<Check>, bool) {
    const NAME: &str = "cache";
    let directory = match context.cache_directory() {
        Ok(directory) => directory,
        Err(error) => {
            let remedy = "name one with --cache DIR or MEMEX_CACHE";
            let detail = error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            return (vec![check(NAME, State::Problem, detail, remedy)], false);
        }
    };
    let shown = directory.display();
    if !directory.exists() {
        if let Err(reason) = system::can_be_made(&directory) {
            let remedy = "choose another directory with --cache";
            let detail = format!("{shown} cannot be made: {reason}");
            return (vec![check(NAME, State::Problem, detail, remedy)], false);
        }
        let mut checks = vec![ok(
            NAME,
            format!("{shown} is not there yet, and made on first need"),
        )];
        checks.extend(disk(&directory));
        checks.push(not_built());
        return (checks, false);
    }
    let cache = match Cache::open(&directory).map(|cache| cache.for_cpu(context.cpu())) {
        Ok(cache) => cache,
        Err(error) => {
            let text = error.to_string();
            let (detail, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            let remedy = if hint.is_empty() {
                "choose another directory with --cache"
            } else {
                hint
            };
            return (vec![check(NAME, State::Problem, detail, remedy)], false);
        }
    };
    let images = cache.images().unwrap_or_default();
    let count = images.len();
    let plural = if count == 1 { "" } else { "s" };
    let detail = format!(
        "{shown} is private; {count} image{plural}, {} in all",
        bytes(size(&directory))
    );
    let mut checks = vec![ok(NAME, detail)];
    let outdated: Vec<_> = images.iter().filter(|image| image.is_outdated).collect();
    if !outdated.is_empty() {
        let size = bytes(outdated.iter().map(|image| image.bytes).sum());
        let detail = format!("{} of other versions, {size}", outdated.len());
        checks.push(check(
            "old images",
            State::FallsBack,
            detail,
            "`memex image prune` removes them",
        ));
    }
    for image in images.iter().filter(|image| image.problem.is_some()) {
        let remedy = "`memex image build --force` builds it again";
        checks.push(check(
            "image",
            State::Problem,
            format!("{} is damaged", image.name),
            remedy,
        ));
    }
    let places = ImageChoice::default()
        .spec(context)
        .and_then(|spec| Ok(ImagePlaces::of(&cache, &spec, Metering::Deadline)?));
    let built = match places {
        Ok(places) if places.exist() => {
            let name = places.name.unwrap_or_default();
            checks.push(ok("image", format!("{name} is compiled and warm")));
            true
        }
        Ok(_) => {
            checks.extend(disk(&directory));
            checks.push(not_built());
            false
        }
        Err(error) => {
            let detail = error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            checks.push(check(
                "image",
                State::Problem,
                detail,
                "this machine cannot run the guest",
            ));
            false
        }
    };
    (checks, built)
}

fn not_built() -> Check {
    check(
        "image",
        State::FallsBack,
        "not built: the first `memex run` takes minutes instead of milliseconds",
        "`memex image build` builds it now",
    )
}

fn disk(directory: &Path) -> Option<Check> {
    let free = system::free_bytes(directory)?;
    let detail = format!("{} free", bytes(free));
    Some(match free < BUILD_DISK_BYTES {
        true => check(
            "disk",
            State::Problem,
            detail,
            "a first build writes about 2 GiB; make room, or choose another --cache",
        ),
        false => ok("disk", detail),
    })
}

/// The package client is asked once, for the guest.
pub(super) fn python(built: bool) -> Check {
    const NAME: &str = "python and pip";
    for program in ["python3", "python"] {
        let Some(python) = system::says(program, &["--version"]) else {
            continue;
        };
        if let Some(pip) = system::says(program, &["-m", "pip", "--version"]) {
            let pip = pip.split(" from ").next().unwrap_or_default().to_owned();
            return ok(NAME, format!("{program}: {python}, {pip}"));
        }
    }
    let remedy =
        "install Python 3 with pip, or hand the guest over with `memex image build --wheel FILE`";
    match built {
        true => ok(NAME, "not found, and not needed: the image is built"),
        false => check(
            NAME,
            State::Problem,
            "no Python with pip on the PATH, and the guest has to be fetched",
            remedy,
        ),
    }
}

/// Bytes of all files below a directory.
fn size(directory: &Path) -> u64 {
    let Ok(items) = std::fs::read_dir(directory) else {
        return 0;
    };
    items
        .flatten()
        .filter_map(|item| Some((item.path(), item.metadata().ok()?)))
        .map(|(path, metadata)| {
            if metadata.is_dir() {
                size(&path)
            } else {
                metadata.len()
            }
        })
        .sum()
}
