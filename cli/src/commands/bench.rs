//! `memex bench`: the figures that memex is followed by, turns of one's own, and comparing
//! both.

mod charts;
mod comparing;
mod recorded;
mod tables;
mod turns;

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage_as_told};
use crate::progress::Bars;
use crate::refusals::refusal;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use comparing::CompareArguments;
use memex_benches::{Entry, Event, Figure, FirstTurn, ServerCommand, figures, run, select};
use memex_sessions::ImageSource;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Names are those of figures or of their groups. Other load on the machine distorts figures;
ratios within one run are more robust than absolute times.

Examples:
  memex bench                                 every figure
  memex bench turns fresh_print_warm_us       a group and a figure
  memex bench --json > after.json             one object per figure
  memex bench --compare before.json after.json
  memex bench turns load.py query.py          turns of your own; see `memex bench turns --help`";

/// Measure sessions on this machine
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    own: Option<Own>,

    /// Figures or groups of them [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print one JSON object per figure
    #[arg(long)]
    json: bool,
    /// List the figures and what they measure
    #[arg(long, conflicts_with_all = ["names", "compare"])]
    list: bool,
    #[command(flatten)]
    compare: CompareArguments,
    /// The interpreter to compare with
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
}

/// What is measured besides the figures.
#[derive(Debug, Subcommand)]
enum Own {
    Turns(Box<turns::TurnsArguments>),
}

pub(super) fn execute(arguments: &BenchArguments, context: &Context) -> Result<ExitCode> {
    if let Some(Own::Turns(turns)) = &arguments.own {
        return match turns.figures_instead() {
            // The group of figures had this name first.
            Some(names) => take(&names, turns.is_json(), &arguments.python, context),
            None => turns::execute(turns, context),
        };
    }
    if arguments.list {
        for Entry {
            name, unit, about, ..
        } in figures()
        {
            print_line(&format!("{name:<24} {unit:<4} {about}"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(compared) = arguments.compare.execute(!arguments.names.is_empty())? {
        return Ok(compared);
    }
    take(&arguments.names, arguments.json, &arguments.python, context)
}

/// Takes figures by name.
fn take(names: &[String], as_json: bool, python: &Path, context: &Context) -> Result<ExitCode> {
    let entries = select(names).map_err(usage_as_told)?;
    let images = context.host().images().map_err(refusal)?;
    let mut bars = Bars::new(context, false);
    let image = images.image(&ImageSource::default(), &mut bars);
    let image = image.map_err(refusal)?;
    let on_this_image = |command: &str, further: &[&str]| {
        let cache = images.cache();
        let mut arguments: Vec<OsString> = vec![
            command.into(),
            "--cache".into(),
            cache.root().into(),
            "--cpu".into(),
            cache.cpu().name().into(),
        ];
        arguments.extend(further.iter().map(Into::into));
        let command = context.installation().command(arguments);
        command.context("cannot find this program's own file")
    };
    let (program, first_turn) = on_this_image("run", &["-c", "print(1)"])?;
    let (server, serving) = on_this_image("serve", &[])?;
    let door = |name: &str| {
        let (program, arguments) = on_this_image(name, &[])?;
        anyhow::Ok(ServerCommand { program, arguments })
    };
    let with = memex_benches::Context::new(image, Box::new(bars))?
        .with_python(python)
        .with_server(ServerCommand {
            program: server,
            arguments: serving,
        })
        .with_door("mcp", door("mcp")?)
        .with_door("dspy", door("dspy")?)
        .with_first_turn(FirstTurn {
            program,
            arguments: first_turn,
        });
    complain(&with.machine().to_string());
    let failures = run(&with, &entries, |event| match event {
        Event::Begin(entry) => complain(&context.err.paint.faint(&format!("{} …", entry.name))),
        Event::Taken(entry, figure) => print(entry, figure, as_json, context),
        Event::Failed(entry, error) => {
            complain(&format!(
                "{} {}: {error}",
                context.err.paint.bad("failed:"),
                entry.name
            ));
        }
    });
    Ok(if failures > 0 {
        ExitCode::from(TURN_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn print(entry: &Entry, figure: &Figure, as_json: bool, context: &Context) {
    if as_json {
        // A figure is text and finite numbers: it has a JSON form.
        print_line(&serde_json::to_string(figure).unwrap_or_default());
        return;
    }
    let target = entry.target_text();
    let target = match entry.is_met(figure) {
        Some(true) => context.out.paint.good(&target),
        Some(false) => context.out.paint.bad(&format!("{target} missed")),
        None => String::new(),
    };
    print_line(&format!(
        "{:<24} p50 {:>10.2}  p99 {:>10.2}  min {:>10.2} {:<4} n {:<5} {target}",
        figure.name, figure.p50, figure.p99, figure.min, figure.unit, figure.n,
    ));
    print_line(&context.out.paint.faint(&format!("    {}", figure.note)));
}
