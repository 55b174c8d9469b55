//! The cost of a turn in a live session.

use crate::context::{Context, run_ok, session, unexpected};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};

const BASE: Entry = Entry::of("turns");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "turn_increment_us",
        about: "The turn `x += 1` in a session that lives",
        target: Some(20.0),
        measure: |context| turn(context, "x += 1", ""),
        ..BASE
    },
    Entry {
        name: "turn_pass_us",
        about: "The turn `pass`: what every turn costs",
        measure: |context| turn(context, "pass", ""),
        ..BASE
    },
    Entry {
        name: "turn_print_us",
        about: "The turn `print(1)`",
        measure: |context| turn(context, "print(1)", "1\n"),
        ..BASE
    },
    Entry {
        name: "turn_value_us",
        about: "The turn `x`, whose value is shown",
        measure: |context| turn(context, "x", ""),
        ..BASE
    },
];

fn turn(context: &Context, code: &str, stdout: &str) -> Result<Measured, Error> {
    const WARM_UP: usize = 200;
    const COUNT: usize = 2000;
    let sandbox = context.sandbox(|_| {})?;
    let mut session = session(&sandbox)?;
    run_ok(&mut session, "x = 0")?;
    let readings = Readings::take_us(WARM_UP, COUNT, || {
        let (outcome, took) = timed(|| session.run(code));
        let outcome = outcome?;
        if outcome.is_ok() && outcome.stdout.text == stdout {
            Ok(took)
        } else {
            Err(unexpected(code, stdout, &outcome))
        }
    })?;
    let outcome = run_ok(&mut session, "x")?;
    let wanted = if code.starts_with("x +=") {
        WARM_UP + COUNT
    } else {
        0
    }
    .to_string();
    if outcome.value.as_deref() != Some(wanted.as_str()) {
        return Err(unexpected("x", &wanted, &outcome));
    }
    let note = "one session; taking the state to roll back to is included";
    Ok(Measured::new(readings.summary(code)?, note))
}
