//! One line of a talk after the other: messages, and commands with a slash.

use super::undoing::Questions;
use crate::console::{complain, print_line, print_passed};
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::paint::Paint;
use anyhow::Result;
use memex_escapes::{Filter, line, plain};
use memex_mem_agent::{Agent, Answer, Error, Event, Piece, Section};
use memex_memory::{Author, Change, Memory, Undo};
use std::path::PathBuf;
use tokio::runtime::Handle;

const HELP: &str = "\
/memory            the files of the memory as a tree
/memory PATH       a file of it
/filters           what is not to be told
/filters add TEXT  one more of them;  /filters reset removes all
/log               the newest changes
/undo              undo what the newest question changed that changed anything
/undo [N]          undo the newest N changes of anyone
/show              show Python blocks and results from now on, or no longer
/thoughts          show thoughts from now on, or no longer
/help              this
/quit              end, as Ctrl-D does";

/// The commands, for completion.
pub(super) const COMMANDS: &[&str] = &[
    "/filters",
    "/filters add ",
    "/filters reset",
    "/help",
    "/log",
    "/memory",
    "/quit",
    "/show",
    "/thoughts",
    "/undo",
];

const LOG_SHOWN: usize = 10;

/// Whether the conversation continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    End,
}

/// A talk with an agent.
pub(super) struct Talk {
    pub(super) agent: Agent,
    pub(super) memory: Memory,
    pub(super) questions: Questions,
    pub(super) runtime: Handle,
    pub(super) saved_at: Option<PathBuf>,
    pub(super) paint: Paint,
    pub(super) is_interactive: bool,
    pub(super) shows_thoughts: bool,
    pub(super) shows_blocks: bool,
    pub(super) has_failed: bool,
}

impl Talk {
    /// Takes a line.
    pub(super) fn take(&mut self, line: &str) -> Then {
        let line = line.trim();
        if line.is_empty() {
            return Then::GoOn;
        }
        let Some(command) = line.strip_prefix('/') else {
            self.say(line);
            return Then::GoOn;
        };
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        match (word, rest.trim()) {
            ("quit" | "exit", _) => return Then::End,
            ("help", _) => print_line(HELP),
            ("show", _) => {
                self.shows_blocks = !self.shows_blocks;
                self.tell_switch("blocks and results", self.shows_blocks);
            }
            ("thoughts", _) => {
                self.shows_thoughts = !self.shows_thoughts;
                self.tell_switch("thoughts", self.shows_thoughts);
            }
            ("memory", "") => print_line(&plain(&self.memory.list_files())),
            ("memory", path) => print_line(&plain(&self.memory.read_file(path))),
            ("log", _) => self.log(),
            ("filters", rest) => self.filters(rest),
            ("undo", count) => self.undo(count),
            _ => self.refuse(&format!("/{word} is not a command; /help lists them")),
        }
        Then::GoOn
    }

    /// The end of the talk.
    pub(super) fn finish(self) -> Result<ExitCode> {
        self.agent.finish()?;
        Ok(match self.has_failed {
            true => ExitCode::from(TURN_FAILED),
            false => ExitCode::SUCCESS,
        })
    }

    fn say(&mut self, message: &str) {
        self.questions.begin(&self.memory);
        let mut shown = Shown::new(self.paint, self.shows_thoughts, self.shows_blocks);
        let mut watch = |event: Event<'_>| shown.event(event);
        let answered = self.runtime.block_on(self.agent.ask(message, &mut watch));
        shown.finish();
        match answered {
            Err(Error::Agent(memex_agent::Error::Cancelled)) => {
                // The terminal has echoed the key.
                if self.is_interactive {
                    print_line("");
                }
                self.refuse("stopped; what it changed in the memory stays, /undo takes it back");
            }
            Err(error) => {
                self.has_failed = true;
                self.refuse(&error.to_string());
            }
            Ok(answer) => {
                // Who reads the answer may take it for kept.
                self.save();
                self.show(&answer);
            }
        }
    }

    fn show(&mut self, answer: &Answer) {
        if answer.reply.is_empty() {
            self.has_failed = true;
            let calls = answer.calls;
            self.refuse(&format!(
                "no answer after {calls} replies; /show shows what it tries"
            ));
            return;
        }
        print_line(&plain(&answer.reply));
    }

    /// Saves the conversation. That it cannot be saved now does not end the
    /// talk, after which it might be.
    fn save(&mut self) {
        if let Some(path) = &self.saved_at
            && let Err(error) = self.agent.conversation().save(path)
        {
            self.has_failed = true;
            self.refuse(&format!("the conversation is not saved: {error}"));
        }
    }

    fn log(&self) {
        match self.memory.log(LOG_SHOWN) {
            Err(error) => self.refuse(&error.to_string()),
            Ok(changes) => {
                for change in changes {
                    let undone = if change.undone { " (undone)" } else { "" };
                    let (id, tool) = (change.id, line(&change.tool));
                    print_line(&format!("{id:>5}  {tool} {}{undone}", line(&change.path)));
                }
            }
        }
    }

    fn filters(&self, rest: &str) {
        let author = Author::person("filters");
        let done = match rest.split_once(' ').unwrap_or((rest, "")) {
            ("", _) => Ok(()),
            ("add", text) => self.memory.add_filter(author, text),
            ("reset", _) => self.memory.reset_filters(author),
            _ => return self.refuse("write /filters, /filters add TEXT or /filters reset"),
        };
        match done.and_then(|()| self.memory.filters()) {
            Err(error) => self.refuse(&error.to_string()),
            Ok(filters) if filters.as_slice().is_empty() => print_line("there are no filters"),
            Ok(filters) => {
                let lines = filters.as_slice().iter();
                lines.for_each(|filter| print_line(&format!("- {}", line(filter))));
            }
        }
    }

    fn undo(&mut self, count: &str) {
        let undone = match count {
            "" => match self.questions.undo(&self.memory) {
                // Of this talk nothing is left: the newest change of anyone.
                Ok(None) => self.undo_newest(1),
                undone => undone.map(Option::unwrap_or_default),
            },
            count => match count.parse() {
                Ok(count) => self.undo_newest(count),
                Err(_) => return self.refuse("write /undo or /undo N"),
            },
        };
        match undone {
            Err(error) => self.refuse(&error.to_string()),
            Ok(changes) if changes.is_empty() => print_line("nothing was undone"),
            Ok(changes) => {
                for change in changes {
                    print_line(&format!(
                        "undone: {} {}",
                        line(&change.tool),
                        line(&change.path)
                    ));
                }
            }
        }
    }

    fn undo_newest(&self, count: usize) -> Result<Vec<Change>, memex_memory::Error> {
        let author = Author::person("undo");
        self.memory.undo(author, Undo::Newest(count), false)
    }

    fn tell_switch(&self, what: &str, on: bool) {
        let word = if on { "shown" } else { "hidden" };
        print_line(&format!("{what} are {word} from now on"));
    }

    fn refuse(&self, why: &str) {
        complain(&self.paint.warn(&plain(why)));
    }
}

/// Progress of an agent, for people.
struct Shown {
    paint: Paint,
    thoughts: bool,
    blocks: bool,
    filter: Filter,
    /// Whether some of these thoughts have been written.
    has_begun: bool,
    /// Whether they end in the middle of a line.
    is_amid_line: bool,
}

impl Shown {
    fn new(paint: Paint, thoughts: bool, blocks: bool) -> Self {
        Self {
            paint,
            thoughts,
            blocks,
            filter: Filter::text(),
            has_begun: false,
            is_amid_line: false,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Written(Piece::Text(Section::Thoughts, text)) if self.thoughts => {
                self.thought(&text);
            }
            Event::Written(Piece::End(Section::Thoughts)) => self.finish(),
            Event::Restarted => {
                self.finish();
                if self.thoughts {
                    print_line(&self.paint.faint("(again)"));
                }
            }
            Event::Runs(code) if self.blocks => {
                self.finish();
                print_line(&self.paint.hint(&plain(code)));
            }
            Event::Result(text) if self.blocks => print_line(&self.paint.faint(&plain(text))),
            _ => {}
        }
    }

    fn thought(&mut self, text: &str) {
        // Models begin their thoughts on a line of their own.
        let text = match self.has_begun {
            false => text.trim_start(),
            true => text,
        };
        if text.is_empty() {
            return;
        }
        let bytes = self.filter.pass(text.as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        print_passed(self.paint.faint(&text).as_bytes());
        self.has_begun = true;
        self.is_amid_line = !text.ends_with('\n');
    }

    /// Ends the thoughts, wherever they stand.
    fn finish(&mut self) {
        print_passed(&self.filter.finish());
        self.has_begun = false;
        if std::mem::take(&mut self.is_amid_line) {
            print_line("");
        }
    }
}
