//! Shared by `ask` and `chat`: an agent on a memory, fresh or continuing
//! with a conversation.

use super::options::{AgentArguments, MemoryArguments, ModelArguments, PriceArguments, run_id};
use crate::context::Context;
use crate::failure::usage;
use anyhow::Result;
use clap::Args;
use memex_mem_agent::{Agent, AgentOptions, Conversation, Role};
use memex_memory::Memory;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;

/// Which memory, which model, and what is kept of the conversation.
#[derive(Debug, Args)]
pub(super) struct ConversationArguments {
    #[command(flatten)]
    pub(super) memory: MemoryArguments,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    prices: PriceArguments,
    #[command(flatten)]
    agent: AgentArguments,
    /// Continue the conversation in this file, if it exists, and save it there after every
    /// answer
    #[arg(long, value_name = "FILE")]
    conversation: Option<PathBuf>,
    /// Save the trajectory in this new file
    #[arg(long, value_name = "FILE")]
    trajectory: Option<PathBuf>,
}

/// An agent that waits for its first question.
pub(super) struct Opened {
    pub(super) agent: Agent,
    pub(super) memory: Memory,
    pub(super) runtime: Handle,
    /// The path of the saved conversation.
    pub(super) saved_at: Option<PathBuf>,
    /// Whether there was a conversation to go on with.
    pub(super) is_resumed: bool,
    /// The name under which its changes are journalled.
    pub(super) session: String,
}

impl ConversationArguments {
    /// Opens everything. What the caller can get wrong is told before anything
    /// is built. `kind` begins the name under which changes are journalled.
    pub(super) fn open(&self, kind: &str, context: &Context) -> Result<Opened> {
        let memory = self.memory.open()?;
        let model = self.model.build()?;
        let mut options = self.agent.options(self.memory.mode())?;
        options.prices = self.prices.table()?;
        let saved = self.saved(&options)?;
        if let Some(path) = &self.trajectory {
            check_new(path)?;
        }
        let runtime = context.runtime()?;
        let workplace = self.agent.workplace(context, &memory)?;
        let (id, is_resumed) = (run_id(kind), saved.is_some());
        let session = id.clone();
        let mut agent = match saved {
            Some(conversation) => Agent::resume(&workplace, model, options, id, conversation),
            None => Agent::new(&workplace, model, options, id),
        };
        if let Some(path) = &self.trajectory {
            agent = agent.with_trajectory(path);
        }
        Ok(Opened {
            agent,
            memory,
            runtime,
            saved_at: self.conversation.clone(),
            is_resumed,
            session,
        })
    }

    /// The conversation to go on with.
    fn saved(&self, options: &AgentOptions) -> Result<Option<Conversation>> {
        let Some(path) = &self.conversation else {
            return Ok(None);
        };
        if !path.exists() {
            check_directory(path)?;
            return Ok(None);
        }
        let conversation = Conversation::read(path).map_err(|error| {
            usage(
                error.to_string(),
                "a conversation is a JSON list of {role, content}",
            )
        })?;
        let prompt = match conversation.entries().first() {
            None => return Ok(None),
            Some(entry) if entry.role == Role::System => entry.content.as_str(),
            Some(_) => "",
        };
        if self.agent.has_own_prompt() && prompt != options.system_prompt {
            return Err(usage(
                format!(
                    "the conversation {} began with another prompt",
                    path.display()
                ),
                "leave out --system-prompt, or name a new file with --conversation",
            ));
        }
        Ok(Some(conversation))
    }
}

fn check_new(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(usage(
            format!("the trajectory {} is there already", path.display()),
            "name a new file with --trajectory",
        )),
        Err(_) => check_directory(path),
    }
}

fn check_directory(path: &Path) -> Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match directory {
        Some(directory) if !directory.is_dir() => Err(usage(
            format!(
                "{} cannot be written: there is no directory {}",
                path.display(),
                directory.display()
            ),
            "make the directory, or name another file",
        )),
        _ => Ok(()),
    }
}
