//! Where built images are.

use crate::failure::usage;
use crate::image_options::ImageChoice;
use anyhow::Result;
use memex_runtime::{Cache, ImagePlaces, ImageSpec, Metering};
use std::path::PathBuf;

/// The name of a built image: a check must not turn into minutes of building.
pub(super) fn expect_built(
    cache: &Cache,
    choice: &ImageChoice,
    spec: &ImageSpec,
) -> Result<String> {
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

/// The directory of an image.
pub(super) fn place(cache: &Cache, name: &str) -> PathBuf {
    cache.root().join("images").join(name)
}
