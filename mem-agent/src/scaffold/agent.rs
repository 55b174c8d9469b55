//! The loop: the model writes, its Python runs, it is told the result, until it
//! answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use memex_models::{Delta, FnSink, Model, Reply, Request, Usage};
use memex_runtime::Interrupter;
use memex_trajectories::{Budget, Metadata, Status, Trajectory};
use tokio::task;

use super::conversation::{Conversation, Role};
use super::options::AgentOptions;
use super::recording::{AGENT, Recording};
use super::stopping::Stopper;
use super::stream::{BlockStream, Piece, Section};
use super::tags::Blocks;
use super::watch::{Event, Watch};
use crate::Error;
use crate::sandbox::{BlockOutcome, Scratchpad, Workplace, notice, render};

/// What is asked where the model would invent a result.
const RESULT_TAG: &str = "<result>";
/// Room of a reply that is longer than any sensible one.
const REPLY_BYTES_MAX: usize = 4 << 20;

const BOTH: &str = "Error: the message has a <python> block and a <reply> block. Nothing was run. Write one of the two";
const NEITHER: &str =
    "Error: the message has neither a <python> block nor a <reply> block. Write one of the two";

/// An agent on a memory: one conversation, one scope of variables.
///
/// Every question is answered with the memory as it is then. Any number of
/// agents may work on one memory at once; each update either happens or is
/// reported to the agent that tried it.
pub struct Agent {
    workplace: Workplace,
    model: Arc<dyn Model>,
    options: AgentOptions,
    id: String,
    scratchpad: Option<Scratchpad>,
    conversation: Conversation,
    /// The conversation before the question that is being answered.
    before: Option<Conversation>,
    recording: Recording,
    stopper: Stopper,
    status: Status,
    answer: Option<String>,
}

/// What an agent came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The last thoughts.
    pub thoughts: String,
    /// What the person is told; empty if the agent ran out of turns.
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

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
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

    /// An agent that goes on with a conversation. Its variables are gone.
    #[must_use]
    pub fn resume(
        workplace: &Workplace,
        model: Arc<dyn Model>,
        options: AgentOptions,
        id: impl Into<String>,
        conversation: Conversation,
    ) -> Self {
        let id = id.into();
        Self {
            workplace: workplace.clone(),
            recording: Recording::new(&id, model.name()),
            model,
            options,
            id,
            scratchpad: None,
            conversation,
            before: None,
            stopper: Stopper::default(),
            status: Status::Unfinished,
            answer: None,
        }
    }

    /// Saves the trajectory in a file too, while it happens. The file must not
    /// be there yet.
    #[must_use]
    pub fn with_trajectory(mut self, path: &Path) -> Self {
        self.recording.set_path(path);
        self
    }

    /// What the trajectory is annotated with.
    pub fn metadata(&mut self) -> &mut Metadata {
        self.recording.metadata()
    }

    /// What was said so far.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Stops its answers, from any thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Asks a question, or tells something. The memory's filters are added.
    ///
    /// Dropping the future ends what runs, and then the variables are gone.
    /// After that, and after an error, the conversation goes on as if the
    /// question had not been asked.
    ///
    /// # Errors
    /// [`Error::Memory`] if the memory is gone, [`Error::Model`],
    /// [`Error::Stopped`], and [`Error::Sandbox`], after which the variables
    /// are gone.
    pub async fn ask(&mut self, question: &str, watch: &mut dyn Watch) -> Result<Answer, Error> {
        let _answering = self.stopper.answering();
        self.forget_unanswered();
        self.before = Some(self.conversation.clone());
        let answered = self.answer(question, watch).await;
        if answered.is_ok() {
            self.before = None;
        }
        if let Err(error) = &answered {
            self.forget_unanswered();
            self.status = match error {
                Error::Stopped => Status::Cancelled,
                error => Status::Failed {
                    reason: error.to_string(),
                },
            };
        }
        answered
    }

    fn forget_unanswered(&mut self) {
        if let Some(before) = self.before.take() {
            self.conversation = before;
        }
    }

    /// Ends the trajectory.
    ///
    /// # Errors
    /// [`Error::Record`] if its file cannot be written.
    pub fn finish(self) -> Result<Trajectory, Error> {
        self.recording.finish(&self.status, self.answer.as_deref())
    }

    async fn answer(&mut self, question: &str, watch: &mut dyn Watch) -> Result<Answer, Error> {
        let text = self.workplace.memory().filters()?.render(question);
        let system = &self.options.system_prompt;
        self.recording.question(question, system, &text)?;
        self.conversation.push(Role::User, text);
        let mut answer = Answer::default();
        loop {
            let blocks = self.next_reply(&mut answer, watch).await?;
            let refused = self.refusal(&blocks);
            let is_over = refused.is_none() && !blocks.reply.is_empty();
            let began = Instant::now();
            let mut block = None;
            if refused.is_none() && !blocks.python.is_empty() {
                watch.event(Event::Runs(&blocks.python));
                block = Some(self.run(&blocks.python).await?);
            }
            if self.stopper.is_asked() {
                return Err(Error::Stopped);
            }
            let was_last = answer.calls > self.options.tool_turns_max;
            let result = self.result(block.as_ref(), refused);
            if !is_over || block.is_some() {
                let took = began.elapsed();
                // Recorded first: who is told may take it for saved.
                self.recording.result(&result, block.as_ref(), took)?;
                watch.event(Event::Result(&result));
            }
            answer.thoughts = blocks.thoughts;
            answer.python = blocks.python;
            if is_over || was_last {
                let reply = if is_over { blocks.reply } else { String::new() };
                self.status = match is_over {
                    true => Status::Answered,
                    false => Status::Exhausted {
                        budget: Budget::Turns,
                    },
                };
                self.answer = Some(reply.clone());
                answer.reply = reply;
                return Ok(answer);
            }
            self.conversation.push(Role::Tool, result);
        }
    }

    async fn next_reply(
        &mut self,
        answer: &mut Answer,
        watch: &mut dyn Watch,
    ) -> Result<Blocks, Error> {
        answer.calls += 1;
        watch.event(Event::Asked(answer.calls));
        let request = self.request();
        let began = Instant::now();
        let mut told = Told::default();
        let mut sink = FnSink(|delta: Delta| told.delta(delta, watch));
        let reply = tokio::select! {
            reply = self.model.complete(&request, &mut sink) => reply?,
            () = self.stopper.asked() => return Err(Error::Stopped),
        };
        answer.usage.add(&reply.usage);
        let cost = self.cost(&reply);
        answer.cost_usd = match (answer.calls, answer.cost_usd, cost) {
            (1, _, cost) => cost,
            (_, Some(sum), Some(cost)) => Some(sum + cost),
            _ => None,
        };
        let text = reply.message.text();
        if text.len() > REPLY_BYTES_MAX {
            return Err(Error::LongReply {
                bytes: text.len(),
                limit: REPLY_BYTES_MAX,
            });
        }
        let mut blocks = Blocks::parse(&text);
        if blocks.thoughts.is_empty() {
            blocks.thoughts = reply.message.reasoning();
        }
        self.recording
            .reply(&reply, &blocks, cost, began.elapsed())?;
        self.conversation.push(Role::Assistant, text);
        Ok(blocks)
    }

    /// What a reply costs: by the name that answered, or the one that was asked.
    fn cost(&self, reply: &Reply) -> Option<f64> {
        let prices = &self.options.prices;
        let priced = prices.cost(&reply.model, &reply.usage);
        let priced = priced.or_else(|| prices.cost(self.model.name(), &reply.usage));
        priced.map(memex_models::Cost::usd)
    }

    fn request(&self) -> Request {
        let options = &self.options;
        let stop = match options.stop_at_result {
            true => vec![RESULT_TAG.to_owned()],
            false => Vec::new(),
        };
        Request {
            messages: self.conversation.messages(options.last_thoughts_only),
            stop,
            temperature: options.temperature,
            max_tokens: options.max_tokens,
            conversation: Some(self.id.clone()),
            agent: Some(AGENT.to_owned()),
            ..Request::default()
        }
    }

    /// Why a reply's blocks are not taken, where that is asked for.
    fn refusal(&self, blocks: &Blocks) -> Option<&'static str> {
        if !self.options.strict_blocks {
            return None;
        }
        match (blocks.python.is_empty(), blocks.reply.is_empty()) {
            (false, false) => Some(BOTH),
            (true, true) => Some(NEITHER),
            _ => None,
        }
    }

    fn result(&self, block: Option<&BlockOutcome>, refused: Option<&str>) -> String {
        if let Some(message) = refused {
            return notice(message);
        }
        let options = &self.options;
        let code_time_ms = self.workplace.code_time_ms();
        render(block, options.mode, code_time_ms, options.result_bytes_max)
    }

    /// Runs a block on a thread that may block.
    async fn run(&mut self, code: &str) -> Result<BlockOutcome, Error> {
        let mut scratchpad = match self.scratchpad.take() {
            Some(scratchpad) => scratchpad,
            None => self.workplace.scratchpad(&self.id)?,
        };
        let mut stop = StopOnDrop(Some(scratchpad.interrupter()));
        self.stopper.runs(Some(scratchpad.interrupter()));
        let stopper = self.stopper.clone();
        let (code, mode) = (code.to_owned(), self.options.mode);
        let mut ran = task::spawn_blocking(move || {
            let outcome = match stopper.is_asked() {
                true => Err(Error::Stopped),
                false => scratchpad.run(&code, mode),
            };
            (scratchpad, outcome)
        });
        let ran = tokio::select! {
            ran = &mut ran => ran,
            never = self.stopper.insist() => match never {},
        };
        self.stopper.runs(None);
        let (scratchpad, outcome) = ran.map_err(|_| Error::Lost)?;
        stop.0 = None;
        if let Err(Error::Stopped) = outcome {
            self.scratchpad = Some(scratchpad);
            return Err(Error::Stopped);
        }
        // A session that was lost is not kept.
        let outcome = outcome?;
        self.scratchpad = Some(scratchpad);
        Ok(outcome)
    }
}

/// Ends the block when nobody waits for it any more.
struct StopOnDrop(Option<Interrupter>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(interrupter) = &self.0 {
            // Whether it still met the block makes no difference here.
            let _ = interrupter.hard();
        }
    }
}

/// What a watcher is told of a reply while it is written. What a model thinks
/// apart from its text counts as its thoughts.
#[derive(Default)]
struct Told {
    stream: BlockStream,
    is_reasoning: bool,
}

impl Told {
    fn delta(&mut self, delta: Delta, watch: &mut dyn Watch) {
        let mut written = |piece| watch.event(Event::Written(piece));
        match delta {
            Delta::Reasoning(text) => {
                if !std::mem::replace(&mut self.is_reasoning, true) {
                    written(Piece::Begin(Section::Thoughts));
                }
                written(Piece::Text(Section::Thoughts, text));
            }
            Delta::Text(text) => {
                if std::mem::take(&mut self.is_reasoning) {
                    written(Piece::End(Section::Thoughts));
                }
                self.stream.push(&text).into_iter().for_each(written);
            }
            Delta::Reset => {
                *self = Self::default();
                watch.event(Event::Restarted);
            }
            _ => {}
        }
    }
}
