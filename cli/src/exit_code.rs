//! The exit status that a command ends with.

/// An exit status. The process that runs the command may be another program's, which needs
/// the number: [`std::process::ExitCode`] does not give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitCode(u8);

impl ExitCode {
    pub(crate) const SUCCESS: Self = Self(0);

    /// The number.
    pub(crate) fn number(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}
