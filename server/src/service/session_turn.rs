//! A turn in its session: run, and saved before anybody else has the session.

use memex_runtime::{Session, Status};
use memex_sessions::{Display, Outcome, status_word};
use memex_snapshots::Record;

use super::committing::{Commit, CommitError};
use super::turn::Turn;
use super::waking::lost;
use crate::error::{ErrorKind, ServiceError};
use crate::ledger::KeptTurn;
use crate::turns::Around;

/// A turn that is over, and how saving it went; none where it was not to be saved.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) saved: Option<Result<Record, CommitError>>,
    /// What is kept of it for its key.
    pub(super) kept: Option<KeptTurn>,
}

/// Runs a turn, and saves what it came to.
pub(super) fn run_plain(
    session: &mut Session,
    turn: &Turn,
    commit: Option<&Commit>,
) -> Result<Ended, ServiceError> {
    if !turn.control.begin(session.interrupter()) {
        return Err(cancelled());
    }
    let ran = match &turn.around {
        None => session.run(&turn.code),
        Some(around) => run_around(session, turn, around)?,
    };
    turn.control.end();
    match ran {
        Ok(outcome) => Ok(ended(session, &outcome, turn, commit)),
        Err(error) => Err(fault(&error)),
    }
}

/// Runs a block between what goes before and after it. Where what goes before is refused, the
/// session is as it was. Where that cannot be said, it is given up, and the sandbox as after
/// its last saved turn: what was to be taken back is in no saved state.
fn run_around(
    session: &mut Session,
    turn: &Turn,
    around: &Around,
) -> Result<Result<memex_runtime::Outcome, memex_runtime::Error>, ServiceError> {
    let prepared = session.run(&around.before);
    let prepared = prepared.map_err(|error| fault(&error))?;
    turn.spend(prepared.guest_time);
    let refused = match prepared.status {
        Status::Ok => None,
        _ => Some(refused(&Outcome::of(&prepared, session))),
    };
    let ran = refused.is_none().then(|| session.run(&turn.code));
    // An interrupt is for the block.
    turn.control.end();
    let undone = session.run(&around.after);
    let undone = undone.map_err(|error| fault(&error))?;
    turn.spend(undone.guest_time);
    if undone.status != Status::Ok {
        if let Some(Ok(ran)) = &ran {
            turn.spend(ran.guest_time);
        }
        return Err(ServiceError::new(
            ErrorKind::Conflict,
            "variables-stay",
            "the variables of the execution could not be taken back; the sandbox is as after its \
             last saved turn",
            "do not replace `os.environ`, and leave room under the limits",
        ));
    }
    match (ran, refused) {
        (Some(ran), _) => Ok(ran),
        (None, Some(refused)) => Err(refused),
        (None, None) => Err(lost()),
    }
}

/// The error of variables that the guest does not take; the session is as it was.
pub(super) const VARIABLES_REFUSED: &str = "variables-refused";

fn refused(outcome: &Outcome) -> ServiceError {
    let what = match (&outcome.error, &outcome.limit) {
        (Some(error), _) => format!("{}: {}", error.class, error.message),
        (None, Some(limit)) => format!("the limit {} was reached", limit.name),
        (None, None) => "it was ended".to_owned(),
    };
    ServiceError::new(
        ErrorKind::Invalid,
        VARIABLES_REFUSED,
        format!("the variables of the execution could not be set: {what}"),
        "check their names and values",
    )
}

fn fault(error: &memex_runtime::Error) -> ServiceError {
    tracing::error!(%error, "a turn met a fault");
    lost()
}

/// Saves what a turn came to.
pub(super) fn ended(
    session: &mut Session,
    outcome: &memex_runtime::Outcome,
    turn: &Turn,
    commit: Option<&Commit>,
) -> Ended {
    turn.spend(outcome.guest_time);
    let displays = outcome.displays.iter().map(Display::from).collect();
    let told = Outcome::of(outcome, session).with_displays(displays);
    // A session that is lost has nothing to save.
    let is_whole = outcome.status != Status::Fault;
    let keyed = turn.keyed.as_ref().filter(|_| is_whole);
    let mut kept = keyed.map(|(key, request)| KeptTurn {
        key: key.clone(),
        request: request.clone(),
        turn: told.turn,
        snapshot: None,
        outcome: told.clone(),
    });
    let word = status_word(outcome.status);
    let commit = commit.filter(|_| is_whole);
    let saved = commit.map(|commit| commit.save(session, &turn.code, word, kept.as_mut()));
    Ended {
        outcome: told,
        saved,
        kept,
    }
}

/// What is said of a turn that was interrupted too early.
pub(super) fn cancelled() -> ServiceError {
    ServiceError::new(
        ErrorKind::Conflict,
        "cancelled",
        "the turn was interrupted before it began",
        "send it again",
    )
}
