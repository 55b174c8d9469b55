//! Errors on the host's side of a run.

use std::path::PathBuf;

/// Why a run could not be made, or could not be kept.
///
/// What a model or a guest does wrong is none of these: it is the run's
/// [`Status`](memex_trajectories::Status), with a trajectory that was saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be.
    #[error("{setting}: {what}")]
    Setting {
        /// The setting.
        setting: String,
        /// The problem, and how to correct it.
        what: String,
    },
    /// A schema of an answer that cannot be used.
    #[error("the output schema cannot be used: {what}")]
    Schema {
        /// The problem.
        what: String,
    },
    /// An object for the scope that cannot be had.
    #[error("the input `{name}` from {from}: {what}")]
    Input {
        /// Its name in the scope.
        name: String,
        /// Its source.
        from: String,
        /// The problem.
        what: String,
    },
    /// A run that cannot be taken up again.
    #[error("the run {} cannot be resumed: {what}", path.display())]
    Resume {
        /// Its trajectory.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A worker process that cannot be had.
    #[error("the worker process: {what}")]
    Worker {
        /// The problem.
        what: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A file that does not say what it should.
    #[error("{place}: {what}")]
    Format {
        /// The file, and the line where one is known.
        place: String,
        /// The problem.
        what: String,
    },
    /// The threads that models and tools run on cannot be started.
    #[error("the threads of models and tools cannot be started: {0}")]
    Reactor(#[source] std::io::Error),
    /// The session failed on the host's side.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
    /// The sessions of the agent cannot be had.
    #[error(transparent)]
    Session(#[from] memex_sessions::Error),
    /// The trajectory cannot be kept.
    #[error(transparent)]
    Trajectory(#[from] memex_trajectories::Error),
    /// The toolbox cannot be made.
    #[error(transparent)]
    Tools(#[from] memex_host_tools::Error),
    /// The model cannot be made, or does not answer.
    #[error(transparent)]
    Model(#[from] memex_models::ModelError),
    /// The model wrote more than a reply may have.
    #[error("the model's reply has {bytes} bytes; {limit} are taken")]
    LongReply {
        /// Its size.
        bytes: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// The answer was stopped.
    #[error("stopped before there was an answer")]
    Cancelled,
    /// The thread that ran a block is gone, and the scope with it.
    #[error("the thread that ran the code ended; start another agent")]
    Lost,
    /// The tasks cannot be read or graded.
    #[error(transparent)]
    Suite(#[from] memex_suites::Error),
}

impl Error {
    /// A text that is not read, of the file or setting called `place`.
    pub(crate) fn misread(place: &str) -> impl FnOnce(memex_settings::Misread) -> Self {
        move |misread| Self::Format {
            place: format!("{place}, line {}, column {}", misread.line, misread.column),
            what: misread.what,
        }
    }

    pub(crate) fn setting(setting: &str, what: impl Into<String>) -> Self {
        Self::Setting {
            setting: setting.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
