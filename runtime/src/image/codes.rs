//! The machine code of an image in use.

use super::builder::Builder;
use super::code::LoadedCode;
use super::details::CODE_FILE;
use super::loaded::Image;
use super::progress::Progress;
use crate::engine::Metering;
use crate::error::Error;
use std::sync::Arc;

impl Image {
    /// Builds the code for another metering when the cache does not have it.
    ///
    /// # Errors
    /// As [`Image::load`].
    pub fn prepare(&self, metering: Metering, progress: &mut dyn Progress) -> Result<(), Error> {
        self.builder(progress).code(metering).map(|_| ())
    }

    /// The machine code for a metering and a stack size, compiled when it is
    /// not in the cache and loaded when it is not in this process.
    pub(crate) fn code(
        &self,
        metering: Metering,
        stack_bytes: usize,
        progress: &mut dyn Progress,
    ) -> Result<Arc<LoadedCode>, Error> {
        let key = (metering, stack_bytes);
        if let Some(code) = self.loaded_code(key) {
            return Ok(code);
        }
        let loading = self.take_loading();
        if let Some(code) = loading.and_then(|loading| loading.end(key)) {
            return Ok(self.keep_code(key, code));
        }
        let entry = self.builder(progress).code(metering)?;
        let path = entry.directory.join(CODE_FILE);
        let code = LoadedCode::load(&path, metering, stack_bytes, self.cache().cpu())?;
        Ok(self.keep_code(key, code))
    }

    /// What builds this image's parts again.
    pub(super) fn builder<'a>(&'a self, progress: &'a mut dyn Progress) -> Builder<'a> {
        Builder {
            cache: self.cache(),
            spec: self.spec(),
            fetch: self.fetch(),
            progress,
        }
    }
}
