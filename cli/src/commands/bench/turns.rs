//! `memex bench turns`: what blocks of one's own cost, turn by turn.

use super::charts::measured_chart;
use super::comparing::CompareArguments;
use super::recorded::tell_recorded;
use super::tables::{measured_table, print_figures, write_chart};
use crate::console::{complain, print};
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::{INTERRUPTED, TURN_FAILED, usage};
use crate::file_name::name_file;
use crate::refusals::refusal;
use crate::session_options::SessionArguments;
use crate::signals::SeriesStop;
use crate::tool_arguments::ToolArguments;
use crate::turn_sources::{Block, TurnSources};
use anyhow::Result;
use clap::Args;
use memex_benches::{
    Error, Machine, TurnBench, TurnMeasured, TurnPlan, TurnWatch, failure_of, select,
};
use memex_escapes::line;
use memex_runtime::Session;
use memex_sessions::{Opened, options};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Each FILE (or -c CODE) is one turn. Turns follow each other, as in `memex run`: a turn begins in
the state that the first run of the one before it left. Every run of a turn gets a fresh fork of
that state, random generators included, so that runs do not influence each other. A fresh fork
copies pages when they are first touched; that is part of the time.

A turn is run once to warm up, then for --budget seconds (3 to 1000 runs), or --repeat times.
What is measured, for each turn:
  wall_us         from call to return, as the caller waits for it
  guest_us        of this, in the guest: without waiting for tools and displays
  fuel            instructions of the guest, with --fuel: equal on every run, unless the code
                  reads a clock, random bytes, files or tools; counted in five runs of their own
                  on code that is compiled once (a minute or two). Each process starts with its
                  own random generators: seed them in --setup to compare fuel between processes
  host_calls      calls to tools and displays
  memory_bytes    the guest's memory after the turn
  changed_pages   pages of 4 KiB that the turn changed
  snapshot_bytes  the session's whole state after the turn, as a store keeps it

A turn that raises or reaches a limit is reported, run once, and the turns after it go on; the
exit status is then 1. Tools with effects are really called, once for each run. Ctrl-C prints
what has been measured, and ends with status 130.

Examples:
  memex bench turns load.py query.py --setup imports.py --mount data:/data
  memex bench turns query.py --fuel --chart query.svg
  memex bench turns query.py --json > before.json        one object per figure
  memex bench turns --compare before.json after.json --fail-over 5
  memex bench turns query.py --image NAME --json         two images: compare two such files
  memex bench turns --trajectory run.jsonl --chart run.svg    each turn of an agent

Without a file, and with names of figures, this is the group of figures `turns`.";

/// Measure turns of your own: latency, fuel, host calls, memory, pages, snapshot
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TurnsArguments {
    #[command(flatten)]
    sources: TurnSources,

    /// A file of code to run once, unmeasured, before the first turn
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Runs")]
    setup: Option<PathBuf>,

    /// Measured runs of each turn [default: as many as the budget allows]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        conflicts_with = "budget",
        help_heading = "Runs"
    )]
    repeat: Option<u32>,

    /// Seconds for the measured runs of each turn
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds, help_heading = "Runs")]
    budget: Duration,

    /// Count fuel too
    #[arg(long, help_heading = "Runs")]
    fuel: bool,

    /// Tell what each turn of a recorded agent run cost, in any format that
    /// `memex agent convert` reads; may repeat
    #[arg(
        long,
        value_name = "FILE",
        value_hint = clap::ValueHint::FilePath,
        conflicts_with_all = ["file", "code", "setup", "repeat", "fuel", "compare"],
        help_heading = "Recorded runs"
    )]
    trajectory: Vec<PathBuf>,

    #[command(flatten)]
    compare: CompareArguments,

    /// Draw the figures into this file, as SVG
    #[arg(
        long,
        value_name = "FILE.svg",
        value_hint = clap::ValueHint::FilePath,
        conflicts_with = "compare",
        help_heading = "Output"
    )]
    chart: Option<PathBuf>,

    #[command(flatten)]
    session: SessionArguments,

    #[command(flatten)]
    tools: ToolArguments,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches('s').parse::<f64>();
    match number {
        Ok(number) if number > 0.0 && number <= 86_400.0 => Ok(Duration::from_secs_f64(number)),
        _ => Err("seconds above 0 and up to 86400, such as 2 or 0.5".to_owned()),
    }
}

/// A turn and its name in figures.
struct Named {
    name: String,
    block: Block,
}

/// Runs that Ctrl-C ends.
struct Watch(Arc<SeriesStop>);

impl TurnWatch for Watch {
    fn begins(&mut self, session: &Session) {
        self.0.watch(session);
    }

    fn is_stopped(&self) -> bool {
        self.0.is_pressed()
    }
}

impl TurnsArguments {
    /// The figures that are meant where no turn is given: `memex bench turns` is the name
    /// of a group of them too.
    pub(super) fn figures_instead(&self) -> Option<Vec<String>> {
        let else_asked = !self.trajectory.is_empty() || self.compare.is_asked();
        let plan_asked = self.setup.is_some() || self.repeat.is_some() || self.fuel;
        if else_asked || plan_asked || self.chart.is_some() {
            return None;
        }
        let mut names = self.sources.words_without_files()?;
        names.push("turns".to_owned());
        select(&names).is_ok().then_some(names)
    }

    pub(super) fn is_json(&self) -> bool {
        self.session.is_json()
    }

    fn plan(&self) -> TurnPlan {
        TurnPlan {
            repeat: self.repeat.map(|repeat| repeat as usize),
            budget: self.budget,
        }
    }

    fn turns(&self) -> Result<Vec<Named>> {
        if self.sources.is_empty() {
            return Err(usage(
                "there is no turn to measure",
                "name files of code, or give -c CODE; --trajectory reads recorded runs",
            ));
        }
        let mut named: Vec<Named> = Vec::new();
        for (index, block) in self.sources.read()?.into_iter().enumerate() {
            let name = match &block.file {
                Some(file) => file.replace(':', "_"),
                None => format!("block-{}", index + 1),
            };
            let shown = line(&name);
            if block.code.trim().is_empty() {
                return Err(usage(
                    format!("{shown} is empty: there is nothing to measure"),
                    "the turn `pass` shows what every turn costs: -c pass",
                ));
            }
            let same = named
                .iter()
                .filter(|other| other.block.file == block.file && block.file.is_some());
            let name = match same.count() {
                0 => name,
                earlier => format!("{name}#{}", earlier + 1),
            };
            named.push(Named { name, block });
        }
        Ok(named)
    }
}

pub(super) fn execute(arguments: &TurnsArguments, context: &Context) -> Result<ExitCode> {
    if let Some(compared) = arguments.compare.execute(!arguments.sources.is_empty())? {
        return Ok(compared);
    }
    if arguments.session.shows_turns() {
        return Err(usage(
            "--out and --stats are about what a turn shows, and a benchmark shows none of it",
            "leave them out; `memex run` shows a turn once",
        ));
    }
    if !arguments.trajectory.is_empty() {
        let chart = arguments.chart.as_deref();
        return tell_recorded(&arguments.trajectory, arguments.is_json(), chart);
    }
    let turns = arguments.turns()?;
    let setup = arguments.setup.as_deref().map(Block::read).transpose()?;
    let tools = arguments.tools.sources();
    let resolved = arguments.session.resolve(context, tools)?;
    let stop = SeriesStop::install()?;
    let mut bars = arguments.session.bars(context);
    let Opened {
        mut session, tools, ..
    } = resolved
        .open(context.host(), &EnvironmentSecrets, None, &mut bars)
        .map_err(refusal)?;
    if let Some(failed) = run_setup(&mut session, setup, &stop)? {
        return Ok(failed);
    }
    let mut bench = TurnBench::new(&mut session, || options(tools.as_ref(), None))?;
    drop(session);
    if arguments.fuel {
        bench = bench.with_fuel(&mut bars)?;
    }
    drop(bars);
    let machine = Machine::survey();
    if !arguments.session.is_quiet() {
        complain(&machine.to_string());
    }
    let mut measured = Vec::new();
    let fault = measure(arguments, context, &mut bench, turns, &stop, &mut measured).err();
    tell(arguments, &measured, &machine)?;
    match fault {
        Some(error) => Err(error),
        None if stop.is_pressed() => Ok(ExitCode::from(INTERRUPTED)),
        None if measured.iter().all(|(_, turn)| turn.is_ok()) => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(TURN_FAILED)),
    }
}

fn run_setup(
    session: &mut Session,
    setup: Option<Block>,
    stop: &SeriesStop,
) -> Result<Option<ExitCode>> {
    let Some(Block { code, file }) = setup else {
        return Ok(None);
    };
    let name = file.unwrap_or_default();
    name_file(session, &name)?;
    stop.watch(session);
    let outcome = session.run(&code)?;
    if stop.is_pressed() {
        return Ok(Some(ExitCode::from(INTERRUPTED)));
    }
    let Some(failure) = failure_of(&outcome) else {
        return Ok(None);
    };
    complain(&line(&format!("error: the setup {name} failed: {failure}")));
    complain("hint: nothing was measured; `memex run` with this file shows its output");
    Ok(Some(ExitCode::from(TURN_FAILED)))
}

fn measure(
    arguments: &TurnsArguments,
    context: &Context,
    bench: &mut TurnBench<'_>,
    turns: Vec<Named>,
    stop: &Arc<SeriesStop>,
    measured: &mut Vec<(String, TurnMeasured)>,
) -> Result<()> {
    let count = turns.len();
    for (index, Named { name, block }) in turns.into_iter().enumerate() {
        let shown = line(&name);
        if !arguments.session.is_quiet() {
            let text = format!("turn {} of {count}: {shown} …", index + 1);
            complain(&context.err.paint.faint(&text));
        }
        if let Some(file) = &block.file {
            bench.prepare(|session| name_file(session, file).map_err(Error::from))?;
        }
        let mut watch = Watch(Arc::clone(stop));
        let Some(turn) = bench.measure(&block.code, arguments.plan(), &mut watch)? else {
            break;
        };
        if let Some(failure) = &turn.failure {
            let bad = context.err.paint.bad("failed:");
            complain(&format!("{bad} {shown}: {}", line(failure)));
        }
        if let Some((least, most)) = turn.fuel_differs() {
            complain(&format!(
                "note: {shown}: fuel differs between equal runs, {least} to {most}: the code \
                 depends on a clock, fresh random bytes, files, tools, or the addresses of objects"
            ));
        }
        measured.push((name, turn));
        if stop.is_pressed() {
            break;
        }
    }
    Ok(())
}

fn tell(
    arguments: &TurnsArguments,
    measured: &[(String, TurnMeasured)],
    machine: &Machine,
) -> Result<()> {
    match arguments.is_json() {
        true => {
            for (name, turn) in measured {
                print_figures(&turn.figures(name, machine)?);
            }
        }
        false => print(measured_table(measured).to_text()),
    }
    match &arguments.chart {
        Some(path) => write_chart(path, &measured_chart(measured, machine)),
        None => Ok(()),
    }
}
