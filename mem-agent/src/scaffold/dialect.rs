//! How the loop speaks with a model that thinks, writes Python and answers
//! between tags.

use std::borrow::Cow;
use std::sync::Arc;

use memex_agent::{Action, Dialect};
use memex_memory::Mode;
use memex_models::{Reply, Request, StopReason};

use super::conversation::{Conversation, Role};
use super::meaning::Meaning;
use super::options::AgentOptions;
use super::tags::Blocks;
use crate::sandbox::{nothing, notice};

/// The name of the agent in its trajectories, and to the model's server.
pub(super) const AGENT: &str = "mem-agent";
/// What is asked where the model would invent a result.
const RESULT_TAG: &str = "<result>";

const BOTH: &str = "Error: the message has a <python> block and a <reply> block. Nothing was run. Write one of the two";
/// What a model is told, outside of compat mode, whose reply had nothing to act on.
const MISSING: &str = "Your reply has neither a <python> block nor a <reply> block, so nothing \
happened. Put code between <python> and </python>, or what the person is told between <reply> \
and </reply>.";
const CUT_OFF: &str = "Your reply was cut off at its limit of tokens before its block ended, so \
nothing happened. Write a shorter one.";
const NEITHER: &str =
    "Error: the message has neither a <python> block nor a <reply> block. Write one of the two";

/// Tags, in a conversation that is kept as it was said.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    pub(super) conversation: Conversation,
    /// Of the newest reply.
    pub(super) blocks: Blocks,
    options: Arc<AgentOptions>,
    id: String,
    /// Whether the model was told of missing tags, and has not used any since.
    is_told: bool,
}

impl Tagged {
    pub(super) fn new(conversation: Conversation, options: Arc<AgentOptions>, id: &str) -> Self {
        Self {
            conversation,
            blocks: Blocks::default(),
            options,
            id: id.to_owned(),
            is_told: false,
        }
    }

    /// Python runs, and an answer ends the loop; both in one reply are sent
    /// back where that is asked for, and so is a reply with neither.
    fn action(&self, blocks: &Blocks) -> Action {
        let python = Some(&blocks.python).filter(|code| !code.is_empty());
        let reply = Some(&blocks.reply).filter(|reply| !reply.is_empty());
        let result = |text| Action::Result {
            text,
            unrun: python.cloned(),
        };
        match (python, reply) {
            (Some(_), Some(_)) if self.options.strict_blocks => result(notice(BOTH)),
            (None, None) if self.options.strict_blocks => result(notice(NEITHER)),
            (None, None) => result(nothing()),
            (Some(code), reply) => Action::Code {
                code: code.clone(),
                call_id: None,
                note: None,
                others: Vec::new(),
                answer: reply.cloned(),
            },
            (None, Some(reply)) => Action::Answer(reply.clone()),
        }
    }

    /// What a reply of a model means that was not trained on these tags. A reply in plain words
    /// is the answer; one that shows code, or says nothing, is sent back.
    fn meant(&mut self, meaning: &Meaning, stop: &StopReason) -> Action {
        let blocks = &meaning.blocks;
        if !self.options.strict_blocks && *stop == StopReason::MaxTokens && meaning.is_open {
            return Action::Nudge(CUT_OFF.to_owned());
        }
        if self.options.strict_blocks || !blocks.python.is_empty() || !blocks.reply.is_empty() {
            self.is_told = false;
            return self.action(blocks);
        }
        let refused = matches!(stop, StopReason::Refusal | StopReason::ContentFilter);
        if meaning.bare.is_empty() && refused {
            return Action::Refusal("the model declined to answer".to_owned());
        }
        let shows_code = ["```", "~~~"]
            .iter()
            .any(|fence| meaning.bare.contains(fence));
        match meaning.bare.is_empty() || shows_code && !self.is_told {
            true => {
                self.is_told = true;
                Action::Nudge(MISSING.to_owned())
            }
            false => {
                self.is_told = false;
                Action::Answer(meaning.bare.clone())
            }
        }
    }
}

impl Dialect for Tagged {
    fn request(&self) -> Cow<'_, Request> {
        let options = &self.options;
        let stop = match options.stop_at_result {
            true => vec![RESULT_TAG.to_owned()],
            false => Vec::new(),
        };
        Cow::Owned(Request {
            messages: self.conversation.messages(options.last_thoughts_only),
            stop,
            temperature: options.temperature,
            max_tokens: options.max_tokens,
            conversation: Some(self.id.clone()),
            agent: Some(AGENT.to_owned()),
            ..Request::default()
        })
    }

    fn read(&mut self, reply: &Reply) -> Action {
        let text = reply.message.text();
        let mut meaning = match self.options.mode {
            Mode::Compat => Meaning {
                blocks: Blocks::parse(&text),
                ..Meaning::default()
            },
            Mode::Extended => Meaning::of(&text),
        };
        if meaning.blocks.thoughts.is_empty() {
            meaning.blocks.thoughts = reply.message.reasoning();
        }
        self.conversation.push(Role::Assistant, text);
        let action = match self.options.mode {
            Mode::Compat => self.action(&meaning.blocks),
            Mode::Extended => self.meant(&meaning, &reply.stop),
        };
        self.blocks = meaning.blocks;
        if let (Action::Answer(answer), true) = (&action, self.blocks.reply.is_empty()) {
            self.blocks.reply.clone_from(answer);
        }
        action
    }

    fn nudges_max(&self) -> u32 {
        2
    }

    fn say(&mut self, text: &str) {
        self.conversation.push(Role::User, text);
    }

    fn observe(&mut self, _call_id: Option<&str>, text: &str) {
        self.conversation.push(Role::Tool, text);
    }
}
