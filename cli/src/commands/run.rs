//! `memex run`: each argument is one turn of one session.

use crate::console::complain;
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::file_name::name_file;
use crate::refusals::refusal;
use crate::session_options::SessionArguments;
use crate::signals::Interrupts;
use crate::store_arguments::StoreArguments;
use crate::tool_arguments::ToolArguments;
use crate::turn_sources::{Block, TurnSources};
use anyhow::Result;
use clap::Args;
use memex_escapes::line;
use memex_runtime::Status;
use memex_sessions::{Opened, SessionSpec, StoreSource};

const EXAMPLES: &str = "\
Each argument is one turn of one session; names, imports and figures persist from turn to
turn. Output is streamed; the value of a last expression follows it. Further turns run after
one that failed, unless --stop is given; the exit status is then 1.

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
and rolls the session back to its state before the turn.";

/// Run blocks of Python, each as one turn of one session
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    sources: TurnSources,

    /// Stop after the first turn that fails
    #[arg(long, overrides_with = "keep_going")]
    stop: bool,

    /// Continue after turns that fail (the default)
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

    /// Reseed random generators before the first turn
    #[arg(
        long,
        requires = "name",
        overrides_with = "keep_generators",
        help_heading = "Saved sessions"
    )]
    fresh_generators: bool,

    /// Keep the saved state of random generators (the default)
    #[arg(long, requires = "name", help_heading = "Saved sessions")]
    keep_generators: bool,
}

impl RunArguments {
    fn spec(&self, context: &Context) -> Result<SessionSpec> {
        let store = self.name.as_ref().map(|name| StoreSource {
            session: name.clone(),
            place: self.store.place().map(str::to_owned),
            fresh_generators: self.fresh_generators,
        });
        Ok(SessionSpec {
            store,
            ..self.session.spec(context, self.tools.sources())?
        })
    }
}

pub(super) fn execute(arguments: &RunArguments, context: &Context) -> Result<ExitCode> {
    let blocks = arguments.sources.read()?;
    let resolved = arguments.spec(context)?.resolve().map_err(refusal)?;
    let mut reporter = arguments.session.reporter(context)?;
    let loud = context.err.is_terminal && !arguments.session.is_quiet();
    let interrupts = Interrupts::install(loud, false)?;
    let mut bars = arguments.session.bars(context);
    let Opened {
        mut session,
        mut saved,
        lost_files,
        tools: _tools,
        sandbox: _,
    } = resolved
        .open(
            context.host(),
            &EnvironmentSecrets,
            reporter.sink(),
            &mut bars,
        )
        .map_err(refusal)?;
    for path in lost_files {
        let note = format!("note: {path} was open and cannot be opened again");
        complain(&line(&note));
    }
    interrupts.watch(&session);
    for Block { code, file } in blocks {
        interrupts.turn_begins();
        if let Some(file) = file {
            // Scripts look beside themselves for their data: the working directory.
            name_file(&mut session, &file)?;
        }
        let ran = session.run(&code);
        interrupts.turn_ends();
        let outcome = match ran {
            Ok(outcome) => outcome,
            Err(error) => {
                reporter.fault(session.turns(), &error.to_string());
                return Err(error.into());
            }
        };
        // Saved, then reported: a turn that is reported is already saved.
        if let Some(saved) = &mut saved
            && outcome.status != Status::Refused
            && let Err(error) = saved.save(&mut session, &code, outcome.status)
        {
            let error =
                refusal(error).context(format!("turn {} ran and is not saved", outcome.turn));
            reporter.fault(outcome.turn, &format!("{error:#}"));
            return Err(error);
        }
        reporter.turn(&mut session, &outcome)?;
        if arguments.stop && !outcome.is_ok() {
            break;
        }
    }
    Ok(match reporter.any_failed() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}
