//! The line editor for blocks of a session: completion from its scope,
//! continuation lines, colours.

use super::highlighting::PythonHighlighter;
use super::line::{Marks, line_editor};
use super::questions;
use memex_escapes::line as within_line;
use memex_runtime::Session;
use nu_ansi_term::{Color, Style};
use parking_lot::Mutex;
use reedline::{
    Completer, CompletionResult, DefaultHinter, Reedline, Span, Suggestion, ValidationResult,
    Validator,
};
use std::path::Path;
use std::sync::Arc;

/// As Python has them.
const PYTHON: Marks = Marks {
    first: ">>> ",
    further: "... ",
};

/// An editor for blocks of a session, and its prompt.
pub(crate) fn editor(
    session: Arc<Mutex<Session>>,
    history: Option<&Path>,
    colored: bool,
) -> (Reedline, Marks) {
    let completer = Box::new(ScopeCompleter(Arc::clone(&session)));
    let mut editor = line_editor(completer, history, colored)
        .with_partial_completions(true)
        .with_validator(Box::new(BlockValidator(session)));
    if colored {
        let faint = Style::new().fg(Color::DarkGray);
        editor = editor
            .with_highlighter(Box::new(PythonHighlighter))
            .with_hinter(Box::new(DefaultHinter::default().with_style(faint)));
    }
    (editor, PYTHON)
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

/// Asks the session whether a block is incomplete.
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
