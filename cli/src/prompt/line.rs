//! Shared by all line editors of the command: keys, completion,
//! history, marks.

use crate::console::complain;
use reedline::{
    ColumnarMenu, Completer, EditCommand, Emacs, FileBackedHistory, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent,
    ReedlineMenu, default_emacs_keybindings,
};
use std::borrow::Cow;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const HISTORY_ENTRIES_MAX: usize = 10_000;
const MENU: &str = "completions";

/// An editor in which Tab completes and Alt-Enter begins a new line, with the
/// history of a file, if one is named.
pub(crate) fn line_editor(
    completer: Box<dyn Completer + Send>,
    history: Option<&Path>,
    colored: bool,
) -> Reedline {
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
    let editor = Reedline::create()
        .with_ansi_colors(colored)
        .use_bracketed_paste(true)
        .with_quick_completions(true)
        .with_completer(completer)
        .with_menu(menu)
        .with_edit_mode(Box::new(Emacs::new(keys)));
    let Some(path) = history else {
        return editor;
    };
    match open_history(path) {
        Ok(history) => editor.with_history(Box::new(history)),
        Err(error) => {
            complain(&format!(
                "note: the history {} is not kept: {error}",
                path.display()
            ));
            editor
        }
    }
}

/// What people type can hold secrets: the file is for its owner only.
fn open_history(path: &Path) -> io::Result<FileBackedHistory> {
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

/// The prompts of a line and of its continuation lines.
pub(crate) struct Marks {
    pub(crate) first: &'static str,
    pub(crate) further: &'static str,
}

impl Prompt for Marks {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        self.first.into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        self.further.into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("(search) {}: ", search.term).into()
    }
}
