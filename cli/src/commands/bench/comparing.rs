//! Two saved sets of figures, side by side.

use crate::console::{complain, print_line};
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage, usage_as_told};
use anyhow::Result;
use clap::Args;
use memex_benches::{Sets, compare};
use memex_escapes::line;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How long a file of figures may be.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// Comparing what two runs with --json printed.
#[derive(Debug, Clone, Args)]
pub(super) struct CompareArguments {
    /// Compare the output of two runs with --json: the ratio of each figure, and whether its
    /// readings, where there are any, tell the two apart
    #[arg(
        long,
        num_args = 2,
        value_names = ["BASE", "NEW"],
        value_hint = clap::ValueHint::FilePath
    )]
    compare: Option<Vec<PathBuf>>,

    /// With --compare, end with status 1 if a figure is worse by more than this, beyond its noise
    #[arg(long, value_name = "PERCENT", value_parser = percent, requires = "compare")]
    fail_over: Option<f64>,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse::<f64>();
    match number {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("a number of per cent from 0 on, such as 5".to_owned()),
    }
}

impl CompareArguments {
    /// Whether a comparison is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.compare.is_some()
    }

    /// Compares, if that is asked for; what is `measured` cannot be asked for too.
    pub(super) fn execute(&self, measured: bool) -> Result<Option<ExitCode>> {
        let Some([base, new]) = self.compare.as_deref() else {
            return Ok(None);
        };
        if measured {
            return Err(usage(
                "--compare measures nothing, and something to measure is given too",
                "measure with --json into a file, then compare it with another one",
            ));
        }
        let sets = compare(&read(base)?, &read(new)?).map_err(usage_as_told)?;
        tell_others(&sets, base, new);
        if sets.both.is_empty() {
            return Err(usage(
                format!(
                    "{} and {} have no figure in common",
                    base.display(),
                    new.display()
                ),
                "figures are matched by name; measure the same turns for both files",
            ));
        }
        let mut failed = Vec::new();
        for comparison in &sets.both {
            print_line(&line(&comparison.to_string()));
            if self
                .fail_over
                .is_some_and(|percent| comparison.is_worse_by(percent))
            {
                failed.push(comparison.name.as_str());
            }
        }
        let (Some(percent), false) = (self.fail_over, failed.is_empty()) else {
            return Ok(Some(ExitCode::SUCCESS));
        };
        complain(&format!(
            "worse by more than {percent} %: {}",
            line(&failed.join(", "))
        ));
        Ok(Some(ExitCode::from(TURN_FAILED)))
    }
}

fn tell_others(sets: &Sets, base: &Path, new: &Path) {
    for (names, path) in [(&sets.only_base, base), (&sets.only_new, new)] {
        if !names.is_empty() {
            let names = names.join(", ");
            let text = format!("note: only in {}, not compared: {names}", path.display());
            complain(&line(&text));
        }
    }
}

fn read(path: &Path) -> Result<String> {
    let hint = "name two files that `memex bench --json` or `memex bench turns --json` filled";
    let told = |error: io::Error| usage(format!("cannot read {}: {error}", path.display()), hint);
    let mut text = String::new();
    let file = File::open(path).map_err(told)?;
    let read = file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text);
    let read = read.map_err(told)?;
    if read as u64 > FILE_MAX_BYTES {
        return Err(usage(
            format!("{} is longer than 256 MiB", path.display()),
            hint,
        ));
    }
    if text.trim().is_empty() {
        return Err(usage(format!("{} holds no figures", path.display()), hint));
    }
    // Each file on its own first, so that a refusal names it.
    compare(&text, "").map_err(|error| usage_as_told(format!("{}: {error}", path.display())))?;
    Ok(text)
}
