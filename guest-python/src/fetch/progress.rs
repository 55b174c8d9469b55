//! How far a fetch has come.

/// The current step of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStage {
    /// Downloading the package.
    Download,
    /// Comparing digests.
    Verify,
    /// Taking files out of archives.
    Unpack,
}

/// How far a stage has come, in bytes. A stage may come up more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchProgress {
    /// The stage.
    pub stage: FetchStage,
    /// The bytes done.
    pub done: u64,
    /// The bytes there are to do.
    pub total: u64,
}

/// Turns counts of bytes done since the last call into progress.
pub(super) fn steps<'a>(
    stage: FetchStage,
    total: u64,
    progress: &'a mut dyn FnMut(FetchProgress),
) -> impl FnMut(u64) + 'a {
    let mut done = 0;
    move |bytes| {
        done = total.min(done + bytes);
        progress(FetchProgress { stage, done, total });
    }
}
