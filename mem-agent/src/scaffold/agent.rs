//! The loop of `memex-agent` on a memory: a prompt, tags, the scratchpad.

use std::path::Path;
use std::sync::Arc;

use memex_agent::{Budgets, Dialogue, DialogueSettings, Scope, Stopper};
use memex_models::{Cost, Model, Usage};
use memex_trajectories::{Agent as Who, Header, Timestamp, Trajectory};

use super::conversation::Conversation;
use super::dialect::{AGENT, Tagged};
use super::options::AgentOptions;
use super::watch::{Telling, Watch};
use crate::Error;
use crate::sandbox::{MemoryScope, Workplace};

/// An agent on a memory: one conversation, one scope of variables.
///
/// Every question is answered with the memory as it is then. Any number of
/// agents may work on one memory at once; each update either happens or is
/// reported to the agent that tried it.
#[derive(Debug)]
pub struct Agent {
    workplace: Workplace,
    dialogue: Dialogue<Tagged>,
}

/// The result of an agent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The last thoughts.
    pub thoughts: String,
    /// The reply to the person; empty if the agent ran out of turns.
    pub reply: String,
    /// The last block of Python.
    pub python: String,
    /// How often the model was called.
    pub calls: u32,
    /// Tokens.
    pub usage: Usage,
    /// US dollars; none where the price of the model is not known.
    pub cost_usd: Option<f64>,
}

impl Agent {
    /// A fresh agent. `id` names its conversation to the model and its changes
    /// in the memory's journal.
    #[must_use]
    pub fn new(
        workplace: &Workplace,
        model: Arc<dyn Model>,
        options: AgentOptions,
        id: impl Into<String>,
    ) -> Self {
        let conversation = Conversation::new(&options.system_prompt);
        Self::resume(workplace, model, options, id, conversation)
    }

    /// An agent that continues a conversation, without its variables.
    #[must_use]
    pub fn resume(
        workplace: &Workplace,
        model: Arc<dyn Model>,
        options: AgentOptions,
        id: impl Into<String>,
        conversation: Conversation,
    ) -> Self {
        let (id, options) = (id.into(), Arc::new(options));
        let settings = DialogueSettings {
            header: Header {
                id: id.clone(),
                agent: Who {
                    name: AGENT.to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    model: model.name().to_owned(),
                    ..Who::default()
                },
                started: Timestamp::now(),
                ..Header::default()
            },
            system: options.system_prompt.clone(),
            // The model is called once more than it is sent a result.
            budgets: Budgets::of_turns(u64::from(options.tool_turns_max) + 1),
            prices: Arc::clone(&options.prices),
        };
        let dialect = Tagged::new(conversation, Arc::clone(&options), &id);
        let place = workplace.clone();
        let scope = move || {
            let (mode, bytes_max) = (options.mode, options.result_bytes_max);
            Box::new(MemoryScope::new(&place, &id, mode, bytes_max)) as Box<dyn Scope>
        };
        Self {
            workplace: workplace.clone(),
            dialogue: Dialogue::new(model, dialect, settings, scope),
        }
    }

    /// Saves the trajectory in a file too, while it happens. The file must not
    /// be there yet.
    #[must_use]
    pub fn with_trajectory(mut self, path: &Path) -> Self {
        self.dialogue = self.dialogue.with_trajectory(path);
        self
    }

    /// The conversation so far.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.dialogue.dialect().conversation
    }

    /// Stops its answers, from any thread. Earlier changes to the memory stay.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.dialogue.stopper()
    }

    /// Sends a question or a statement. The memory's filters are added.
    ///
    /// Dropping the future ends what runs, and then the variables are gone.
    /// After that, and after an error, the conversation goes on as if the
    /// question had not been asked.
    ///
    /// # Errors
    /// [`Error::Memory`] if the memory is gone, and [`Error::Agent`]: the model
    /// failed, the answer was stopped, or the sandbox was lost and the variables
    /// with it.
    pub async fn ask(&mut self, question: &str, watch: &mut dyn Watch) -> Result<Answer, Error> {
        let filters = self.workplace.memory().filters();
        let filters = filters.inspect_err(|error| self.dialogue.fail(error))?;
        let text = filters.render(question);
        let mut telling = Telling::new(watch);
        let answered = self.dialogue.ask(question, &text, &mut telling).await?;
        let blocks = &self.dialogue.dialect().blocks;
        Ok(Answer {
            thoughts: blocks.thoughts.clone(),
            reply: answered.answer.unwrap_or_default(),
            python: blocks.python.clone(),
            calls: answered.spent.replies,
            usage: answered.spent.usage,
            cost_usd: answered.spent.cost.map(Cost::usd),
        })
    }

    /// Ends the trajectory.
    ///
    /// # Errors
    /// [`Error::Agent`] if its file cannot be written.
    pub fn finish(self) -> Result<Trajectory, Error> {
        Ok(self.dialogue.finish()?)
    }
}
