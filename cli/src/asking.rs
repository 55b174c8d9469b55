//! `ask_user`: questions of the code, answered at the terminal.

use crate::console::{self, complain};
use memex_escapes::{line as within_line, plain};
use memex_host_tools::{Function, ToolError, UserQuestion, ask_user};
use std::io::{BufRead, IsTerminal, stderr, stdin};
use std::sync::Arc;
use tokio::io::unix::AsyncFd;
use tokio::sync::Mutex;

/// Maximum number of characters in an answer's line.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// The tool. One question is asked at a time.
pub(crate) fn at_the_terminal() -> Function {
    let turn = Arc::new(Mutex::new(()));
    ask_user(move |_, question| {
        let turn = Arc::clone(&turn);
        async move {
            if !stdin().is_terminal() || !stderr().is_terminal() {
                return Err(ToolError::new(
                    "EOFError",
                    "ask_user: there is no terminal to answer at; continue without an answer",
                ));
            }
            let _alone = turn.lock().await;
            ask(&question).await
        }
    })
}

/// Asks until there is an answer that fits.
async fn ask(question: &UserQuestion) -> Result<String, ToolError> {
    let choices = question.choices.as_deref().unwrap_or_default();
    complain(&format!("? {}", plain(&question.question)));
    for (index, choice) in choices.iter().enumerate() {
        complain(&format!("  {} {}", index + 1, within_line(choice)));
    }
    loop {
        let answer = line().await?;
        if choices.is_empty() || choices.contains(&answer) {
            return Ok(answer);
        }
        let number = answer.trim().parse::<usize>().ok();
        let chosen = number.and_then(|number| choices.get(number.checked_sub(1)?));
        match chosen {
            Some(choice) => return Ok(choice.clone()),
            None => complain(&format!("answer with 1 to {}, or the words", choices.len())),
        }
    }
}

/// A line of the terminal. Dropped before there is one, it takes nothing: what
/// is typed later goes to the next reader.
async fn line() -> Result<String, ToolError> {
    console::ask("> ");
    let unreadable = |error: std::io::Error| {
        ToolError::new("OSError", "ask_user: the terminal cannot be read")
            .with_detail(error.to_string())
    };
    #[expect(
        deprecated,
        reason = "its successor is unsafe, and asks for what is so here: standard input stays open"
    )]
    let terminal = AsyncFd::new(stdin()).map_err(unreadable)?;
    let _ready = terminal.readable().await.map_err(unreadable)?;
    let mut line = String::new();
    // A terminal is readable when there is a whole line.
    let read = std::io::Read::take(stdin().lock(), ANSWER_MAX_BYTES).read_line(&mut line);
    match read.map_err(unreadable)? {
        0 => Err(ToolError::new(
            "EOFError",
            "ask_user: the user ended the input without an answer",
        )),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
