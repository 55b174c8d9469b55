//! `memex run`: each argument is one turn of one session.

use crate::console::complain;
use crate::context::Context;
use crate::failure::TURN_FAILED;
use crate::saved::{SavedSession, StoreArguments};
use crate::session_options::{SessionArguments, options, session};
use crate::signals::Interrupts;
use crate::toolsets::ToolArguments;
use crate::turn_sources::TurnSources;
use anyhow::Result;
use clap::Args;
use memex_runtime::{Generators, Status};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Each argument is one turn of one session; names, imports and figures live on from turn to
turn. What a turn prints comes as it is printed; the value of a last expression follows it.
Turns go on after one that failed, unless --stop is given; the exit status tells.

Examples:
  memex run -c 'x = 20' -c 'x + 22'
  memex run load.py -c 'frame.describe()' --mount measurements:/data
  memex run plot.py --out pictures                     writes pictures/figure-001.png
  echo 'sum(range(10))' | memex run -                  a block from standard input
  memex run -c 'while True: pass' --limit guest_time_ms=500ms
  memex run --session study -c 'x = 41'                then, later: --session study -c 'x + 1'
  memex run -c 'sql(\"select count(*) from orders\")' --sql shop=shop.sqlite
  memex run job.py --policy team.toml --policy stricter.toml --json

Ctrl-C interrupts the running turn with KeyboardInterrupt; pressed again, it stops the turn
and puts the session back to where it was before it.";

/// Run blocks of Python, each as one turn of one session
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    sources: TurnSources,

    /// Stop after the first turn that does not end well
    #[arg(long, overrides_with = "keep_going")]
    stop: bool,

    /// Go on after turns that do not end well (the default)
    #[arg(long)]
    keep_going: bool,

    #[command(flatten)]
    session: SessionArguments,

    #[command(flatten)]
    tools: ToolArguments,

    /// Continue the saved session of this name, and save it after every turn
    #[arg(long = "session", value_name = "NAME", help_heading = "Saved sessions")]
    name: Option<String>,

    #[command(flatten)]
    store: StoreArguments,

    /// Let random generators go on where the saved session left them, for replay
    #[arg(long, requires = "name", help_heading = "Saved sessions")]
    keep_generators: bool,
}

impl RunArguments {
    fn saved(&self, context: &Context) -> Result<Option<SavedSession>> {
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let generators = match self.keep_generators {
            true => Generators::Keep,
            false => Generators::Fresh,
        };
        let store = self.store.open(context)?;
        SavedSession::open(store, name, generators).map(Some)
    }
}

pub(super) fn execute(arguments: &RunArguments, context: &Context) -> Result<ExitCode> {
    let blocks = arguments.sources.read()?;
    let policy = arguments.session.policy(context)?;
    let mut reporter = arguments.session.reporter(context)?;
    let loud = context.err.is_terminal && !arguments.session.is_quiet();
    let interrupts = Interrupts::install(loud)?;
    let tools = arguments.tools.open(context, &policy)?;
    let mut saved = arguments.saved(context)?;
    let named = match &saved {
        Some(saved) => saved.image()?,
        None => None,
    };
    let session_arguments = &arguments.session;
    let sandbox = session_arguments.sandbox_on(context, policy, named.as_deref())?;
    let mut session = match &saved {
        None => session(&sandbox, &reporter, tools.as_ref())?,
        Some(saved) => {
            let (session, lost) = saved.resume(&sandbox, options(&reporter, tools.as_ref()))?;
            for path in lost {
                complain(&format!("note: {path} was open and cannot be opened again"));
            }
            session
        }
    };
    interrupts.watch(&session);
    for block in blocks {
        interrupts.turn_begins();
        let outcome = match session.run(&block) {
            Ok(outcome) => outcome,
            Err(error) => {
                reporter.fault(session.turns(), &error);
                return Err(error.into());
            }
        };
        reporter.turn(&mut session, &outcome)?;
        if let Some(saved) = &mut saved
            && outcome.status != Status::Refused
        {
            saved.save(&mut session, &block, &outcome)?;
        }
        if arguments.stop && !outcome.is_ok() {
            break;
        }
    }
    Ok(match reporter.any_failed() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}
