//! `llm`: one question to a model.

use std::sync::Arc;

use memex_host_tools::{Tool, ToolError, function};
use memex_models::{Message, Model, NoSink, Reply, Request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::family::Tree;
use super::typed::{TRIES, Typed};
use crate::{Agent, Ledger};

#[derive(Deserialize, JsonSchema)]
struct Question {
    /// The question, with everything the model needs to know.
    prompt: String,
    /// Rules and background.
    #[serde(default)]
    system: Option<String>,
    /// Another model of this run, by name.
    #[serde(default)]
    model: Option<String>,
    /// Tokens of the answer at most.
    #[serde(default)]
    max_tokens: Option<u64>,
    /// What the answer has to be: a type, a dataclass or a JSON Schema. Default: words.
    #[serde(default)]
    output: Option<Value>,
}

/// The tool. It knows nothing of the conversation, and spends from the run's
/// account.
pub(crate) fn question_tool(
    agent: &Agent,
    model: &Arc<dyn Model>,
    ledger: &Arc<Ledger>,
    tree: &Arc<Tree>,
) -> Arc<dyn Tool> {
    let description = "Asks a language model one question and returns its answer: words, or a value of \
        the type `output`. It sees only the prompt. `await llm.aio(...)` asks several at once.";
    let (agent, model) = (agent.clone(), Arc::clone(model));
    let (ledger, tree) = (Arc::clone(ledger), Arc::clone(tree));
    Arc::new(function(
        "llm",
        description,
        move |_, question: Question| {
            let asked = admit(&agent, &model, &ledger, &tree, question.model.as_deref());
            let (agent, ledger) = (agent.clone(), Arc::clone(&ledger));
            async move {
                let model = asked?;
                let typed = question.output.clone().map(Typed::new).transpose()?;
                let mut messages = Vec::new();
                messages.extend(question.system.map(Message::system));
                messages.push(Message::user(question.prompt));
                let request = Request {
                    max_tokens: question.max_tokens,
                    agent: Some("llm".to_owned()),
                    ..Request::new(messages)
                };
                let asking = Asking {
                    agent,
                    model,
                    ledger,
                };
                match typed {
                    None => Ok(asking.reply(&request).await?.message.text()),
                    Some(typed) => asking.typed(&typed, request).await,
                }
            }
        },
    ))
}

struct Asking {
    agent: Agent,
    model: Arc<dyn Model>,
    ledger: Arc<Ledger>,
}

impl Asking {
    async fn reply(&self, request: &Request) -> Result<Reply, ToolError> {
        let reply = self.model.complete(request, &mut NoSink).await;
        let reply = reply.map_err(|error| {
            let message = format!("llm: the model did not answer: {error}");
            ToolError::new("RuntimeError", message)
        })?;
        let cost = self
            .agent
            .inner
            .prices
            .cost(self.model.name(), &reply.usage);
        self.ledger.question(&reply.usage, cost);
        Ok(reply)
    }

    /// The answer as JSON text; for a reply that does not fit, the reason.
    async fn typed(&self, typed: &Typed, request: Request) -> Result<String, ToolError> {
        let mut request = typed.asking(request);
        let mut last = String::new();
        for _ in 0..TRIES {
            let reply = self.reply(&request).await?;
            match typed.read(&reply) {
                Ok(value) => return Ok(value.to_string()),
                Err(what) => {
                    Typed::complain(&mut request, reply, &what);
                    last = what;
                }
            }
            if self.ledger.exhausted().is_some() {
                break;
            }
        }
        let message = format!("llm: the model gave no answer that fits `output`: {last}");
        Err(ToolError::new("ValueError", message))
    }
}

fn admit(
    agent: &Agent,
    model: &Arc<dyn Model>,
    ledger: &Ledger,
    tree: &Tree,
    name: Option<&str>,
) -> Result<Arc<dyn Model>, ToolError> {
    let max = agent.inner.config.agents.questions;
    if !tree.count_question(max) {
        let message = format!("llm: this run has asked its {max} questions");
        return Err(ToolError::new("PermissionError", message));
    }
    if let Some(budget) = ledger.exhausted() {
        let message = format!("llm: the run's budget of {} is used up", budget.word());
        return Err(ToolError::new("PermissionError", message));
    }
    let picked = agent.inner.pick(model, name);
    picked.map_err(|message| ToolError::new("ValueError", format!("llm: {message}")))
}
