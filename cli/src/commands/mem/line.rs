//! The line editor of a talk: history, completion of commands, several lines.

use crate::console::complain;
use crate::context::Context;
use crate::prompt::open_history;
use anyhow::{Context as _, Result};
use reedline::{
    ColumnarMenu, Completer, CompletionResult, Emacs, KeyCode, KeyModifiers, MenuBuilder, Prompt,
    PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal, Span,
    Suggestion, default_emacs_keybindings,
};
use std::borrow::Cow;

const MENU: &str = "commands";

/// What was typed.
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
        let mut keys = default_emacs_keybindings();
        let complete = vec![ReedlineEvent::Menu(MENU.into()), ReedlineEvent::MenuNext];
        keys.add_binding(
            KeyModifiers::NONE,
            KeyCode::Tab,
            ReedlineEvent::UntilFound(complete),
        );
        let menu = ColumnarMenu::default().with_name(MENU);
        let mut editor = Reedline::create()
            .with_ansi_colors(context.out.paint.is_colored())
            .use_bracketed_paste(true)
            .with_quick_completions(true)
            .with_completer(Box::new(CommandCompleter(commands)))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_edit_mode(Box::new(Emacs::new(keys)));
        if let Some(directory) = context.data_directory() {
            let path = directory.join("mem-history");
            match open_history(&path) {
                Ok(history) => editor = editor.with_history(Box::new(history)),
                Err(error) => complain(&format!(
                    "note: the history {} is not kept: {error}",
                    path.display()
                )),
            }
        }
        Self { editor }
    }

    /// Reads the next message.
    pub(super) fn read(&mut self) -> Result<Typed> {
        let signal = self.editor.read_line(&You);
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

struct You;

impl Prompt for You {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        "you> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "...> ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("(search) {}: ", search.term).into()
    }
}
