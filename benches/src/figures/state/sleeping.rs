//! Sessions that hibernate in memory.

use super::subjects::expect;
use crate::context::{Context, run_ok, session};
use crate::entry::Measured;
use crate::error::Error;
use crate::statistics::{Readings, timed};
use memex_runtime::Hibernated;

fn hibernated(context: &Context) -> Result<Hibernated, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut live = session(&sandbox)?;
    run_ok(&mut live, "import pandas")?;
    run_ok(&mut live, "x = 1")?;
    Ok(live.hibernate().map_err(memex_runtime::Error::from)?)
}

pub(super) fn hibernated_bytes(context: &Context) -> Result<Measured, Error> {
    let mut readings = Readings::default();
    for _ in 0..200 {
        readings.push(hibernated(context)?.bytes() as f64);
    }
    Ok(Measured::new(
        readings.summary("sessions")?,
        "generators included",
    ))
}

pub(super) fn wake(context: &Context) -> Result<Measured, Error> {
    let mut readings = Readings::default();
    for _ in 0..200 {
        let asleep = hibernated(context)?;
        let (awake, took) = timed(|| asleep.wake());
        let (mut awake, _) = awake.map_err(memex_runtime::Error::from)?;
        expect(&mut awake, "x", "1")?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(readings.summary("sessions")?, "from memory"))
}
