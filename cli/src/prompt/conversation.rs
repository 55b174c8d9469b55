//! One side of the prompt: blocks and commands in, outcomes out.

use super::questions;
use crate::console::{complain, print_line};
use crate::report::{Reporter, bytes};
use crate::signals::Interrupts;
use anyhow::Result;
use memex_escapes::line;
use memex_policies::Policy;
use memex_runtime::{Sandbox, Session};
use memex_sessions::{Opened, Tools, options};
use parking_lot::Mutex;
use std::sync::Arc;

const HELP: &str = "\
  :vars          names in scope, with types and previews
  :stats         figures of the session; `:stats on` and `:stats off` show them after each turn
  :policy        what the code may do, in sentences
  :reset         a new session; everything in scope is gone
  :help          this
  :quit          the end (Ctrl-D too)
Tab completes, Alt-Enter begins a new line, Ctrl-R searches the history.";

/// Width of the columns of `:vars` up to the preview.
const NAME_COLUMNS: usize = 20;

/// The next step after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    End,
}

/// A session at a prompt.
pub(crate) struct Conversation {
    sandbox: Sandbox,
    session: Arc<Mutex<Session>>,
    reporter: Reporter,
    interrupts: Arc<Interrupts>,
    tools: Option<Tools>,
}

impl Conversation {
    pub(crate) fn new(opened: Opened, reporter: Reporter, interrupts: Arc<Interrupts>) -> Self {
        interrupts.watch(&opened.session);
        Self {
            sandbox: opened.sandbox,
            session: Arc::new(Mutex::new(opened.session)),
            reporter,
            interrupts,
            tools: opened.tools,
        }
    }

    /// The session, for questions while no turn runs.
    pub(crate) fn session(&self) -> Arc<Mutex<Session>> {
        Arc::clone(&self.session)
    }

    pub(crate) fn policy(&self) -> &Policy {
        self.sandbox.policy()
    }

    pub(crate) fn any_failed(&self) -> bool {
        self.reporter.any_failed()
    }

    pub(crate) fn expects_more(&self, block: &str) -> bool {
        questions::is_incomplete(&mut self.session.lock(), block)
    }

    /// Runs a block as a turn, or follows a command.
    ///
    /// # Errors
    /// On a fault of the host, and when displays cannot be written.
    pub(crate) fn take(&mut self, block: &str) -> Result<Flow> {
        let trimmed = block.trim();
        if trimmed.is_empty() {
            return Ok(Flow::More);
        }
        if let Some(command) = trimmed.strip_prefix(':') {
            return self.command(command);
        }
        let mut session = self.session.lock();
        self.interrupts.turn_begins();
        let ran = session.run(block);
        self.interrupts.turn_ends();
        match ran {
            Ok(outcome) => self.reporter.turn(&mut session, &outcome)?,
            Err(error) => {
                self.reporter.fault(session.turns(), &error.to_string());
                return Err(error.into());
            }
        }
        Ok(Flow::More)
    }

    fn command(&mut self, command: &str) -> Result<Flow> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["help" | "h" | "?"] => complain(HELP),
            ["quit" | "q" | "exit"] => return Ok(Flow::End),
            ["vars"] => self.vars(),
            ["stats"] => self.stats(),
            ["stats", "on"] => self.reporter.show_stats(true),
            ["stats", "off"] => self.reporter.show_stats(false),
            ["policy"] => complain(self.policy().explain().trim_end()),
            ["reset"] => {
                let options = options(self.tools.as_ref(), self.reporter.sink());
                let fresh = self.sandbox.session(options)?;
                self.interrupts.watch(&fresh);
                *self.session.lock() = fresh;
                complain("a new session");
            }
            _ => complain(&format!(
                "there is no command `:{command}`\nhint: `:help` lists them"
            )),
        }
        Ok(Flow::More)
    }

    fn vars(&self) {
        let Some(names) = questions::names(&mut self.session.lock()) else {
            complain(
                "the session does not answer\nhint: a value in scope may hang or fail when it is shown",
            );
            return;
        };
        if names.is_empty() {
            complain("nothing is in scope");
        }
        let paint = self.reporter.out().paint;
        for name in names {
            let (label, class) = (line(&name.name), line(&name.class));
            let preview = line(&name.preview.replace('\n', " "));
            self.tell(&format!(
                "{}  {}  {preview}",
                paint.strong(&format!("{label:NAME_COLUMNS$}")),
                paint.faint(&format!("{class:NAME_COLUMNS$}"))
            ));
        }
    }

    fn stats(&self) {
        let mut session = self.session.lock();
        let pages = session.dirty_pages();
        self.tell(&format!(
            "turns {}, memory {}, of its own {} ({pages} pages)",
            session.turns(),
            bytes(session.memory_bytes()),
            bytes(pages * memex_runtime::PAGE_BYTES as u64)
        ));
    }

    /// Answers a command. With `--json`, standard output is for turns alone.
    fn tell(&self, line: &str) {
        match self.reporter.is_json() {
            true => complain(line),
            false => print_line(line),
        }
    }
}
