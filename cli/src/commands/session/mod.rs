//! `memex session`: the trails of saved sessions.

mod diff;
mod list;
mod log;

use crate::console::print_line;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::refusals::refusal;
use crate::report::bytes;
use crate::session_options::SessionArguments;
use crate::store_arguments::StoreArguments;
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_runtime::Generators;
use memex_sessions::{at_turn, head_of};
use memex_snapshots::{Retention, SnapshotStore};
use std::time::{Duration, SystemTime};

const EXAMPLES: &str = "\
`memex run --session NAME` saves a session after every turn and continues it next time,
in this process or another. Turns count from 1. A snapshot holds the whole heap and the
session's private files as a difference to the image: a few kilobytes for small turns.

Examples:
  memex run --session study -c 'x = 41'
  memex run --session study -c 'x + 1'            42, from another process
  memex session log study
  memex session fork study what-if --turn 1
  memex session rewind study 1
  memex session diff study 1 2
  memex session gc --last 20 --every 10";

/// Show, fork, rewind and compare saved sessions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SavedArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List saved sessions
    List {
        #[command(flatten)]
        store: StoreArguments,
        /// One JSON object per session
        #[arg(long)]
        json: bool,
    },
    /// Show a session: its newest snapshot, and the names in its scope
    Show {
        name: String,
        #[command(flatten)]
        store: StoreArguments,
        #[command(flatten)]
        session: Box<SessionArguments>,
    },
    /// Show a session's trail: turn, outcome, size, first line of code
    Log {
        name: String,
        #[command(flatten)]
        store: StoreArguments,
        /// One JSON object per turn
        #[arg(long)]
        json: bool,
    },
    /// Start a second session from a session's state
    Fork {
        name: String,
        new: String,
        /// The turn to start from [default: the newest]
        #[arg(long)]
        turn: Option<u64>,
        /// Keep the state of random generators: both sessions draw the same numbers
        #[arg(long)]
        keep_generators: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Return a session to the end of an earlier turn
    Rewind {
        name: String,
        turn: u64,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Show which names and files differ between two turns
    Diff {
        name: String,
        a: u64,
        b: u64,
        #[command(flatten)]
        store: StoreArguments,
        #[command(flatten)]
        session: Box<SessionArguments>,
    },
    /// Remove a session's name; gc then frees its unshared snapshots
    Rm {
        name: String,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Free snapshots that no session needs
    Gc {
        #[command(flatten)]
        store: StoreArguments,
        /// Keep only the last N turns of each session (and those of --every)
        #[arg(long, value_name = "N")]
        last: Option<u64>,
        /// Keep only every Kth turn of each session (and those of --last)
        #[arg(long, value_name = "K")]
        every: Option<u64>,
        /// Keep everything younger than this many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        grace: u64,
    },
}

pub(super) fn execute(arguments: &SavedArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::List { store, json } => list::list(store.open(context)?.as_ref(), *json)?,
        Action::Show {
            name,
            store,
            session,
        } => list::show(store.open(context)?.as_ref(), name, session, context)?,
        Action::Log { name, store, json } => {
            log::log(store.open(context)?.as_ref(), name, *json, context)?;
        }
        Action::Fork {
            name,
            new,
            turn,
            keep_generators,
            store,
        } => {
            let generators = match keep_generators {
                true => Generators::Keep,
                false => Generators::Fresh,
            };
            let store = store.open(context)?;
            let forked = memex_sessions::fork(store.as_ref(), name, new, *turn, generators);
            print_line(&format!(
                "{new} starts from turn {} of {name}; `memex run --session {new}` continues it",
                forked.map_err(refusal)?.turn
            ));
        }
        Action::Rewind { name, turn, store } => {
            rewind(store.open(context)?.as_ref(), name, *turn)?;
        }
        Action::Diff {
            name,
            a,
            b,
            store,
            session,
        } => {
            let store = store.open(context)?;
            diff::diff(store.as_ref(), name, (*a, *b), session, context)?;
        }
        Action::Rm { name, store } => {
            let store = store.open(context)?;
            let _lock = store.lock_session(name)?;
            head_of(store.as_ref(), name).map_err(refusal)?;
            store.remove_session(name)?;
            print_line(&format!(
                "removed the session {name}; `memex session gc` frees its snapshots"
            ));
        }
        Action::Gc {
            store,
            last,
            every,
            grace,
        } => {
            let retention = Retention {
                last: *last,
                every: *every,
                grace: Duration::from_secs(*grace),
            };
            let report = store.open(context)?.gc(&retention, SystemTime::now())?;
            print_line(&format!(
                "kept {} snapshots, removed {} and {} chunks, freed {}",
                report.kept,
                report.removed,
                report.chunks_removed,
                bytes(report.bytes)
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rewind(store: &dyn SnapshotStore, name: &str, turn: u64) -> Result<()> {
    let _lock = store.lock_session(name)?;
    let head = head_of(store, name).map_err(refusal)?;
    let record = at_turn(store, name, turn).map_err(refusal)?;
    store.set_session(name, Some(head), record.id)?;
    print_line(&format!(
        "{name} is back at the end of turn {turn}; what came after is kept until gc (snapshot {})",
        head.short()
    ));
    Ok(())
}
