//! The loop.

use memex_trajectories::{Status, Step, StepKind};

use super::dialect::Dialect;
use super::state::Loop;
use super::watcher::Watcher;
use crate::Error;
use crate::reading::Action;

/// How the loop continues.
enum Next {
    Turn,
    End(Status, Option<String>),
}

impl<D: Dialect> Loop<D> {
    /// Takes turns until there is an end.
    ///
    /// # Errors
    /// Why there is none: the model or the scope does not answer, or the record
    /// cannot be kept.
    pub(super) async fn proceed(
        &mut self,
        watcher: &mut dyn Watcher,
    ) -> Result<(Status, Option<String>), Error> {
        loop {
            if let Next::End(status, answer) = self.turn(watcher).await? {
                return Ok((status, answer));
            }
        }
    }

    async fn turn(&mut self, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        if let Some(status) = self.end() {
            return Ok(Next::End(status, None));
        }
        self.dialect.shorten(&self.scope_names, false);
        watcher.asked(self.ledger.turns().saturating_add(1));
        let (reply, timing) = match self.ask(watcher).await? {
            Ok(replied) => replied,
            Err(status) => return Ok(Next::End(status, None)),
        };
        let reply = self.dialect.understood(reply);
        let action = self.dialect.read(&reply);
        self.record_reply(&reply, &action, timing, watcher)?;
        self.act(action, watcher).await
    }

    async fn act(&mut self, action: Action, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        if !matches!(action, Action::Nudge(_)) {
            self.nudges = 0;
        }
        match action {
            Action::Code {
                code,
                call_id,
                note,
                others,
                answer,
            } => {
                let (text, pictures) = self.run_block(&code, note.as_deref(), watcher).await?;
                if answer.is_some() {
                    return Ok(Next::End(Status::Answered, answer));
                }
                // Nothing is reported for a question that was withdrawn.
                if self.end().is_none() {
                    self.dialect.observe(call_id.as_deref(), &text);
                    self.dialect.show(&pictures);
                    for (id, _, answer) in others {
                        self.dialect.result(&id, &answer, true);
                    }
                }
                Ok(Next::Turn)
            }
            Action::Result { text, .. } => {
                self.record(
                    Step {
                        kind: StepKind::Observation,
                        text: text.clone(),
                        ..Step::default()
                    },
                    watcher,
                )?;
                if self.end().is_none() {
                    self.dialect.observe(None, &text);
                }
                Ok(Next::Turn)
            }
            Action::Calls(calls) => {
                self.make_calls(calls, watcher)?;
                Ok(Next::Turn)
            }
            Action::Answer(answer) => Ok(Next::End(Status::Answered, Some(answer))),
            Action::Refusal(reason) => Ok(Next::End(Status::Failed { reason }, None)),
            Action::Continue => Ok(Next::Turn),
            Action::Nudge(text) => self.nudge(text, watcher),
        }
    }

    fn nudge(&mut self, text: String, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        self.nudges = self.nudges.saturating_add(1);
        if self.nudges > self.dialect.nudges_max() {
            let reason = format!(
                "{} replies in a row had nothing to act on; the last hint was: {text}",
                self.nudges
            );
            return Ok(Next::End(Status::Failed { reason }, None));
        }
        self.dialect.say(&text);
        self.record(
            Step {
                kind: StepKind::User,
                text,
                ..Step::default()
            },
            watcher,
        )?;
        Ok(Next::Turn)
    }
}
