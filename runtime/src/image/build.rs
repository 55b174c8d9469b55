//! Building the memory of an image: that of a guest that has started and warmed
//! up.

use super::builder::Builder;
use super::calibration::{Calibrator, Report};
use super::code::LoadedCode;
use super::compile::decode_segments;
use super::description::{DESCRIPTION_FILE, Description, name_of};
use super::details::{
    CODE_FILE, CodeDetails, IMAGE_FILES, ImageDetails, MEMORY_FILE, SEGMENTS_FILE,
};
use super::entry::Entry;
use super::files::{remove_if_there, write_new};
use super::loaded::Image;
use super::map::GuestMap;
use super::packages::Packages;
use super::progress::Stage;
use super::proof;
use super::secret::ImageSecret;
use super::self_test;
use super::shelf::Shelved;
use super::spec::ImageSpec;
use crate::engine::{Metering, STACK_BYTES};
use crate::error::Error;
use memex_guest_python::GuestFiles;
use std::fs;

impl Builder<'_> {
    /// The memory image; booted, warmed and proven when it is not there.
    pub(super) fn image(
        &mut self,
        code: &Entry<CodeDetails>,
        files: &GuestFiles,
        packages: &Packages,
    ) -> Result<Shelved, Error> {
        let sources = memex_guest_python::PYTHON_SOURCES;
        let recipe = self.spec.recipe(sources, &packages.wheels);
        let wanted = self.spec.secret.as_ref();
        if let Some(image) = self.cache.search(&recipe, wanted)?.found {
            return Ok(image);
        }
        let secret = match wanted {
            Some(secret) => secret.clone(),
            None => self.cache.secret()?,
        };
        let key = ImageSpec::inputs(&recipe, &secret.tag());
        let _lock = self.cache.lock("images", &key, self.progress)?;
        let search = self.cache.search(&recipe, wanted)?;
        if let Some(image) = search.found {
            return Ok(image);
        }
        for problem in search.problems {
            match problem {
                // What others could have written is theirs to explain: refused.
                Error::NotPrivate { .. } => return Err(problem),
                _ => self.progress.note(&format!("building again: {problem}")),
            }
        }
        let (map, memory) = self.boot(code, &secret, files, packages)?;
        let description = Description::new(self.spec, &packages.wheels, secret.tag(), &memory, map);
        let text = description.text()?;
        let details = ImageDetails { pulled: None };
        let (cache, spec, fetch) = (self.cache, self.spec, self.fetch);
        let progress = &mut *self.progress;
        let (name, ()) = cache.publish_as("images", &key, |directory| {
            let name = name_of(&text);
            write_new(&directory.join(MEMORY_FILE), &memory)?;
            // It is mapped from the file from here on.
            drop(memory);
            write_new(&directory.join(DESCRIPTION_FILE), text.as_bytes())?;
            Entry::seal(directory, &name, IMAGE_FILES, &details)?;
            let made = Shelved::open_in(directory, &name)?;
            let parts = (files.clone(), packages.clone());
            let image = Image::of(cache, spec, fetch, parts, made)?;
            self_test::prove(&image, progress)?;
            proof::mark(directory, &name)?;
            // Built again to the same: what is there did not open.
            remove_if_there(&cache.entry_path("images", &name))?;
            Ok((name, ()))
        })?;
        Shelved::open(cache, &name)
    }

    /// Starts the guest, warms it up and takes its memory.
    fn boot(
        &mut self,
        code: &Entry<CodeDetails>,
        secret: &ImageSecret,
        files: &GuestFiles,
        packages: &Packages,
    ) -> Result<(GuestMap, Vec<u8>), Error> {
        let path = code.directory.join(SEGMENTS_FILE);
        let segments = fs::read(&path).map_err(Error::file("read", &path))?;
        let segments = decode_segments(&segments).ok_or_else(|| Error::Damaged {
            path,
            reason: "it is cut off".into(),
        })?;
        let loaded = LoadedCode::load(
            &code.directory.join(CODE_FILE),
            Metering::Deadline,
            STACK_BYTES,
            self.cache.cpu(),
        )?;
        self.progress.begin(Stage::Boot, None);
        let mut calibrator =
            Calibrator::boot(&loaded, self.spec, secret, (files, packages), &segments)?;
        self.progress.end();
        let report = self.warm(&mut calibrator, packages)?;
        calibrator.capture(&report)
    }

    fn warm(&mut self, calibrator: &mut Calibrator, packages: &Packages) -> Result<Report, Error> {
        let mut report = calibrator.install()?;
        if !packages.wheels.is_empty() {
            calibrator.add_packages()?;
        }
        let steps = calibrator.warm_steps(self.spec.standard_preload, &self.spec.preload)?;
        self.progress.begin(Stage::Warm, Some(steps.len() as u64));
        for (index, step) in steps.iter().enumerate() {
            calibrator.warm(&report, step)?;
            self.progress.advance(index as u64 + 1);
        }
        calibrator.settle(&mut report)?;
        self.progress.end();
        Ok(report)
    }
}
