//! `memex doctor`: what this machine offers, and what falls back.

mod check;
mod checks;
mod storage;
mod system;

use crate::console::print_line;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use anyhow::Result;
use check::{Check, State};
use clap::Args;

const EXAMPLES: &str = "\
Each line is `ok`, `falls back` (everything works, something is slower or larger) or `problem`, with
a remedy. The exit status is 1 when there is a problem.

Examples:
  memex doctor
  memex doctor --json | jq .checks";

/// Report the features of this machine that sessions use
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    /// One JSON object: {"ok", "checks": [{"name", "state", "detail", "remedy"}]}
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &DoctorArguments, context: &Context) -> Result<ExitCode> {
    let checks = checks::all(context);
    let is_ok = checks.iter().all(|check| check.state != State::Problem);
    if arguments.json {
        let report = serde_json::json!({ "ok": is_ok, "checks": checks });
        print_line(&report.to_string());
    } else {
        checks.iter().for_each(|check| tell(check, context));
    }
    Ok(if is_ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(TURN_FAILED)
    })
}

fn tell(check: &Check, context: &Context) {
    let paint = context.out.paint;
    let state = format!("{:10}", check.state.name());
    let state = match check.state {
        State::Ok => paint.good(&state),
        State::FallsBack => paint.warn(&state),
        State::Problem => paint.bad(&state),
    };
    print_line(&format!("{state}  {:15}  {}", check.name, check.detail));
    if let Some(remedy) = &check.remedy {
        print_line(&format!("{:29}{} {remedy}", "", paint.hint("hint:")));
    }
}
