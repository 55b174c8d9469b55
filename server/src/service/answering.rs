//! Turns that wait for their client.

use std::sync::Arc;
use std::time::Instant;

use memex_host_tools::ClientAnswer;
use memex_sessions::SuspensionError;

use super::entry::{Body, Entry, Kind};
use super::state::{Inner, Service};
use super::turn::Turn;
use crate::error::{ErrorKind, ServiceError};
use crate::json::taken;
use crate::names::Id;
use crate::sandbox::Waiting;
use crate::tenants::{HeldBody, Principal, Scope};
use crate::turns::{Answer, TurnControl, TurnEvent, TurnStream};

impl Service {
    /// Answers calls of the turn that waits, and goes on with it. Without answers, it goes
    /// on if something that it waits for has come.
    ///
    /// # Errors
    /// When no turn waits. An answer that fits no open call is the stream's last event; no
    /// answer is taken then.
    pub async fn answer(
        &self,
        who: &Principal,
        id: &Id,
        answers: Vec<Answer>,
    ) -> Result<TurnStream, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry_for_work(who, id, Scope::Run)?;
        let held = answers.iter().map(|answer| size_of(&answer.answer));
        let held = HeldBody::admit(&entry.tenant, held.fold(0, usize::saturating_add))?;
        let turn = Turn {
            _held: Some(Arc::new(held)),
            ..inner.going_on(&entry)
        };
        inner.tell(who, "answer", id, "begun", None);
        let answers: Vec<_> = answers
            .into_iter()
            .map(|answer| (answer.call, answer.answer))
            .collect();
        inner
            .begin(&entry, turn, move |inner, entry, body, turn| {
                inner.check_awake(entry)?;
                inner.wake(entry, body)?;
                let request = body.waiting_request.clone();
                let Kind::Client(session) = &mut body.kind else {
                    return Err(not_waiting());
                };
                if !session.is_waiting() {
                    return Err(not_waiting());
                }
                if !turn.control.begin(session.interrupter()) {
                    return Err(super::session_turn::cancelled());
                }
                body.relay.send(TurnEvent::Started);
                let step = match answers.is_empty() {
                    true => session.go_on(),
                    false => session.answer(answers),
                };
                turn.control.end();
                let step = step.map_err(|error| inner.suspension_failed(entry, body, &error))?;
                inner.step(entry, body, &turn.with_request(request), step)
            })
            .await
    }

    /// The turn that waits; none where none does.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub async fn waiting(&self, who: &Principal, id: &Id) -> Result<Option<Waiting>, ServiceError> {
        let entry = self.inner.entry(who, id, Scope::Run)?;
        if entry.profile.tools.is_empty() {
            return Ok(None);
        }
        let looked = self.inner.on_thread(&entry, |inner, entry, body| {
            inner.wake(entry, body)?;
            Ok(match &body.kind {
                Kind::Client(session) if session.is_waiting() => Some(Waiting {
                    calls: session.open_calls(),
                }),
                _ => None,
            })
        });
        looked.await
    }

    /// Gives up the turn that waits: `KeyboardInterrupt` is raised where it waits, or it is
    /// rolled back.
    ///
    /// # Errors
    /// When no turn waits.
    pub async fn cancel_waiting(&self, who: &Principal, id: &Id) -> Result<(), ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Run)?;
        inner.tell(who, "cancel", id, "begun", None);
        let cancelled = inner.on_thread(&entry, |inner, entry, body| {
            inner.wake(entry, body)?;
            inner.cancel(entry, body)
        });
        cancelled.await
    }
}

impl Inner {
    /// The rest of a turn that waited.
    pub(super) fn going_on(&self, entry: &Entry) -> Turn {
        Turn {
            code: String::new(),
            around: None,
            _held: None,
            durability: entry.record.lock().durability,
            keyed: None,
            control: TurnControl::default(),
            began: Instant::now(),
            spent_us: Arc::default(),
        }
    }

    fn cancel(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        let Kind::Client(session) = &mut body.kind else {
            return Err(not_waiting());
        };
        match session.cancel("KeyboardInterrupt") {
            Ok(step) => {
                let turn = self.going_on(entry);
                let event = self.step(entry, body, &turn, step)?;
                self.count(entry, &event, &turn);
                Ok(())
            }
            // It was rolled back: the state before it is what was saved.
            Err(SuspensionError::State {
                state: "stopped", ..
            }) => {
                body.waiting_request = None;
                self.forget_waiting(entry);
                Ok(())
            }
            Err(error) => Err(self.suspension_failed(entry, body, &error)),
        }
    }
}

/// What an answer holds while it waits.
fn size_of(answer: &ClientAnswer) -> usize {
    match answer {
        ClientAnswer::Value(answer) => {
            let parts = answer.parts.iter().map(Vec::len);
            parts.fold(taken(&answer.json), usize::saturating_add)
        }
        ClientAnswer::Error { class, message } => class.len().saturating_add(message.len()),
    }
}

fn not_waiting() -> ServiceError {
    ServiceError::new(
        ErrorKind::Conflict,
        "not-waiting",
        "no turn of the sandbox waits for answers",
        "run a block first; its reply says when it waits",
    )
}
