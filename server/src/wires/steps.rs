//! What is executed, what it comes to piece by piece, and what is said of it.

use std::collections::BTreeMap;

use memex_sessions::{Display, Outcome};
use tokio::sync::mpsc;

use super::contexts::{self, Context, DEFAULT};
use super::shell::{self, Command};
use crate::error::{ErrorKind, ServiceError};
use crate::turns::TurnRequest;

/// What a text takes besides its bytes.
const TEXT_BYTES: usize = 64;

/// A block that is to run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    pub(crate) code: String,
    /// The context; none for the default one.
    pub(crate) context: Option<String>,
    /// Variables of the environment for this block.
    pub(crate) variables: BTreeMap<String, String>,
}

/// What is to be executed.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    Block(Block),
    Command(Command),
}

impl Task {
    /// What it holds while it waits.
    pub(super) fn bytes(&self) -> usize {
        let (texts, variables) = match self {
            Self::Block(block) => (std::slice::from_ref(&block.code), &block.variables),
            Self::Command(command) => (command.what.texts(), &command.variables),
        };
        let variables = variables.iter().flat_map(|(name, value)| [name, value]);
        texts
            .iter()
            .chain(variables)
            .map(|text| text.len().saturating_add(TEXT_BYTES))
            .fold(0, usize::saturating_add)
    }
}

/// What an execution comes to, piece by piece. The last one is `Over` or `Failed`.
#[derive(Debug)]
pub(crate) enum Step {
    /// It runs, as the sandbox's execution of this number.
    Began {
        count: u64,
    },
    Stdout(String),
    Stderr(String),
    /// The outcome holds what was displayed.
    Over(Box<Outcome>),
    Failed(ServiceError),
}

/// The steps of an execution. Dropping it interrupts the block.
#[derive(Debug)]
pub(crate) struct Steps {
    /// By which it can be interrupted.
    pub(crate) id: String,
    pub(super) receiver: mpsc::Receiver<Step>,
}

impl Steps {
    pub(crate) async fn next(&mut self) -> Option<Step> {
        self.receiver.recv().await
    }
}

pub(super) fn shell_turn(command: &Command) -> TurnRequest {
    TurnRequest {
        code: shell::turn(command),
        ..TurnRequest::default()
    }
}

/// The outcome with its displays, which may have come as events.
pub(super) fn with(mut outcome: Outcome, displays: Vec<Display>) -> Outcome {
    if outcome.displays.as_ref().is_none_or(Vec::is_empty) && !displays.is_empty() {
        outcome.displays = Some(displays);
    }
    outcome
}

/// Whether something from outside may have ended the turn.
pub(super) fn was_stopped(outcome: &Outcome) -> bool {
    let interrupted = outcome.error.as_ref();
    outcome.rolled_back || interrupted.is_some_and(|error| error.class == "KeyboardInterrupt")
}

pub(super) fn dropped(bytes: u64) -> String {
    format!("[… {bytes} bytes of output were dropped: they were not read in time …]\n")
}

pub(super) fn no_context(name: &str) -> ServiceError {
    let name: String = name.chars().take(64).collect();
    ServiceError::new(
        ErrorKind::NotFound,
        "no-such-context",
        format!("there is no context {name:?}"),
        "list the contexts of the sandbox, or make one",
    )
}

pub(super) fn default_context() -> Context {
    Context {
        id: DEFAULT.to_owned(),
        folder: contexts::HOME.to_owned(),
    }
}

/// A turn of the wire's own that failed: the guest, or what the client gave for it.
pub(super) fn failed(outcome: &Outcome) -> ServiceError {
    let what = match (&outcome.error, &outcome.limit) {
        (Some(error), _) => format!("{}: {}", error.class, error.message),
        (None, Some(limit)) => format!("the limit {} was reached", limit.name),
        (None, None) => "the turn was ended".to_owned(),
    };
    ServiceError::invalid(
        format!("the execution could not be prepared: {what}"),
        "check the context, its folder and the names of variables",
    )
}

/// The block called a tool that another client answers.
pub(super) fn waits() -> ServiceError {
    ServiceError::new(
        ErrorKind::Unsupported,
        "client-tool",
        "the code called a tool that its client answers, which this protocol cannot",
        "run it through the server's own API",
    )
}
