//! Getting an image from a store.

use super::code::{self, CodeSource};
use super::documents::Shipment;
use super::options::PullOptions;
use super::parcel::{Carrier, Parcel};
use super::store::{ImageStore, damaged};
use crate::engine::Metering;
use crate::error::Error;
use crate::image::builder::Builder;
use crate::image::cache::{Cache, TEMPORARY, make_private};
use crate::image::description::{DESCRIPTION_FILE, Description};
use crate::image::details::{IMAGE_FILES, ImageDetails, MEMORY_FILE, Origin};
use crate::image::entry::Entry;
use crate::image::files::{remove_if_there, write_new};
use crate::image::loaded::Image;
use crate::image::packages::Packages;
use crate::image::progress::{Progress, Stage};
use crate::image::proof;
use crate::image::self_test;
use crate::image::shelf::{Shelved, one_of};
use crate::image::spec::ImageSpec;
use memex_guest_python::FetchOptions;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Images of a store that a message names.
const IMAGES_TOLD: usize = 8;
/// Most bytes of a wheel.
const WHEEL_BYTES_MAX: u64 = 64 << 20;

/// The result of a pull.
pub struct Pulled {
    /// The image, ready to be used.
    pub image: Image,
    /// Whether the cache had it before.
    pub was_there: bool,
    /// Bytes that were fetched, as they are in the files.
    pub fetched_bytes: u64,
    /// Where its code comes from.
    pub code: CodeSource,
}

impl Image {
    /// Gets an image from a store: the one that `options` name, or else the one
    /// of `spec`. The guest's module comes along; code is pulled or compiled.
    ///
    /// Every byte is compared with the image's name, the guest's manifest or
    /// what vouches for code before it is used, and an image that is new here is
    /// proved, as one that was built, before it can be found.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::ManyImages`] and [`Error::NoFittingImage`];
    /// [`Error::OtherImage`] for one of another version;
    /// [`Error::DamagedInStore`]; [`Error::OtherCode`]; and when the store or
    /// the cache fails. The cache has then what it had before; what arrived is
    /// kept aside, and the next pull of the image resumes with it.
    pub fn pull(
        cache: &Cache,
        spec: &ImageSpec,
        store: &dyn ImageStore,
        options: &PullOptions,
        progress: &mut dyn Progress,
    ) -> Result<Pulled, Error> {
        let (name, shipment, description) = choose(spec, store, options)?;
        let own = description.spec(&spec.manifest);
        let (None, Some(own)) = (description.outdated(&spec.manifest), own) else {
            let why = description.outdated(&spec.manifest);
            return Err(Error::OtherImage {
                name,
                why: why.unwrap_or_else(|| "it names packages in another way".into()),
            });
        };
        let key = description.inputs();
        let lock = cache.lock("images", &key, progress)?;
        let was_there = Shelved::open(cache, &name).is_ok();
        let short: String = name.chars().take(16).collect();
        let aside = cache.entry_path("images", &format!("{key}{TEMPORARY}pull-{short}"));
        make_private(&aside)?;
        let mut pull = Pull {
            cache,
            spec: &own,
            store,
            aside,
            fetched: 0,
        };
        if !was_there {
            pull.memory(&name, &shipment, &description, progress)?;
        }
        let members = pull.guest(&shipment, progress)?;
        let fetch = FetchOptions {
            members,
            ..FetchOptions::default()
        };
        let mut builder = Builder {
            cache,
            spec: &own,
            fetch: &fetch,
            progress,
        };
        builder.guest()?;
        pull.packages(&shipment, &description, builder.progress)?;
        let code = code::pull(
            &mut builder,
            Metering::Deadline,
            (store, options),
            &mut pull.fetched,
        )?;
        if options.fuel {
            code::pull(
                &mut builder,
                Metering::Fuel,
                (store, options),
                &mut pull.fetched,
            )?;
        }
        remove_if_there(&pull.aside.join(GUEST))?;
        match was_there {
            true => remove_if_there(&pull.aside)?,
            false => pull.publish(&name, progress)?,
        }
        let found = Shelved::open(cache, &name)?;
        drop(lock);
        let image = Self::open_shelved(cache, found, &FetchOptions::default(), progress)?;
        let image = image.proved(&key, progress)?;
        Ok(Pulled {
            image,
            was_there,
            fetched_bytes: pull.fetched,
            code,
        })
    }
}

/// The folder of the guest's files while a pull is under way.
const GUEST: &str = "guest";

/// A pull under way.
struct Pull<'a> {
    cache: &'a Cache,
    spec: &'a ImageSpec,
    store: &'a dyn ImageStore,
    /// Where it puts what arrives. Stays if the pull is interrupted, and the
    /// next one goes on with what is right in it.
    aside: PathBuf,
    fetched: u64,
}

impl Pull<'_> {
    /// The memory and the description, compared and sealed, beside the images.
    fn memory(
        &mut self,
        name: &str,
        shipment: &Shipment,
        description: &Description,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let what = format!("the image {name}");
        let path = self.aside.join(MEMORY_FILE);
        self.files(&what, &[(&shipment.memory, path.clone())], progress)?;
        let digest = hash(&path)?;
        if digest != description.memory.blake3 {
            remove_if_there(&self.aside)?;
            return Err(damaged(&what, self.store, "its memory is another one"));
        }
        if !description
            .map
            .fits(usize::try_from(description.memory.bytes).unwrap_or(0))
        {
            remove_if_there(&self.aside)?;
            return Err(damaged(
                &what,
                self.store,
                "it names addresses outside of itself",
            ));
        }
        let text = self.aside.join(DESCRIPTION_FILE);
        // Of a pull that was stopped after it.
        let _ = fs::remove_file(&text);
        write_new(&text, shipment.description.as_bytes())?;
        let pulled = Origin {
            from: self.store.place(),
            unix_ms: now_unix_ms(),
        };
        let details = ImageDetails {
            pulled: Some(pulled),
        };
        Entry::seal(&self.aside, name, IMAGE_FILES, &details)
    }

    /// A folder with the guest's files, if the cache has not got them.
    fn guest(
        &mut self,
        shipment: &Shipment,
        progress: &mut dyn Progress,
    ) -> Result<Option<PathBuf>, Error> {
        let digest = self.spec.manifest.digest().to_string();
        let digest = digest.get(..32).unwrap_or(&digest);
        let there = self.cache.entry_path("guests", digest);
        if memex_guest_python::locate(&self.spec.manifest, &there).is_ok() {
            return Ok(None);
        }
        let folder = self.aside.join(GUEST);
        make_private(&folder)?;
        let mut files = Vec::new();
        for file in &self.spec.manifest.files {
            let parcel = shipment
                .guest
                .iter()
                .find(|parcel| parcel.sha256 == file.sha256 && parcel.parcel.bytes == file.bytes);
            if let Some(parcel) = parcel {
                files.push((&parcel.parcel, folder.join(file.sha256.to_string())));
            }
        }
        self.files("the guest", &files, progress)?;
        Ok(Some(folder))
    }

    /// The packages that the image was built with, and no others.
    fn packages(
        &mut self,
        shipment: &Shipment,
        description: &Description,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let wheels = &description.wheels;
        if let Ok(Some(_)) = Packages::exact(self.cache, self.spec, wheels) {
            return Ok(());
        }
        let (cache, spec) = (self.cache, self.spec);
        Packages::adopt(cache, spec, wheels, progress, |directory, progress| {
            if shipment
                .wheels
                .iter()
                .any(|wheel| wheel.bytes > WHEEL_BYTES_MAX)
            {
                return Err(damaged("a package", self.store, "it is too long"));
            }
            let placed = wheels.iter().map(|wheel| directory.join(&wheel.file));
            let files: Vec<_> = shipment.wheels.iter().zip(placed).collect();
            self.files("a package", &files, progress)
        })
        .map(drop)
    }

    /// Proves the image, and gives it its place.
    fn publish(&self, name: &str, progress: &mut dyn Progress) -> Result<(), Error> {
        let arrived = Shelved::open_in(&self.aside, name)?;
        let fetch = FetchOptions::default();
        let image = Image::open_shelved(self.cache, arrived, &fetch, progress)?;
        if let Err(error) = self_test::prove(&image, progress) {
            // The same bytes would fail again.
            remove_if_there(&self.aside)?;
            return Err(error);
        }
        proof::mark(&self.aside, name)?;
        // What is there did not open.
        remove_if_there(&self.cache.entry_path("images", name))?;
        self.cache.put_in_place("images", &self.aside, name)
    }

    fn files(
        &mut self,
        what: &str,
        files: &[(&Parcel, PathBuf)],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let total = files.iter().map(|(parcel, _)| parcel.bytes).sum();
        progress.begin(Stage::Pull, Some(total));
        let mut carrier = Carrier {
            store: self.store,
            progress: &mut *progress,
            done: 0,
            tally: Default::default(),
        };
        for (parcel, path) in files {
            carrier.fetch(what, parcel, path)?;
        }
        self.fetched = self.fetched.saturating_add(carrier.tally.moved);
        progress.end();
        Ok(())
    }
}

/// The image to pull: the one that is named, or the one that is asked for.
fn choose(
    spec: &ImageSpec,
    store: &dyn ImageStore,
    options: &PullOptions,
) -> Result<(String, Shipment, Description), Error> {
    let names = Shipment::names(store)?;
    if let Some(key) = &options.name {
        let name = one_of(names, key, &store.place())?;
        let (shipment, description) = Shipment::get(&name, store)?;
        return Ok((name, shipment, description));
    }
    let (mut fitting, mut others) = (Vec::new(), Vec::new());
    for name in names {
        let short: String = name.chars().take(16).collect();
        let why = match Shipment::get(&name, store) {
            Ok((shipment, description)) => {
                let outdated = description.outdated(&spec.manifest);
                match outdated.or_else(|| description.differs(spec)) {
                    None => {
                        fitting.push((name, shipment, description));
                        continue;
                    }
                    Some(why) => why,
                }
            }
            Err(error @ Error::ImageStore { .. }) => return Err(error),
            Err(error) => error.to_string().lines().next().unwrap_or_default().into(),
        };
        if others.len() < IMAGES_TOLD {
            others.push(format!("{short}: {why}"));
        }
    }
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => Err(Error::NoFittingImage {
            place: store.place(),
            found: others,
        }),
        _ => Err(Error::ManyImages {
            key: String::new(),
            names: fitting.into_iter().map(|(name, ..)| name).collect(),
        }),
    }
}

fn hash(path: &Path) -> Result<String, Error> {
    let mut hash = blake3::Hasher::new();
    fs::File::open(path)
        .and_then(|file| hash.update_reader(file).map(|_| ()))
        .map_err(Error::file("read", path))?;
    Ok(hash.finalize().to_hex().to_string())
}

fn now_unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
