//! The cost of the first result in a new process.

use crate::context::{Context, FirstTurn};
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use std::process::{Command, Stdio};

pub(super) const FIGURES: &[Entry] = &[Entry {
    name: "process_first_turn_ms",
    unit: "ms",
    group: "process",
    about: "A whole process from start to exit that runs `print(1)` on the built image",
    better: Better::Lower,
    target: Some(60.0),
    target_is_p99: false,
    measure: process_first_turn,
}];

fn process_first_turn(context: &Context) -> Result<Measured, Error> {
    const WARM_UP: usize = 3;
    const COUNT: usize = 60;
    let command = context.first_turn()?;
    let mut readings = Readings::default();
    for index in 0..WARM_UP + COUNT {
        let (result, took) = timed(|| once(command));
        result?;
        if index >= WARM_UP {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    Ok(Measured::new(
        readings.summary("processes")?,
        "image and code in the page cache",
    ))
}

pub(super) fn once(command: &FirstTurn) -> Result<(), Error> {
    let fail = |reason: String| Error::Program {
        program: command.program.display().to_string(),
        reason,
    };
    let output = Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(error.to_string()))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && stdout.lines().any(|line| line == "1") {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(fail(format!("{}: {stdout}{stderr}", output.status)))
}
