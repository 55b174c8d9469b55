//! Ctrl-C: softly, then hard, and out when nothing runs, unless a line editor
//! waits for the next line: a key that comes just after the turn it was meant for
//! does not lose the session.

use crate::console::complain;
use crate::failure::INTERRUPTED;
use memex_agent::Cancellation;
use memex_runtime::{Interrupter, Session};
use parking_lot::Mutex;
use std::sync::Arc;

/// Turns presses of Ctrl-C into interrupts of the session that runs.
#[derive(Debug, Default)]
pub(crate) struct Interrupts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    interrupter: Option<Interrupter>,
    /// Presses that met the turn that runs.
    presses: u32,
    loud: bool,
    /// Whether a press that meets no turn ends the process.
    leaves: bool,
}

impl Interrupts {
    /// Takes over Ctrl-C for this process. `loud` reports the first press of a
    /// turn; with a `prompt`, presses between turns are left to it.
    pub(crate) fn install(loud: bool, prompt: bool) -> anyhow::Result<Arc<Self>> {
        let interrupts = Arc::new(Self::default());
        {
            let mut state = interrupts.state.lock();
            state.loud = loud;
            state.leaves = !prompt;
        }
        let handler = Arc::clone(&interrupts);
        ctrlc::set_handler(move || handler.press())?;
        Ok(interrupts)
    }

    /// Presses go to this session from now on.
    pub(crate) fn watch(&self, session: &Session) {
        self.state.lock().interrupter = Some(session.interrupter());
    }

    /// The next press is the first one of its turn.
    pub(crate) fn turn_begins(&self) {
        self.state.lock().presses = 0;
    }

    /// The turn is over: what is said of its presses has been said.
    pub(crate) fn turn_ends(&self) {
        self.state.lock().presses = 0;
    }

    fn press(&self) {
        let mut state = self.state.lock();
        let hard = state.presses > 0;
        let met = state.interrupter.as_ref().is_some_and(|interrupter| {
            if hard {
                interrupter.hard()
            } else {
                interrupter.soft()
            }
        });
        if !met && !state.leaves && state.interrupter.is_some() {
            return;
        }
        if !met {
            // The process takes its sessions with it; what an image build
            // left half done is swept by the next one.
            std::process::exit(i32::from(INTERRUPTED));
        }
        state.presses += 1;
        if state.loud && !hard {
            complain("interrupting the turn; press Ctrl-C again to stop it at once");
        }
    }
}

/// Ends a series of turns at Ctrl-C, the turn under way included; pressed again, at once;
/// a third time, or before the first turn, with the process.
#[derive(Debug, Default)]
pub(crate) struct SeriesStop {
    state: Mutex<(Option<Interrupter>, u32)>,
}

impl SeriesStop {
    /// Takes over Ctrl-C for this process.
    pub(crate) fn install() -> anyhow::Result<Arc<Self>> {
        let stop = Arc::new(Self::default());
        let handler = Arc::clone(&stop);
        ctrlc::set_handler(move || handler.press())?;
        Ok(stop)
    }

    /// The turn under way is one of this session.
    pub(crate) fn watch(&self, session: &Session) {
        self.state.lock().0 = Some(session.interrupter());
    }

    /// Whether the series is to end.
    pub(crate) fn is_pressed(&self) -> bool {
        self.state.lock().1 > 0
    }

    fn press(&self) {
        let mut state = self.state.lock();
        let (interrupter, presses) = &mut *state;
        *presses += 1;
        let _met = match (interrupter, *presses) {
            (Some(interrupter), 1) => interrupter.soft(),
            (Some(interrupter), 2) => interrupter.hard(),
            _ => std::process::exit(i32::from(INTERRUPTED)),
        };
    }
}

/// Ctrl-C stops a run of an agent after its turn; again, at once.
pub(crate) fn stopped_by_ctrl_c() -> anyhow::Result<Cancellation> {
    let cancellation = Cancellation::new();
    let pressed = cancellation.clone();
    ctrlc::set_handler(move || pressed.cancel())?;
    Ok(cancellation)
}
