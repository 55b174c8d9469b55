//! The dialect of [`AgentConfig`](crate::AgentConfig): tool calls, fences or
//! tags, hints, and a conversation that is kept within the model's window.

use std::borrow::Cow;

use memex_models::{Reply, Request};
use memex_trajectories::{ActionSpace, Display};

use super::dialect::Dialect;
use crate::observation::{shown, visible};
use crate::prompt::CallNames;
use crate::reading::{Action, read, understood};
use crate::{AgentConfig, CodeForm, Conversation, Ran};

/// Numbers of turns that a model is told are left; its last one has a notice of its own.
const TOLD_AT: [u64; 3] = [10, 5, 3];

pub(crate) struct Spoken {
    pub(super) conversation: Conversation,
    pub(super) config: AgentConfig,
    /// Whether an answer in words is not enough.
    pub(super) submits: bool,
    /// The last block that came in words where code comes in calls.
    pub(super) in_words: Option<String>,
    /// The names under which tools are sent.
    pub(super) names: CallNames,
}

impl Dialect for Spoken {
    fn request(&self) -> Cow<'_, Request> {
        Cow::Borrowed(self.conversation.request())
    }

    fn shorten(&mut self, scope: &[String], overflowed: bool) -> bool {
        match overflowed {
            true => self.conversation.compact_refused(scope) > 0,
            false => self.conversation.is_full() && self.conversation.compact(scope) > 0,
        }
    }

    fn understood(&self, reply: Reply) -> Reply {
        understood(reply, self.config.action_space, self.config.code_form)
    }

    fn read(&mut self, reply: &Reply) -> Action {
        let (space, form) = (self.config.action_space, self.config.code_form);
        let mut action = read(reply, space, form, self.submits);
        if let Action::Calls(calls) = &mut action {
            for call in calls {
                call.name = self.names.own(&call.name).to_owned();
            }
        }
        self.conversation.push(reply.message.clone());
        match action {
            Action::Code {
                code,
                call_id: None,
                note,
                others,
                answer,
            } if form == CodeForm::Tool => {
                // It is told once. A block that comes again after that is part of an answer.
                let told = self.in_words.replace(code.clone());
                if !self.submits && told.as_ref() == Some(&code) {
                    return Action::Answer(reply.message.text().trim().to_owned());
                }
                Action::Code {
                    note: note.filter(|_| told.is_none()),
                    code,
                    call_id: None,
                    others,
                    answer,
                }
            }
            action => action,
        }
    }

    fn say(&mut self, text: &str) {
        self.conversation.say(text);
    }

    fn observe(&mut self, call_id: Option<&str>, text: &str) {
        self.conversation.observe(call_id, text);
    }

    fn result(&mut self, call_id: &str, text: &str, is_error: bool) {
        self.conversation.result(call_id, text, is_error);
    }

    fn show(&mut self, pictures: &[Display]) {
        let options = &self.config.observations;
        let (images, note) = visible(pictures, options);
        self.conversation.show(images, options.pictures_kept);
        if let Some(note) = note {
            self.conversation.add_to_result(&note);
        }
    }

    fn shown(&self, code: &str, ran: &Ran) -> String {
        shown(code, ran, &self.config.observations)
    }

    fn result_max_chars(&self) -> usize {
        self.config.observations.max_chars
    }

    fn last_turn(&self) -> Option<String> {
        let text = match (self.submits, self.config.action_space) {
            (true, ActionSpace::Code) if self.config.code_form == CodeForm::Tool => {
                "This is your last turn: call `python` with `submit(...)` now."
            }
            (true, _) => "This is your last turn: submit your answer now.",
            (false, _) => "This is your last turn: give your answer now.",
        };
        Some(text.to_owned())
    }

    fn turns_left(&self, left: u64) -> Option<String> {
        TOLD_AT
            .contains(&left)
            .then(|| format!("{left} turns are left."))
    }

    fn nudges_max(&self) -> u32 {
        self.config.nudges_max
    }
}
