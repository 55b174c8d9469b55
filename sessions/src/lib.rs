//! Sessions of the sandbox.

mod suspension;

pub use suspension::{
    RepeatableSink, SAVED_SESSION_VERSION, SavedTurn, Suspendable, SuspendedStep, Suspension,
    SuspensionError,
};
