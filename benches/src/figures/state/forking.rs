//! Forking sessions between turns.

use super::subjects::{LARGE, expect, small};
use crate::context::{Context, run_ok, session};
use crate::entry::Measured;
use crate::error::Error;
use crate::process_memory::own_memory_kib;
use crate::statistics::{Readings, timed};

pub(super) fn fork(context: &Context, forks: usize, count: usize) -> Result<Measured, Error> {
    let (_, mut parent) = small(context)?;
    let readings = Readings::take_us(5, count, || {
        let (children, took) = timed(|| parent.fork(forks, |_| Default::default()));
        drop(children?);
        Ok(took)
    })?;
    Ok(Measured::new(
        readings.summary("forks")?,
        "into warm slots, from the second round on",
    ))
}

pub(super) fn fork_large(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut parent = session(&sandbox)?;
    run_ok(&mut parent, LARGE)?;
    let readings = Readings::take_us(0, 200, || {
        run_ok(&mut parent, "x = 1")?;
        let (children, took) = timed(|| parent.fork(1, |_| Default::default()));
        drop(children?);
        Ok(took / 1000)
    })?;
    let note = "after a small turn each time; the first fork freezes the heap";
    Ok(Measured::new(readings.summary("forks")?, note))
}

pub(super) fn child_growth(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut parent = session(&sandbox)?;
    run_ok(&mut parent, LARGE)?;
    drop(parent.fork(1, |_| Default::default())?);
    let mut readings = Readings::default();
    for _ in 0..20 {
        let before = own_memory_kib()?;
        let mut children = parent.fork(10, |_| Default::default())?;
        let grown = (own_memory_kib()? - before) / 10.0;
        expect(
            &mut children.remove(0),
            "float(df.a.sum())",
            "78124993750000.0",
        )?;
        readings.push(grown.max(0.0));
    }
    let note = "growth of the process's memory in use, a tenth of ten forks; one of them then sums the frame";
    Ok(Measured::new(readings.summary("forks")?, note))
}
