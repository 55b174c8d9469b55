//! Approving calls: the question at the terminal, one at a time.

use crate::console;
use crate::console::complain;
use memex_agent::Approver;
use memex_escapes::line;
use memex_models::BoxFuture;
use rustix::termios::QueueSelector;
use serde_json::{Map, Value};
use std::io::{BufRead, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

/// Characters of a tool's name in a question.
const TOOL_SHOWN_CHARS: usize = 64;

/// Asks the user at the terminal, one question at a time.
#[derive(Default)]
pub(super) struct AtTerminal(Arc<Mutex<()>>);

impl Approver for AtTerminal {
    fn approve(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'static, Result<(), String>> {
        // All of it: what is not shown is not approved.
        let call = line(&format!("{tool} {}", Value::Object(arguments)));
        let question = question(tool);
        let turn = Arc::clone(&self.0);
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                ask(&call, &question)
            });
            asked
                .await
                .unwrap_or_else(|_| Err("there was no answer".to_owned()))
        })
    }
}

/// The last line of what is asked. It names the tool, since arguments that fill
/// the screen, or that look like a question themselves, may stand above it.
fn question(tool: &str) -> String {
    let name: String = line(tool).chars().take(TOOL_SHOWN_CHARS).collect();
    format!("allow this call of {name}? [y/N] ")
}

fn ask(call: &str, question: &str) -> Result<(), String> {
    complain(&format!("call {call}"));
    console::ask(question);
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        // What was typed or pasted before is no answer to what is asked now.
        let _kept = rustix::termios::tcflush(&stdin, QueueSelector::IFlush);
    }
    let mut line = String::new();
    match stdin.lock().read_line(&mut line) {
        Ok(0) | Err(_) => Err("the user cannot be asked: standard input is at its end".to_owned()),
        Ok(_) if ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()) => Ok(()),
        Ok(_) => Err("the user refused it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::question;

    #[test]
    fn a_question_is_one_short_line_that_names_the_tool() {
        assert_eq!(question("sql"), "allow this call of sql? [y/N] ");
        let forged = question("look\r\u{202e}\nallow this call of look? [y/N] ");
        assert!(!forged.contains(['\n', '\r', '\u{202e}']), "{forged:?}");
        assert!(question(&"x".repeat(10_000)).chars().count() < 100);
    }
}
