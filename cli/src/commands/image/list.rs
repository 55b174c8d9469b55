//! Listing the images of a cache.

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::report::bytes;
use anyhow::Result;
use memex_runtime::{Cache, CachedImage, ImageSpec, Package, Requirement, Wheel};
use serde_json::json;
use std::time::SystemTime;

/// Letters of a name that people are shown: enough for any number of images.
const NAME_SHOWN: usize = 32;

pub(super) fn list(cache: &Cache, as_json: bool, context: &Context) -> Result<ExitCode> {
    let images = cache.images()?;
    if images.is_empty() && !as_json {
        complain(&format!(
            "no image in {}\nhint: `memex image build` makes one",
            cache.root().display()
        ));
    }
    let (mut damaged, mut outdated) = (false, false);
    for image in images {
        outdated |= image.is_outdated;
        damaged |= image.problem.is_some();
        match as_json {
            true => print_line(&object(&image).to_string()),
            false => show(&image, context),
        }
    }
    if outdated && !as_json {
        complain("hint: `memex image prune` removes what other versions made");
    }
    Ok(if damaged {
        ExitCode::from(TURN_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn state(image: &CachedImage) -> &'static str {
    match (&image.problem, image.is_outdated) {
        (Some(_), _) => "damaged",
        (None, true) => "outdated",
        (None, false) => "ok",
    }
}

fn object(image: &CachedImage) -> serde_json::Value {
    json!({
        "name": image.name, "state": state(image), "bytes": image.bytes,
        "made_unix_s": image.made.and_then(unix_s),
        "preload": image.preload, "packages": image.packages, "wheels": image.wheels,
        "pulled_from": image.pulled_from, "problem": image.problem,
    })
}

fn unix_s(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// How long ago an image was made, in one unit.
fn age(image: &CachedImage) -> String {
    let since = image.made.and_then(|made| made.elapsed().ok());
    let Some(seconds) = since.map(|since| since.as_secs()) else {
        return "?".to_owned();
    };
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    unit.map_or("now".to_owned(), |(length, name)| {
        format!("{} {name}", seconds / length)
    })
}

fn show(image: &CachedImage, context: &Context) {
    let mut about = vec!["standard".to_owned()];
    about.extend(image.preload.iter().cloned());
    let mut about = about.join(", ");
    if let Some(place) = &image.pulled_from {
        about.push_str(&format!(" (pulled from {place})"));
    }
    let paint = context.out.paint;
    let state = match state(image) {
        told @ "damaged" => paint.bad(told),
        told @ "outdated" => paint.faint(told),
        told => paint.good(told),
    };
    // Programs get the full name, which pins the image.
    let letters = match context.out.is_terminal {
        true => NAME_SHOWN,
        false => image.name.len(),
    };
    let name: String = image.name.chars().take(letters).collect();
    print_line(&format!(
        "{name}  {:>9}  {:>6}  {state}  {about}",
        bytes(image.bytes),
        age(image)
    ));
    let standard = ImageSpec::standard().map(|spec| spec.manifest.wheels);
    for wheel in added(&image.wheels, &standard.unwrap_or_default()) {
        let name = match asked_for(image, wheel) {
            true => paint.strong(&wheel.name),
            false => wheel.name.clone(),
        };
        print_line(&format!("    {name} {}", told(wheel)));
    }
    if let Some(problem) = &image.problem {
        complain(problem);
    }
}

/// The wheels that are not those of every standard image.
pub(super) fn added<'a>(
    wheels: &'a [Wheel],
    standard: &'a [Package],
) -> impl Iterator<Item = &'a Wheel> {
    wheels.iter().filter(|wheel| {
        let mut standard = standard.iter();
        !standard.any(|package| package.sha256 == wheel.sha256)
    })
}

/// Version and digest of a wheel.
pub(super) fn told(wheel: &Wheel) -> String {
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
