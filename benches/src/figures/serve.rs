//! The server, over its own API and over E2B's, at the loopback.

use super::serving::{Client, Server, disk_bytes};
use crate::context::Context;
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, Summary, timed};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BASE: Entry = Entry {
    unit: "ms",
    ..Entry::of("serve")
};
/// Clients of the throughput.
const CLIENTS: usize = 8;
const MEASURED: Duration = Duration::from_secs(5);
/// Clients of the load, and the turns of each.
const LOAD_CLIENTS: usize = 200;
const LOAD_TURNS: usize = 20;
/// How long the first clients wait for the last one.
const READY_MAX: Duration = Duration::from_mins(1);
/// Sandboxes that sleep.
const SLEEPERS: usize = 2_500;

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "serve_run_ms",
        about: "A turn `x += 1` of a live sandbox over HTTP, saved before it is acknowledged",
        target: Some(1.0),
        measure: run,
        ..BASE
    },
    Entry {
        name: "serve_execute_ms",
        about: "The same over E2B's protocol: an execution with its lines, to its end",
        target: Some(1.0),
        measure: execute,
        ..BASE
    },
    Entry {
        name: "serve_create_ms",
        about: "From the request for a sandbox to the first result in it",
        target: Some(5.0),
        measure: create,
        ..BASE
    },
    Entry {
        name: "serve_sessions_per_s",
        unit: "1/s",
        about: "Sandboxes made, used for a turn and ended, by eight clients",
        better: Better::Higher,
        target: Some(1500.0),
        measure: sessions,
        ..BASE
    },
    Entry {
        name: "serve_wake_ms",
        about: "A turn of a sandbox that sleeps in the store alone",
        target: Some(3.0),
        measure: wake,
        ..BASE
    },
    Entry {
        name: "serve_load_ms",
        about: "What a turn takes beyond the guest's own time, for 200 clients with a pandas turn a second each",
        target: Some(50.0),
        target_is_p99: true,
        measure: load,
        ..BASE
    },
    Entry {
        name: "serve_idle_bytes",
        unit: "bytes",
        about: "On disk, of a sandbox that has run a turn and sleeps in the store",
        target: Some(20_480.0),
        measure: idle_on_disk,
        ..BASE
    },
    Entry {
        name: "serve_idle_memory_bytes",
        unit: "bytes",
        about: "In the server's memory, of such a sandbox",
        target: Some(1_024.0),
        measure: idle_in_memory,
        ..BASE
    },
];

fn run(context: &Context) -> Result<Measured, Error> {
    let server = Server::start(context.server()?, "")?;
    let mut client = server.client()?;
    let sandbox = client.sandbox()?;
    client.run(&sandbox, "x = 0\nx", "0")?;
    let (mut readings, mut n) = (Readings::default(), 0);
    for index in 0..2_200 {
        n += 1;
        let value = n.to_string();
        let (ran, took) = timed(|| client.run(&sandbox, "x += 1\nx", &value));
        ran?;
        if index >= 200 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    let note = "one client, durability `process`";
    Ok(Measured::new(readings.summary("turns")?, note))
}

fn create(context: &Context) -> Result<Measured, Error> {
    let server = Server::start(context.server()?, "")?;
    let mut client = server.client()?;
    let mut readings = Readings::default();
    for index in 0..550 {
        let (ran, took) = timed(|| {
            let sandbox = client.sandbox()?;
            client.run(&sandbox, "6 * 7", "42")
        });
        ran?;
        if index >= 50 {
            readings.push(took.as_secs_f64() * 1e3);
        }
        // Below the rate that the quota allows.
        std::thread::sleep(Duration::from_millis(12));
    }
    Ok(Measured::new(readings.summary("sandboxes")?, "one client"))
}

fn sessions(context: &Context) -> Result<Measured, Error> {
    let settings = "[serve.tenants.default.quota]\ncreates_per_s = 1e9\nturns = 16\n";
    let server = Server::start(context.server()?, settings)?;
    let begins = Instant::now();
    let done = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> Result<u64, Error> {
                    let mut client = server.client()?;
                    let mut done = 0;
                    while begins.elapsed() < MEASURED {
                        let sandbox = client.sandbox()?;
                        client.run(&sandbox, "1 + 1", "2")?;
                        client.ask("DELETE", &sandbox, "")?;
                        done += 1;
                    }
                    Ok(done)
                })
            })
            .collect();
        let counts = clients.into_iter().map(|client| {
            client
                .join()
                .unwrap_or_else(|_| Err(Error::NoReadings("sandboxes".to_owned())))
        });
        counts.sum::<Result<u64, Error>>()
    })?;
    let rate = done as f64 / begins.elapsed().as_secs_f64();
    let note = format!("{CLIENTS} clients beside the server on the same machine");
    Ok(Measured::new(Summary::single(rate), note))
}

fn wake(context: &Context) -> Result<Measured, Error> {
    const SANDBOXES: usize = 200;
    let settings = "[serve]\nidle_s = 0\nmemory_idle_s = 0\n";
    let server = Server::start(context.server()?, settings)?;
    let mut client = server.client()?;
    let mut sandboxes = Vec::new();
    for _ in 0..SANDBOXES {
        let sandbox = client.sandbox()?;
        client.run(&sandbox, "x = [1, 2]\nx", "[1, 2]")?;
        sandboxes.push(sandbox);
        std::thread::sleep(Duration::from_millis(12));
    }
    // From the slot to memory, and from there to the store.
    std::thread::sleep(Duration::from_secs(4));
    let mut readings = Readings::default();
    for sandbox in &sandboxes {
        let told = client.ask("GET", sandbox, "")?;
        if told.get("state").and_then(Value::as_str) != Some("asleep") {
            continue;
        }
        let (ran, took) = timed(|| client.run(sandbox, "x", "[1, 2]"));
        ran?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(
        readings.summary("sleepers")?,
        "the whole request",
    ))
}

fn execute(context: &Context) -> Result<Measured, Error> {
    let server = Server::start(context.server()?, "")?;
    let mut client = server.client()?;
    let interpreter = client.code_interpreter()?;
    client.execute(&interpreter, "x = 0\nx", "0")?;
    let mut readings = Readings::default();
    for n in 1..=2_200 {
        let value = n.to_string();
        let (ran, took) = timed(|| client.execute(&interpreter, "x += 1\nx", &value));
        ran?;
        if n > 200 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    let note = "one client, durability `process`";
    Ok(Measured::new(readings.summary("executions")?, note))
}

fn load(context: &Context) -> Result<Measured, Error> {
    let settings = "[serve.tenants.default.quota]\ncreates_per_s = 1e9\n";
    let server = Server::start(context.server()?, settings)?;
    // The load begins when all are there: to make two hundred at once is another load.
    let (ready, begins) = (AtomicUsize::new(0), Instant::now());
    let taken = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..LOAD_CLIENTS)
            .map(|number| {
                let (server, ready) = (&server, &ready);
                scope.spawn(move || -> Result<Vec<f64>, Error> {
                    let mut client = server.client()?;
                    let sandbox = client.sandbox()?;
                    let made = "import pandas as pd\nd = pd.DataFrame({'k': [1, 2] * 500, 'v': \
                                range(1000)})\nlen(d)";
                    client.run(&sandbox, made, "1000")?;
                    ready.fetch_add(1, Ordering::SeqCst);
                    while ready.load(Ordering::SeqCst) < LOAD_CLIENTS
                        && begins.elapsed() < READY_MAX
                    {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    let second = Duration::from_secs(1);
                    let share = second.mul_f64(number as f64 / LOAD_CLIENTS as f64);
                    std::thread::sleep(second + share);
                    let mut taken = Vec::new();
                    for turn in 0..LOAD_TURNS {
                        let began = Instant::now();
                        let value = format!("{}", 249_500 + 500 * (turn + 1));
                        let code = "d['v'] += 1\nint(d.groupby('k')['v'].sum().min())";
                        let (outcome, took) = timed(|| client.outcome(&sandbox, code, &value));
                        let guest = outcome?.get("guest_us").and_then(Value::as_f64);
                        taken.push(took.as_secs_f64() * 1e3 - guest.unwrap_or(0.0) / 1e3);
                        std::thread::sleep(second.saturating_sub(began.elapsed()));
                    }
                    Ok(taken)
                })
            })
            .collect();
        let joined = clients.into_iter().map(|client| {
            client
                .join()
                .unwrap_or_else(|_| Err(Error::NoReadings("turns".to_owned())))
        });
        joined.collect::<Result<Vec<_>, _>>()
    })?;
    let mut readings = Readings::default();
    taken
        .into_iter()
        .flatten()
        .for_each(|taken| readings.push(taken));
    let note = "pandas turns; clients beside the server on the same machine";
    Ok(Measured::new(readings.summary("turns")?, note))
}

fn idle_on_disk(context: &Context) -> Result<Measured, Error> {
    let (server, before) = sleeping(context, |server| disk_bytes(&server.data()))?;
    let each = (disk_bytes(&server.data())? - before) / SLEEPERS as f64;
    let note = format!("{SLEEPERS} sandboxes, one turn each");
    Ok(Measured::new(Summary::single(each), note))
}

fn idle_in_memory(context: &Context) -> Result<Measured, Error> {
    let (server, before) = sleeping(context, Server::own_bytes)?;
    let each = (server.own_bytes()? - before) / SLEEPERS as f64;
    let note = format!("{SLEEPERS} sandboxes, one turn each, private pages of the process");
    Ok(Measured::new(Summary::single(each), note))
}

/// A server with sandboxes that sleep in its store, and what `look` said before they were
/// made.
fn sleeping(
    context: &Context,
    look: impl Fn(&Server) -> Result<f64, Error>,
) -> Result<(Server, f64), Error> {
    let settings = "[serve]\nidle_s = 0\nmemory_idle_s = 0\n\
                    [serve.tenants.default.quota]\ncreates_per_s = 1e9\n";
    let server = Server::start(context.server()?, settings)?;
    let mut client = server.client()?;
    let make = |client: &mut Client, count: usize| -> Result<(), Error> {
        for _ in 0..count {
            let sandbox = client.sandbox()?;
            client.run(&sandbox, "x = [1, 2]\nx", "[1, 2]")?;
        }
        // From the slot to memory, and from there to the store: the server takes a thousand a
        // second, so that its tenant's turns do not wait for it.
        let most = Duration::from_secs(5) + Duration::from_millis(3 * count as u64);
        std::thread::sleep(most);
        Ok(())
    };
    // Slots and threads are there once as many have been made, and what the allocator keeps
    // of the states that waited in memory.
    make(&mut client, SLEEPERS)?;
    let before = look(&server)?;
    make(&mut client, SLEEPERS)?;
    Ok((server, before))
}
