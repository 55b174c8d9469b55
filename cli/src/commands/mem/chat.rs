//! `memex mem chat`: talking to the agent.

use super::conversing::{ConversationArguments, Opened};
use super::line::{LineEditor, Typed};
use super::talk::{COMMANDS, Talk, Then};
use super::undoing::Questions;
use crate::console::complain;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::INTERRUPTED;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_mem_agent::{Conversation, Role, Stopper, Stopping};
use std::io::{BufRead, IsTerminal, Read as _, stdin};

const EXAMPLES: &str = "\
Thoughts are shown while they are written, dimmed; the reply follows. A line that begins
with a slash is a command: /help lists them.

At the prompt: Enter sends, Alt-Enter begins a new line, the arrow keys and Ctrl-R search the
history, Tab completes commands, Ctrl-D ends. Ctrl-C stops an answer; pressed again, it ends
Python code that does not stop. A stopped question is forgotten; its changes to the memory
stay, and /undo reverts them.

When standard input is not a terminal, every line is a message. Exit status 1: a question was
not answered.

Examples:
  memex mem chat --memory notes --model anthropic:claude-sonnet-4-5
  memex mem chat --memory notes --model local:mem-agent@http://127.0.0.1:8000/v1 --compat --show
  memex mem chat --memory notes --model openai:gpt-5-mini --conversation talk.json";

/// Maximum length of a message.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Talk to the agent, with its memory at hand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ChatArguments {
    #[command(flatten)]
    conversation: ConversationArguments,
    /// Show Python blocks and results from the start
    #[arg(long)]
    show: bool,
    /// Do not show thoughts
    #[arg(long)]
    no_thoughts: bool,
}

pub(super) fn execute(arguments: &ChatArguments, context: &Context) -> Result<ExitCode> {
    let opened = arguments.conversation.open("chat", context)?;
    let is_interactive = stdin().is_terminal() && context.out.is_terminal;
    let stopper = opened.agent.stopper();
    ctrlc::set_handler(move || pressed(&stopper, is_interactive))?;
    if is_interactive {
        let memory = arguments.conversation.memory.memory.display();
        let resumed = resumed(&opened);
        complain(&format!("memory {memory}{resumed}; /help for help"));
    }
    let mut talk = Talk {
        agent: opened.agent,
        memory: opened.memory,
        questions: Questions::new(opened.session),
        runtime: opened.runtime,
        saved_at: opened.saved_at,
        paint: context.out.paint,
        is_interactive,
        shows_thoughts: !arguments.no_thoughts,
        shows_blocks: arguments.show,
        has_failed: false,
    };
    match is_interactive {
        true => interactive(&mut talk, context)?,
        false => piped(&mut talk)?,
    }
    talk.finish()
}

/// Ctrl-C where the line editor does not take it.
fn pressed(stopper: &Stopper, is_interactive: bool) {
    stopper.stop_telling(|stopping| match stopping {
        // The answer was over before the key came, and the line editor is about
        // to take the keys: it gives up a line and never the talk.
        Stopping::Idle if is_interactive => {}
        // Nothing is being answered, so that nothing is half done.
        Stopping::Idle => std::process::exit(i32::from(INTERRUPTED)),
        Stopping::Code if is_interactive => {
            complain("\nasking Python to stop; press Ctrl-C again to end it at once");
        }
        _ => {}
    });
}

fn resumed(opened: &Opened) -> String {
    if !opened.is_resumed {
        return String::new();
    }
    match questions(opened.agent.conversation()) {
        1 => ", going on after 1 question".to_owned(),
        count => format!(", going on after {count} questions"),
    }
}

fn questions(conversation: &Conversation) -> usize {
    let entries = conversation.entries().iter();
    entries.filter(|entry| entry.role == Role::User).count()
}

fn interactive(talk: &mut Talk, context: &Context) -> Result<()> {
    let mut editor = LineEditor::new(context, COMMANDS);
    loop {
        let then = match editor.read()? {
            Typed::Message(message) => talk.take(&message),
            Typed::Nothing => Then::GoOn,
            Typed::End => Then::End,
        };
        if then == Then::End {
            return Ok(());
        }
    }
}

fn piped(talk: &mut Talk) -> Result<()> {
    let mut input = stdin().lock();
    loop {
        let mut line = Vec::new();
        let mut bounded = input.by_ref().take(LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line);
        if read.context("cannot read standard input")? == 0 {
            return Ok(());
        }
        if talk.take(&String::from_utf8_lossy(&line)) == Then::End {
            return Ok(());
        }
    }
}
