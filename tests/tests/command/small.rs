//! A small image, for what can be shown on any image: it has imported little, so
//! that it is built in seconds. It stays in the suite's cache, where its secret
//! keeps it apart from the standard one.

use crate::cache::Copy;
use memex_runtime::{Cache, Image, ImageSecret, ImageSpec, NoProgress};
use memex_tests::cache_directory;
use std::sync::{Mutex, OnceLock};

/// A secret of the form that files have.
pub(crate) const SECRET: &[u8] = b"the secret of the suite: thirty-two bytes, and some";

/// What the small image is built from.
pub(crate) fn spec(secret: &[u8]) -> ImageSpec {
    ImageSpec {
        standard_preload: false,
        secret: Some(ImageSecret::from_bytes(secret).unwrap()),
        ..ImageSpec::standard().unwrap()
    }
}

/// The small image of the suite's cache.
pub(crate) fn small() -> Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    static BUILD: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILD.lock();
    IMAGE
        .get_or_init(|| {
            let cache = Cache::open(cache_directory()).unwrap();
            Image::load(&cache, &spec(SECRET), &Default::default(), &mut NoProgress).unwrap()
        })
        .clone()
}

/// A copy of the suite's cache, as the library sees it.
pub(crate) fn open(copy: &Copy) -> Cache {
    Cache::open(copy.path()).unwrap()
}
