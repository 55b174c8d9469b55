//! The cost of a turn in a live session.

use crate::context::{Context, run_ok, session, unexpected};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};

const BASE: Entry = Entry::of("turns");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "turn_increment_us",
        about: "The turn `x += 1` in a session that lives, whose code is kept from the third on",
        target: Some(20.0),
        measure: |context| turn(context, |_| "x += 1".into(), ""),
        ..BASE
    },
    Entry {
        name: "turn_new_text_us",
        about: "The same with another comment behind it in every turn, so that each is compiled",
        measure: |context| turn(context, |number| format!("x += 1  # {number}"), ""),
        ..BASE
    },
    Entry {
        name: "turn_pass_us",
        about: "The turn `pass`: what every turn costs",
        measure: |context| turn(context, |_| "pass".into(), ""),
        ..BASE
    },
    Entry {
        name: "turn_print_us",
        about: "The turn `print(1)`",
        measure: |context| turn(context, |_| "print(1)".into(), "1\n"),
        ..BASE
    },
    Entry {
        name: "turn_value_us",
        about: "The turn `x`, whose value is shown",
        measure: |context| turn(context, |_| "x".into(), ""),
        ..BASE
    },
];

/// Turns of a session, of which `code` gives the text by their number.
fn turn(
    context: &Context,
    code: impl Fn(usize) -> String,
    stdout: &str,
) -> Result<Measured, Error> {
    const WARM_UP: usize = 200;
    const COUNT: usize = 2000;
    let sandbox = context.sandbox(|_| {})?;
    let mut session = session(&sandbox)?;
    run_ok(&mut session, "x = 0")?;
    let mut number = 0;
    let readings = Readings::take_us(WARM_UP, COUNT, || {
        number += 1;
        let code = code(number);
        let (outcome, took) = timed(|| session.run(&code));
        let outcome = outcome?;
        if outcome.is_ok() && outcome.stdout.text == stdout {
            Ok(took)
        } else {
            Err(unexpected(&code, stdout, &outcome))
        }
    })?;
    let outcome = run_ok(&mut session, "x")?;
    let code = code(0);
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
    Ok(Measured::new(readings.summary(&code)?, note))
}
