//! Why a figure could not be taken.

/// Why a figure could not be taken, or two sets of them not compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The runtime failed.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
    /// A turn did not come to what was measured: its time would mean nothing.
    #[error("the turn `{code}` gave {found} instead of {wanted}")]
    Unexpected {
        /// The turn's code, shortened.
        code: String,
        /// The expected value.
        wanted: String,
        /// The actual value.
        found: String,
    },
    /// A program that the figure needs could not be run.
    #[error("{program}: {reason}")]
    Program {
        /// The program.
        program: String,
        /// The problem.
        reason: String,
    },
    /// The system does not provide the data for the figure.
    #[error("{what}: {reason}")]
    System {
        /// The resource or operation.
        what: &'static str,
        /// The system's error.
        reason: String,
    },
    /// No reading was taken.
    #[error("no reading was taken: {0}")]
    NoReadings(String),
    /// A name that no figure has.
    #[error(
        "there is no figure `{name}`\nhint: `memex bench --list` shows their names; a group's name selects all of its figures"
    )]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A text that does not hold figures.
    #[error("line {line} is no figure: {reason}\nhint: compare what `memex bench --json` printed")]
    NotFigures {
        /// The line, from 1.
        line: usize,
        /// Why not.
        reason: String,
    },
}
