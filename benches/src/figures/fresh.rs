//! The cost of a fresh session, up to its first result.

use crate::context::{Context, session, unexpected};
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use memex_runtime::Sandbox;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

const PRINT: &str = "print(1)";
const GROUP_BY: &str = "\
import pandas as pd
frame = pd.DataFrame({'kind': ['a', 'b', 'a', 'c'], 'amount': [1, 2, 3, 4]})
print(frame.groupby('kind').amount.sum().to_dict())";
const GROUPS: &str = "{'a': 4, 'b': 2, 'c': 4}\n";

const BASE: Entry = Entry::of("fresh");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "fresh_print_warm_us",
        about: "A new session and the result of its first turn, `print(1)`, in a slot used before",
        target: Some(80.0),
        measure: |context| fresh(context, PRINT, "1\n", Slots::Warm, 1000),
        ..BASE
    },
    Entry {
        name: "fresh_print_cold_us",
        about: "The same in a slot that is mapped for it",
        target: Some(500.0),
        measure: |context| fresh(context, PRINT, "1\n", Slots::Cold, 500),
        ..BASE
    },
    Entry {
        name: "fresh_groupby_us",
        about: "A new session and the result of a pandas group-by as its first turn, in a slot used before",
        target: Some(2000.0),
        measure: |context| fresh(context, GROUP_BY, GROUPS, Slots::Warm, 300),
        ..BASE
    },
    Entry {
        name: "fresh_groupby_cold_us",
        about: "The same in a slot that is mapped for it",
        measure: |context| fresh(context, GROUP_BY, GROUPS, Slots::Cold, 200),
        ..BASE
    },
    Entry {
        name: "sessions_per_core_s",
        unit: "1/s",
        about: "Sessions made, used for `print(1)` and dropped, for each second of processor time",
        better: Better::Higher,
        target: Some(6000.0),
        measure: sessions_per_core,
        ..BASE
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Slots {
    Warm,
    Cold,
}

fn fresh(
    context: &Context,
    code: &str,
    stdout: &str,
    slots: Slots,
    count: usize,
) -> Result<Measured, Error> {
    const WARM_UP: usize = 30;
    let sandbox = context.sandbox(|_| {})?;
    context.image().cool();
    let readings = Readings::take_us(WARM_UP, count, || {
        if slots == Slots::Cold {
            context.image().cool();
        }
        first_turn(&sandbox, code, stdout)
    })?;
    let note = match slots {
        Slots::Warm => "slots warm from the same code; drop excluded",
        Slots::Cold => "no slot is kept; mapping included, unmapping and drop excluded",
    };
    Ok(Measured::new(readings.summary(code)?, note))
}

/// From no session to the outcome of its first turn, in time; the drop comes
/// after.
fn first_turn(sandbox: &Sandbox, code: &str, stdout: &str) -> Result<Duration, Error> {
    let began = Instant::now();
    let mut session = session(sandbox)?;
    let outcome = session.run(code)?;
    let took = began.elapsed();
    if outcome.stdout.text == stdout {
        Ok(took)
    } else {
        Err(unexpected(code, stdout, &outcome))
    }
}

fn sessions_per_core(context: &Context) -> Result<Measured, Error> {
    const SLICES: usize = 40;
    const SLICE: Duration = Duration::from_millis(50);
    const WARM_UP: usize = 200;
    let sandbox = context.sandbox(|_| {})?;
    for _ in 0..WARM_UP {
        first_turn(&sandbox, PRINT, "1\n")?;
    }
    let mut rates = Readings::default();
    let (mut sessions, mut processor, mut wall) = (0_u64, Duration::ZERO, Duration::ZERO);
    while rates.len() < SLICES {
        let began = processor_time()?;
        let mut count = 0_u64;
        let (spent, took) = timed(|| {
            loop {
                first_turn(&sandbox, PRINT, "1\n")?;
                count += 1;
                let spent = processor_time()?.saturating_sub(began);
                if spent >= SLICE {
                    return Ok::<_, Error>(spent);
                }
            }
        });
        let spent = spent?;
        rates.push(count as f64 / spent.as_secs_f64());
        sessions += count;
        processor += spent;
        wall += took;
    }
    let note = format!(
        "n slices of {} ms of processor time of the whole process, one thread; {sessions} sessions in {:.2} s of it and {:.2} s in all; p99 is the best slice",
        SLICE.as_millis(),
        processor.as_secs_f64(),
        wall.as_secs_f64(),
    );
    Ok(Measured::new(rates.summary(PRINT)?, note))
}

/// Processor time of all threads so far, the watchdog's included.
fn processor_time() -> Result<Duration, Error> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).map_err(|error| Error::System {
        what: "processor time",
        reason: error.to_string(),
    })
}
