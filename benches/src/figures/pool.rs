//! What a pool of many sleeping sessions costs.

use crate::context::{Context, run_ok, session};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::process_memory::own_memory_kib;
use crate::statistics::{Readings, Summary, timed};
use memex_policies::Clock;
use memex_runtime::{Generators, Sandbox, Snapshot};
use memex_sessions::{Pool, PoolKey, PoolOptions};
use memex_snapshots::MemoryStore;
use std::sync::Arc;
use std::time::Duration;

/// As many as a machine is to hold.
const SLEEPERS: usize = 100_000;
/// With a clock of the host's, no two states would be equal.
const CLOCK: Clock = Clock::Fixed {
    unix_ns: 1_700_000_000_000_000_000,
    step_ns: 1,
};
/// Enough to tell what one takes.
const WEIGHED: usize = 20_000;
/// Bytes of states in memory; the other sleepers are in the store.
const MEMORY_BYTES: u64 = 128 << 20;

const BASE: Entry = Entry::of("pool");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "pool_turn_us",
        about: "What a pool of 100,000 sleepers adds to a turn of a session that is awake",
        target: Some(5.0),
        measure: turn,
        ..BASE
    },
    Entry {
        name: "pool_switch_us",
        about: "A turn of a sleeper in memory there: another goes to sleep and it wakes",
        measure: switch,
        ..BASE
    },
    Entry {
        name: "pool_sleeper_bytes",
        unit: "bytes",
        about: "Memory of a sleeper in the store besides its state",
        target: Some(1024.0),
        measure: sleeper,
        ..BASE
    },
];

/// Sessions that are all in one state, which the store holds once: what is measured is what
/// there is beside the states.
struct Crowd {
    sandbox: Sandbox,
    snapshot: Snapshot,
    pool: Pool,
}

impl Crowd {
    fn new(context: &Context, memory_bytes: u64) -> Result<Self, Error> {
        let sandbox = context.sandbox(|policy| policy.clock = CLOCK)?;
        let mut live = session(&sandbox)?;
        run_ok(&mut live, "x = 1")?;
        let snapshot = live.snapshot()?;
        let options = PoolOptions {
            live_max: 8,
            memory_bytes,
            ..PoolOptions::default()
        };
        let pool = Pool::with_store(options, Arc::new(MemoryStore::new())).map_err(failed)?;
        Ok(Self {
            sandbox,
            snapshot,
            pool,
        })
    }

    fn grow(&self, count: usize) -> Result<Vec<PoolKey>, Error> {
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            let options = Default::default();
            let (session, _) = self
                .sandbox
                .restore(&self.snapshot, Generators::Keep, options)?;
            keys.push(self.pool.insert(session).map_err(failed)?);
        }
        Ok(keys)
    }

    /// What a turn takes, and how much of that is the pool's.
    fn turn(&self, key: PoolKey) -> Result<(Duration, Duration), Error> {
        let (run, whole) = timed(|| {
            self.pool
                .with(key, |session| timed(|| run_ok(session, "pass")))
        });
        let (outcome, run) = run.map_err(failed)?;
        outcome?;
        Ok((whole, whole.saturating_sub(run)))
    }
}

fn turn(context: &Context) -> Result<Measured, Error> {
    let crowd = Crowd::new(context, MEMORY_BYTES)?;
    let keys = crowd.grow(SLEEPERS)?;
    let Some(key) = keys.last() else {
        return Err(Error::NoReadings("sessions".to_owned()));
    };
    let readings = Readings::take_us(200, 5_000, || Ok(crowd.turn(*key)?.1))?;
    let stats = crowd.pool.stats();
    let note = format!(
        "{} of them in memory, {} in a store in memory",
        stats.in_memory, stats.in_store
    );
    Ok(Measured::new(readings.summary("turns")?, note))
}

fn switch(context: &Context) -> Result<Measured, Error> {
    let crowd = Crowd::new(context, u64::MAX)?;
    let keys = crowd.grow(1_000)?;
    let mut next = keys.iter().cycle();
    let readings = Readings::take_us(100, 1_000, || match next.next() {
        Some(key) => Ok(crowd.turn(*key)?.0),
        None => Err(Error::NoReadings("sessions".to_owned())),
    })?;
    Ok(Measured::new(
        readings.summary("turns")?,
        "1,000 sessions by turns",
    ))
}

fn sleeper(context: &Context) -> Result<Measured, Error> {
    let crowd = Crowd::new(context, 0)?;
    // What is there once: slots, the store's one state.
    crowd.grow(100)?;
    let _ballast = ballast()?;
    let before = own_memory_kib()?;
    let keys = crowd.grow(WEIGHED)?;
    let bytes = (own_memory_kib()? - before) * 1024.0 / keys.len() as f64;
    let note = "growth of the process's memory in use, with keys and names in the store";
    Ok(Measured::new(Summary::single(bytes.max(0.0)), note))
}

/// Takes what memory other figures have freed, so that more of it shows as growth.
fn ballast() -> Result<Vec<Box<[u8]>>, Error> {
    const PIECE_BYTES: usize = 64;
    const PIECES: usize = 1 << 14;
    const GROWN_KIB: f64 = 4096.0;
    let before = own_memory_kib()?;
    let mut pieces = Vec::new();
    while own_memory_kib()? < before + GROWN_KIB {
        pieces.extend((0..PIECES).map(|_| vec![1; PIECE_BYTES].into_boxed_slice()));
    }
    Ok(pieces)
}

fn failed(error: memex_sessions::PoolError) -> Error {
    Error::System {
        what: "the pool",
        reason: error.to_string(),
    }
}
