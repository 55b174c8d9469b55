//! The line editor of a talk: history, completion of commands, several lines.

use crate::context::Context;
use crate::prompt::{Marks, line_editor};
use anyhow::{Context as _, Result};
use reedline::{Completer, CompletionResult, Reedline, Signal, Span, Suggestion};

const YOU: Marks = Marks {
    first: "you> ",
    further: "...> ",
};

/// A line that was typed.
pub(super) enum Typed {
    Message(String),
    /// Ctrl-C: the line is given up.
    Nothing,
    /// Ctrl-D.
    End,
}

/// Reads messages from a terminal. Enter ends one, Alt-Enter begins a new line.
pub(super) struct LineEditor {
    editor: Reedline,
}

impl LineEditor {
    /// An editor that completes these commands.
    pub(super) fn new(context: &Context, commands: &'static [&'static str]) -> Self {
        let history = context.data_directory();
        let history = history.map(|directory| directory.join("mem-history"));
        let completer = Box::new(CommandCompleter(commands));
        let colored = context.out.paint.is_colored();
        Self {
            editor: line_editor(completer, history.as_deref(), colored),
        }
    }

    /// Reads the next message.
    pub(super) fn read(&mut self) -> Result<Typed> {
        let signal = self.editor.read_line(&YOU);
        Ok(match signal.context("cannot read from the terminal")? {
            Signal::Success(message) => Typed::Message(message),
            Signal::CtrlD => Typed::End,
            _ => Typed::Nothing,
        })
    }
}

/// Completes the commands that a line begins with.
struct CommandCompleter(&'static [&'static str]);

impl Completer for CommandCompleter {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let before = line.get(..cursor).unwrap_or(line);
        let fitting = self
            .0
            .iter()
            .filter(|command| before.starts_with('/') && command.starts_with(before));
        let suggestions = fitting.map(|command| Suggestion {
            value: (*command).to_owned(),
            span: Span {
                start: 0,
                end: before.len(),
            },
            append_whitespace: false,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}
