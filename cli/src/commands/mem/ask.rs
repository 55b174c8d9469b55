//! `memex mem ask`: one question, one answer.

use super::conversing::ConversationArguments;
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage};
use anyhow::Result;
use clap::Args;
use memex_escapes::plain;
use memex_mem_agent::{Event, NoWatch, Watch};
use serde_json::json;

const EXAMPLES: &str = "\
The answer goes to standard output and nothing else does. Exit status 1: the model used up
its turns without an answer.

Examples:
  memex mem ask 'Where does Tove work?' --memory notes --model local:mem-agent@http://127.0.0.1:8000/v1
  memex mem ask 'My new phone is 0660 123' --model anthropic:claude-sonnet-4-5
  memex mem ask 'And her birthday?' --conversation talk.json --model openai:gpt-5-mini
  memex mem ask 'Who bakes?' --show --trajectory run.jsonl --model script:replies.toml";

/// Ask a question, or state something to remember
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AskArguments {
    /// The question or statement
    #[arg(value_name = "TEXT")]
    question: String,
    #[command(flatten)]
    conversation: ConversationArguments,
    /// Show Python and results on standard error
    #[arg(long)]
    show: bool,
    /// One JSON object with thoughts, reply, the last Python block, calls, tokens and cost
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &AskArguments, context: &Context) -> Result<ExitCode> {
    if arguments.question.trim().is_empty() {
        return Err(usage(
            "the question is empty",
            "write a question or a statement",
        ));
    }
    let mut opened = arguments.conversation.open("ask", context)?;
    let paint = context.err.paint;
    let mut show = |event: Event<'_>| match event {
        Event::Runs(code) => complain(&paint.hint(&plain(code))),
        Event::Result(result) => complain(&paint.faint(&plain(result))),
        _ => {}
    };
    let mut nobody = NoWatch;
    let watch: &mut dyn Watch = match arguments.show {
        true => &mut show,
        false => &mut nobody,
    };
    let agent = &mut opened.agent;
    let answered = opened
        .runtime
        .block_on(agent.ask(&arguments.question, watch));
    if let (Ok(_), Some(path)) = (&answered, &opened.saved_at) {
        agent.conversation().save(path)?;
    }
    opened.agent.finish()?;
    let answer = answered?;
    if arguments.json {
        let object = json!({
            "thoughts": answer.thoughts,
            "reply": answer.reply,
            "python": answer.python,
            "calls": answer.calls,
            "usage": answer.usage,
            "cost_usd": answer.cost_usd,
        });
        print_line(&object.to_string());
    } else if !answer.reply.is_empty() {
        print_line(&plain(&answer.reply));
    }
    if answer.reply.is_empty() {
        let calls = answer.calls;
        complain(&format!(
            "{} the model was called {calls} times and did not answer",
            paint.bad("error:")
        ));
        complain("hint: --show shows what it tried; --tool-turns gives it more turns");
        return Ok(ExitCode::from(TURN_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}
