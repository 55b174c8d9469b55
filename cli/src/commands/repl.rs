//! `memex repl`: a prompt on a session.

use crate::console::complain;
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::prompt::{Conversation, Flow, Splitter, editor};
use crate::refusals::refusal;
use crate::session_options::SessionArguments;
use crate::signals::Interrupts;
use crate::tool_arguments::ToolArguments;
use anyhow::{Context as _, Result};
use clap::Args;
use reedline::Signal;
use std::io::{BufRead, IsTerminal, Read, stdin};

const EXAMPLES: &str = "\
At the prompt: Tab completes names in scope, Alt-Enter begins a new line, Ctrl-R searches
the history, Ctrl-D ends. A line that begins with a colon is a command; try :help.
Ctrl-C interrupts a running turn; pressed again, it stops the turn and rolls it back.

When standard input is not a terminal, each block is one turn. A block ends with an empty
line, unless Python expects more; a block whose last line is indented continues after an
empty line if indented lines, or its else, except and the like, follow.

Examples:
  memex repl
  memex repl --mount ~/data:/data --preload scipy
  printf 'x = 1\\n\\nx + 1\\n' | memex repl --json";

/// Maximum length of a line, which is one part of a block.
const LINE_MAX_BYTES: u64 = 64 << 20;

/// Talk to a session: history, completion, multi-line editing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplArguments {
    #[command(flatten)]
    session: SessionArguments,

    #[command(flatten)]
    tools: ToolArguments,
}

pub(super) fn execute(arguments: &ReplArguments, context: &Context) -> Result<ExitCode> {
    let sources = arguments.tools.sources();
    let resolved = arguments.session.resolve(context, sources)?;
    let reporter = arguments.session.reporter(context)?;
    let is_interactive = stdin().is_terminal() && context.out.is_terminal;
    let is_edited = is_interactive && !arguments.session.is_json();
    let interrupts = Interrupts::install(is_interactive, is_edited)?;
    let mut bars = arguments.session.bars(context);
    let opened = resolved
        .open(
            context.host(),
            &EnvironmentSecrets,
            reporter.sink(),
            &mut bars,
        )
        .map_err(refusal)?;
    let mut conversation = Conversation::new(opened, reporter, interrupts);
    if is_edited {
        if !arguments.session.is_quiet() {
            let name = &conversation.policy().name;
            complain(&format!(
                "memex {}, policy {name}; :help for help",
                env!("CARGO_PKG_VERSION")
            ));
        }
        interactive(&mut conversation, context)?;
        return Ok(ExitCode::SUCCESS);
    }
    piped(&mut conversation)?;
    Ok(match conversation.any_failed() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}

fn interactive(conversation: &mut Conversation, context: &Context) -> Result<()> {
    let colored = context.out.paint.is_colored();
    let history = context
        .data_directory()
        .map(|directory| directory.join("history"));
    let (mut editor, prompt) = editor(conversation.session(), history.as_deref(), colored);
    loop {
        let signal = editor.read_line(&prompt);
        let flow = match signal.context("cannot read from the terminal")? {
            Signal::Success(block) => conversation.take(&block)?,
            Signal::CtrlD => Flow::End,
            _ => Flow::More,
        };
        if flow == Flow::End {
            return Ok(());
        }
    }
}

fn piped(conversation: &mut Conversation) -> Result<()> {
    let mut splitter = Splitter::default();
    let mut input = stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = input
            .by_ref()
            .take(LINE_MAX_BYTES)
            .read_until(b'\n', &mut line)
            .context("cannot read standard input")?;
        let line = String::from_utf8(line).map_err(|_| {
            crate::failure::usage(
                "standard input is not UTF-8",
                "Python source is read as UTF-8",
            )
        })?;
        let expects_more = |block: &str| conversation.expects_more(block);
        let blocks = match read {
            0 => splitter.end().into_iter().collect(),
            _ => splitter.line(&line, expects_more),
        };
        for block in blocks {
            if conversation.take(&block)? == Flow::End {
                return Ok(());
            }
        }
        if read == 0 {
            return Ok(());
        }
    }
}
