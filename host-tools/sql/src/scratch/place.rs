//! Where the values of a scratch are.

use super::file::ScratchFile;
use super::store::{Kept, SharedScratch};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, ready};
use memex_host_tools::ToolError;
use serde_json::Value;
use std::sync::Arc;

/// A scratch, in memory or in a file. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Scratch {
    /// In memory.
    Memory(Arc<SharedScratch>),
    /// In a file.
    File(Arc<ScratchFile>),
}

impl From<&Arc<SharedScratch>> for Scratch {
    fn from(scratch: &Arc<SharedScratch>) -> Self {
        Self::Memory(Arc::clone(scratch))
    }
}

impl From<ScratchFile> for Scratch {
    fn from(file: ScratchFile) -> Self {
        Self::File(Arc::new(file))
    }
}

impl Scratch {
    /// Does `work` at once in memory, and beside the session's thread on a file.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, ToolError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ToolError>> {
        if let Self::Memory(_) = self {
            return ready(work(self)).boxed();
        }
        let scratch = self.clone();
        async move {
            let done = tokio::task::spawn_blocking(move || work(&scratch)).await;
            done.unwrap_or_else(|error| {
                let message = "the shared scratch does not answer";
                Err(ToolError::new("RuntimeError", message).with_detail(error.to_string()))
            })
        }
        .boxed()
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Kept>, ToolError> {
        match self {
            Self::Memory(scratch) => Ok(scratch.get(key)),
            Self::File(file) => file.get(key),
        }
    }

    pub(super) fn set(
        &self,
        key: String,
        json: &Value,
        parts: Vec<Bytes>,
    ) -> Result<(), ToolError> {
        match self {
            Self::Memory(scratch) => scratch.set(key, json, parts),
            Self::File(file) => file.set(key, json, parts),
        }
    }

    pub(super) fn delete(&self, key: &str) -> Result<bool, ToolError> {
        match self {
            Self::Memory(scratch) => Ok(scratch.delete(key)),
            Self::File(file) => file.delete(key),
        }
    }

    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ToolError> {
        match self {
            Self::Memory(scratch) => Ok(scratch.list(prefix, after, limit)),
            Self::File(file) => file.list(prefix, after, limit),
        }
    }
}
