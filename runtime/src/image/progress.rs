//! Progress reports of an image build.

/// A step of getting an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Another process builds the same thing; waiting for it.
    Wait,
    /// Downloading the guest. Unit: bytes.
    Fetch,
    /// Hashing and unpacking the guest's files. Unit: bytes.
    Verify,
    /// Downloading and unpacking packages to be added.
    Packages,
    /// Rewriting the module.
    Rewrite,
    /// Compiling it to machine code. Unit of the total: bytes of code to
    /// compile; the compiler does not report how far it is.
    Compile,
    /// Starting the interpreter.
    Boot,
    /// Importing the preload list and warming up. Unit: steps.
    Warm,
    /// Proving that what was built works.
    SelfTest,
    /// Sending an image to a store. Unit: bytes.
    Push,
    /// Getting an image from a store. Unit: bytes.
    Pull,
}

impl Stage {
    /// A short phrase for a progress bar.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Wait => "waiting for another build",
            Self::Fetch => "fetching the guest",
            Self::Verify => "verifying the guest",
            Self::Packages => "fetching packages",
            Self::Rewrite => "rewriting the module",
            Self::Compile => "compiling to machine code",
            Self::Boot => "starting the interpreter",
            Self::Warm => "importing and warming up",
            Self::SelfTest => "testing the image",
            Self::Push => "pushing the image",
            Self::Pull => "pulling the image",
        }
    }
}

/// Receives the progress of an image build.
pub trait Progress {
    /// A stage begins. `total` in the stage's unit, where it is known.
    fn begin(&mut self, stage: Stage, total: Option<u64>);
    /// `done` of the stage's total.
    fn advance(&mut self, done: u64);
    /// The stage is over.
    fn end(&mut self) {}
    /// Something worth a line: a damaged file that is replaced, for instance.
    fn note(&mut self, text: &str) {
        tracing::warn!("{text}");
    }
}

/// Reports nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&mut self, _stage: Stage, _total: Option<u64>) {}
    fn advance(&mut self, _done: u64) {}
}
