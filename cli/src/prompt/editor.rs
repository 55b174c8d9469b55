//! The line editor: history, completion, continuation lines, colours.

use super::highlighting::PythonHighlighter;
use super::questions;
use crate::console::complain;
use crate::escapes::line as within_line;
use memex_runtime::Session;
use nu_ansi_term::{Color, Style};
use parking_lot::Mutex;
use reedline::{
    ColumnarMenu, Completer, CompletionResult, DefaultHinter, EditCommand, Emacs,
    FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Prompt, PromptEditMode,
    PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Span, Suggestion, ValidationResult,
    Validator, default_emacs_keybindings,
};
use std::borrow::Cow;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HISTORY_ENTRIES_MAX: usize = 10_000;
const MENU: &str = "completions";

/// An editor for blocks of a session, and its prompt.
pub(crate) fn editor(
    session: Arc<Mutex<Session>>,
    history: Option<PathBuf>,
    colored: bool,
) -> (Reedline, PythonPrompt) {
    let mut keys = default_emacs_keybindings();
    let complete = vec![ReedlineEvent::Menu(MENU.into()), ReedlineEvent::MenuNext];
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(complete),
    );
    let new_line = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, new_line);
    let menu = ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU)));
    let mut editor = Reedline::create()
        .with_ansi_colors(colored)
        .use_bracketed_paste(true)
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_completer(Box::new(ScopeCompleter(Arc::clone(&session))))
        .with_validator(Box::new(BlockValidator(session)))
        .with_menu(menu)
        .with_edit_mode(Box::new(Emacs::new(keys)));
    if colored {
        let faint = Style::new().fg(Color::DarkGray);
        editor = editor
            .with_highlighter(Box::new(PythonHighlighter))
            .with_hinter(Box::new(DefaultHinter::default().with_style(faint)));
    }
    if let Some(path) = history {
        match open_history(&path) {
            Ok(history) => editor = editor.with_history(Box::new(history)),
            Err(error) => complain(&format!(
                "note: the history {} is not kept: {error}",
                path.display()
            )),
        }
    }
    (editor, PythonPrompt)
}

/// What people type can hold secrets: the file is for its owner only.
pub(crate) fn open_history(path: &Path) -> io::Result<FileBackedHistory> {
    if let Some(directory) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    FileBackedHistory::with_file(HISTORY_ENTRIES_MAX, path.to_owned()).map_err(io::Error::other)
}

/// Asks the session for names.
struct ScopeCompleter(Arc<Mutex<Session>>);

impl Completer for ScopeCompleter {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let before = line.get(..cursor).unwrap_or(line);
        // With nothing to complete, a menu that stays open would take the next
        // Enter for its own.
        if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return CompletionResult::fresh(Vec::new());
        }
        let found = questions::completions(&mut self.0.lock(), before);
        let Some(found) = found else {
            return CompletionResult::fresh(Vec::new());
        };
        let start = before
            .char_indices()
            .nth(found.start)
            .map_or(before.len(), |(at, _)| at);
        let suggestions: Vec<Suggestion> = found
            .matches
            .0
            .into_iter()
            .map(|name| Suggestion {
                value: within_line(&name),
                span: Span {
                    start,
                    end: before.len(),
                },
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

/// Asks the session whether a block goes on.
struct BlockValidator(Arc<Mutex<Session>>);

impl Validator for BlockValidator {
    fn validate(&self, block: &str) -> ValidationResult {
        let is_command = block.trim_start().starts_with(':');
        if !is_command && questions::is_incomplete(&mut self.0.lock(), block) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Complete
        }
    }
}

/// `>>> ` and `... `, as Python has them.
pub(crate) struct PythonPrompt;

impl Prompt for PythonPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        ">>> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "... ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("(search) {}: ", search.term).into()
    }
}
