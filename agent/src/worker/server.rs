//! The worker's own side: sessions whose calls go to the agent.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use super::frames::{FORKS_FROM, Kind, Received, read};
use super::hosted::Hosted;
use super::origins::Origins;
use super::output::Output;
use crate::Error;

/// Most sessions at a time. The agent bounds them by its settings.
const SESSIONS_MAX: usize = 10_000;

/// Serves an agent until it closes the stream. Each session says in its first
/// frame what it is made of, so that one worker serves sessions of any number of
/// specs. Nothing else may be written to the output. Sessions that are under way then are interrupted, and end with
/// the process.
///
/// # Errors
/// When the stream breaks in the middle of a frame.
pub fn serve(mut input: impl Read, output: impl Write + Send + 'static) -> Result<(), Error> {
    let origins = Origins::default();
    let output = Arc::new(Output::new(output));
    let mut sessions: BTreeMap<u32, Hosted> = BTreeMap::new();
    while let Some(frame) = read(&mut input).map_err(broken)? {
        take(&origins, frame, &mut sessions, &output);
    }
    Ok(())
}

fn take(
    origins: &Origins,
    frame: Received,
    sessions: &mut BTreeMap<u32, Hosted>,
    output: &Arc<Output>,
) {
    let Received {
        session,
        kind,
        payload,
    } = frame;
    match kind {
        Kind::Close => {
            sessions.remove(&session);
            drop(output.take(session));
        }
        Kind::Begin => {
            let fork = output.take(session);
            let refused = |what: &str| output.send(session, Kind::Failed, what.as_bytes());
            if fork.is_none() && session >= FORKS_FROM {
                refused("there is no such fork");
            } else if sessions.len() >= SESSIONS_MAX {
                refused("the worker has too many sessions");
            } else {
                match Hosted::begin(session, origins, fork, payload, output) {
                    Ok(hosted) => _ = sessions.insert(session, hosted),
                    Err(error) => _ = refused(&format!("no thread for the session: {error}")),
                }
            }
        }
        kind => {
            if let Some(hosted) = sessions.get(&session) {
                hosted.take(kind, payload);
            }
        }
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::Worker {
        what: format!("lost its agent in the middle of a frame: {error}"),
    }
}
