//! How the loop speaks with a model that thinks, writes Python and answers
//! between tags.

use std::borrow::Cow;
use std::sync::Arc;

use memex_agent::{Action, Dialect};
use memex_models::{Reply, Request};

use super::conversation::{Conversation, Role};
use super::options::AgentOptions;
use super::tags::Blocks;
use crate::sandbox::{nothing, notice};

/// The name of the agent in its trajectories, and to the model's server.
pub(super) const AGENT: &str = "mem-agent";
/// What is asked where the model would invent a result.
const RESULT_TAG: &str = "<result>";

const BOTH: &str = "Error: the message has a <python> block and a <reply> block. Nothing was run. Write one of the two";
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
}

impl Tagged {
    pub(super) fn new(conversation: Conversation, options: Arc<AgentOptions>, id: &str) -> Self {
        Self {
            conversation,
            blocks: Blocks::default(),
            options,
            id: id.to_owned(),
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
        let mut blocks = Blocks::parse(&text);
        if blocks.thoughts.is_empty() {
            blocks.thoughts = reply.message.reasoning();
        }
        self.conversation.push(Role::Assistant, text);
        let action = self.action(&blocks);
        self.blocks = blocks;
        action
    }

    fn say(&mut self, text: &str) {
        self.conversation.push(Role::User, text);
    }

    fn observe(&mut self, _call_id: Option<&str>, text: &str) {
        self.conversation.push(Role::Tool, text);
    }
}
