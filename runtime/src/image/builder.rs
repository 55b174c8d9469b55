//! What builds images, and the guest's files that it builds from.

use super::cache::Cache;
use super::progress::{Progress, Stage};
use super::spec::ImageSpec;
use crate::error::Error;
use memex_guest_python::{FetchOptions, FetchProgress, FetchStage, GuestFiles};
use std::path::{Path, PathBuf};

/// What a build needs to know.
pub(super) struct Builder<'a> {
    pub(super) cache: &'a Cache,
    pub(super) spec: &'a ImageSpec,
    pub(super) fetch: &'a FetchOptions,
    pub(super) progress: &'a mut dyn Progress,
}

impl Builder<'_> {
    /// The guest's files, fetched when they are not there.
    pub(super) fn guest(&mut self) -> Result<GuestFiles, Error> {
        let directory = self.guest_directory();
        if let Ok(files) = memex_guest_python::locate(&self.spec.manifest, &directory) {
            return Ok(files);
        }
        self.fetch_guest(&directory)
    }

    /// The guest's files with every digest checked: before anything is made
    /// from them.
    pub(super) fn checked_guest(&mut self) -> Result<GuestFiles, Error> {
        let directory = self.guest_directory();
        self.fetch_guest(&directory)
    }

    fn guest_directory(&self) -> PathBuf {
        let digest = self.spec.manifest.digest().to_string();
        self.cache
            .entry_path("guests", digest.get(..32).unwrap_or(&digest))
    }

    fn fetch_guest(&mut self, directory: &Path) -> Result<GuestFiles, Error> {
        let progress = &mut *self.progress;
        let mut stage = None;
        let files = memex_guest_python::fetch(
            &self.spec.manifest,
            directory,
            self.fetch,
            &mut |report: FetchProgress| {
                let now = match report.stage {
                    FetchStage::Download => Stage::Fetch,
                    FetchStage::Verify | FetchStage::Unpack => Stage::Verify,
                };
                if stage != Some((report.stage, report.total)) {
                    if stage.is_some() {
                        progress.end();
                    }
                    stage = Some((report.stage, report.total));
                    progress.begin(now, Some(report.total));
                }
                progress.advance(report.done);
            },
        )?;
        if stage.is_some() {
            self.progress.end();
        }
        Ok(files)
    }
}
