//! The cost of calling tools of the host.

use crate::context::{Context, run_ok, unexpected};
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use memex_host_tools::{Blob, Broker, NoArguments, Tool, Toolbox, function, immediate};
use memex_policies::ToolGrants;
use memex_runtime::{Sandbox, Session, SessionOptions};
use memex_sql::{Access, Databases};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const BASE: Entry = Entry::of("tools");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "tool_call_us",
        about: "A typed call from Python to a Rust tool and back, two ints in and one out",
        target: Some(15.0),
        measure: call,
        ..BASE
    },
    Entry {
        name: "bytes_1mb_us",
        about: "A call that takes 1 MB of bytes, and one that returns them: the slower of the two",
        target: Some(1500.0),
        measure: megabyte,
        ..BASE
    },
    Entry {
        name: "sql_1m_rows_ratio",
        unit: "1",
        about: "`sql()` of 1,000,000 rows of 5 columns to a DataFrame, over stepping the query alone",
        measure: |context| rows(context, Peer::Stepping),
        ..BASE
    },
    Entry {
        name: "sql_vs_json_ratio",
        unit: "1",
        about: "The same rows as JSON records to a DataFrame, over `sql()`; 100,000 rows",
        better: Better::Higher,
        target: Some(10.0),
        measure: |context| rows(context, Peer::Json),
        ..BASE
    },
    Entry {
        name: "start_1000_tools_ratio",
        unit: "1",
        about: "A new session with 1,000 tools and its first `print(1)`, over the same with ten",
        target: Some(1.05),
        measure: start,
        ..BASE
    },
    Entry {
        name: "gather_100_ms",
        unit: "ms",
        about: "100 tools of 50 ms each, awaited with `asyncio.gather`",
        target: Some(70.0),
        measure: gather,
        ..BASE
    },
];

/// Tools, and the threads behind them.
struct Tools {
    toolbox: Toolbox,
    runtime: Runtime,
}

impl Tools {
    fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Result<Self, Error> {
        let toolbox = Toolbox::builder().tools(tools).build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        Ok(Self {
            toolbox: toolbox.map_err(|error| failed("the toolbox", &error))?,
            runtime: runtime.map_err(|error| failed("the threads of the tools", &error))?,
        })
    }

    fn session(&self, sandbox: &Sandbox) -> Result<Session, Error> {
        let grants = ToolGrants {
            allow: vec!["*".to_owned()],
            deny: Vec::new(),
        };
        let budget = memex_host_tools::Budget {
            answer_bytes: 256 << 20,
            ..Default::default()
        };
        let handle = self.runtime.handle().clone();
        let broker = Broker::builder(self.toolbox.clone(), grants, handle).budget(budget);
        Ok(sandbox.session(SessionOptions {
            calls: Some(Box::new(broker.build())),
            ..Default::default()
        })?)
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> Error {
    Error::Program {
        program: what.into(),
        reason: error.to_string(),
    }
}

/// Room for answers of many megabytes.
fn sandbox(context: &Context) -> Result<Sandbox, Error> {
    context.sandbox(|policy| {
        policy.limits.host_calls = 10_000_000;
        policy.limits.host_call_bytes = 512 << 20;
        policy.limits.memory_bytes = 3 << 30;
        policy.limits.guest_time_ms = 600_000;
        policy.limits.wall_time_ms = 600_000;
    })
}

#[derive(Deserialize, JsonSchema)]
struct Sum {
    a: i64,
    b: i64,
}

fn call(context: &Context) -> Result<Measured, Error> {
    const CALLS: u32 = 100;
    let add = immediate("add", "Adds.", |_, sum: Sum| Ok(sum.a.wrapping_add(sum.b)));
    let tools = Tools::new([Arc::new(add) as Arc<dyn Tool>])?;
    let mut session = tools.session(&sandbox(context)?)?;
    run_ok(&mut session, "add(1, 2)")?;
    let turn = format!("for i in range({CALLS}): add(i, 2)");
    let empty = format!("for i in range({CALLS}): i + 2");
    let readings = Readings::take_us(20, 500, || {
        let (idle, base) = timed(|| run_ok(&mut session, &empty));
        let (done, took) = timed(|| run_ok(&mut session, &turn));
        idle?;
        done?;
        Ok(took.saturating_sub(base) / CALLS)
    })?;
    let note = "each reading is a turn of 100 calls, less one of 100 additions, divided by 100";
    Ok(Measured::new(readings.summary("calls")?, note))
}

#[derive(Deserialize, JsonSchema)]
struct Data {
    data: Blob,
}

fn megabyte(context: &Context) -> Result<Measured, Error> {
    const BYTES: usize = 1_000_000;
    let take = immediate("take", "Takes bytes.", |_, data: Data| {
        Ok(data.data.0.len())
    });
    let give = immediate("give", "Gives bytes.", |_, _: NoArguments| {
        Ok(Blob(vec![7; BYTES].into()))
    });
    let tools = Tools::new([Arc::new(take) as Arc<dyn Tool>, Arc::new(give)])?;
    let mut session = tools.session(&sandbox(context)?)?;
    run_ok(
        &mut session,
        &format!("data = bytes({BYTES}); take(data); x = give()"),
    )?;
    let readings = Readings::take_us(10, 300, || {
        let (sent, there) = timed(|| run_ok(&mut session, "n = take(data)"));
        let (received, back) = timed(|| run_ok(&mut session, "x = give()"));
        sent?;
        received?;
        Ok(there.max(back))
    })?;
    Ok(Measured::new(
        readings.summary("calls")?,
        "turns around the calls included",
    ))
}

#[derive(Clone, Copy, PartialEq)]
enum Peer {
    Stepping,
    Json,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    id: i64,
    amount: f64,
    count: i64,
    kind: String,
    label: String,
}

const SELECT: &str = "SELECT id, amount, count, kind, label FROM orders";

fn fill(path: &Path, rows: i64) -> rusqlite::Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch(
        "CREATE TABLE orders(id INTEGER, amount REAL, count INTEGER, kind TEXT, label TEXT)",
    )?;
    let change = database.transaction()?;
    {
        let mut insert = change.prepare("INSERT INTO orders VALUES(?, ?, ?, ?, ?)")?;
        for id in 0..rows {
            let kind = ["small", "medium", "large", "special"][(id % 4) as usize];
            let label = format!("order {id}");
            insert.execute((id, id as f64 / 7.0, id % 100, kind, label))?;
        }
    }
    change.commit()
}

/// Steps through the query and reads every value: what no answer can avoid.
fn step(path: &Path) -> rusqlite::Result<Duration> {
    let database = Connection::open(path)?;
    let begun = Instant::now();
    let mut query = database.prepare(SELECT)?;
    let mut rows = query.query(())?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        for column in 0..5 {
            bytes += row
                .get_ref(column)?
                .as_bytes_or_null()
                .map_or(8, |b| b.map_or(0, <[u8]>::len));
        }
    }
    std::hint::black_box(bytes);
    Ok(begun.elapsed())
}

fn records(path: &Path) -> rusqlite::Result<Vec<Row>> {
    let database = Connection::open(path)?;
    let mut query = database.prepare(SELECT)?;
    let rows = query.query_map((), |row| {
        Ok(Row {
            id: row.get(0)?,
            amount: row.get(1)?,
            count: row.get(2)?,
            kind: row.get(3)?,
            label: row.get(4)?,
        })
    })?;
    rows.collect()
}

fn rows(context: &Context, peer: Peer) -> Result<Measured, Error> {
    let (count, readings_count) = match peer {
        Peer::Stepping => (1_000_000, 10),
        Peer::Json => (100_000, 20),
    };
    let wrong = |error: rusqlite::Error| failed("SQLite", &error);
    let folder = tempfile::tempdir().map_err(|error| failed("a temporary directory", &error))?;
    let path = folder.path().join("orders.sqlite");
    fill(&path, count).map_err(wrong)?;
    let databases = Databases::builder()
        .limits(memex_sql::SqlLimits {
            rows_max: 2_000_000,
            result_max_bytes: 256 << 20,
            statement_timeout: Duration::from_secs(60),
            ..Default::default()
        })
        .sqlite("shop", &path, Access::ReadOnly)
        .build()
        .map_err(|error| failed("the database", &error))?;
    let place = path.clone();
    let json = immediate("records", "All rows.", move |_, _: NoArguments| {
        records(&place)
            .map_err(|error| memex_host_tools::ToolError::new("RuntimeError", error.to_string()))
    });
    let mut all = databases.tools();
    all.push(Arc::new(json));
    let tools = Tools::new(all)?;
    let mut session = tools.session(&sandbox(context)?)?;
    run_ok(&mut session, "import pandas as pd")?;
    let query = format!("df = sql({SELECT:?})");
    let mut readings = Readings::default();
    for round in 0..=readings_count {
        let (done, ours) = timed(|| run_ok(&mut session, &query));
        done?;
        let shape = run_ok(&mut session, "df.shape, int(df.id.sum())")?;
        let sum = count * (count - 1) / 2;
        if shape.value != Some(format!("(({count}, 5), {sum})")) {
            return Err(unexpected("df.shape", "all rows", &shape));
        }
        let theirs = match peer {
            Peer::Stepping => step(&path).map_err(wrong)?,
            Peer::Json => {
                let code = "df = pd.DataFrame(records())";
                let (done, took) = timed(|| run_ok(&mut session, code));
                done?;
                took
            }
        };
        if round > 0 {
            readings.push(match peer {
                Peer::Stepping => ours.as_secs_f64() / theirs.as_secs_f64(),
                Peer::Json => theirs.as_secs_f64() / ours.as_secs_f64(),
            });
        }
    }
    let note = match peer {
        Peer::Stepping => {
            "the peer steps and reads every value in Rust; the rest is copies and DataFrame"
        }
        Peer::Json => "the peer is a tool that returns a list of objects",
    };
    Ok(Measured::new(readings.summary("pairs")?, note))
}

fn start(context: &Context) -> Result<Measured, Error> {
    let many = |count: usize| {
        Tools::new((0..count).map(|n| {
            let name = format!("tool_{n}");
            let tool = immediate(&name, "Adds.", |_, sum: Sum| Ok(sum.a.wrapping_add(sum.b)));
            Arc::new(tool) as Arc<dyn Tool>
        }))
    };
    let (ten, thousand) = (many(10)?, many(1000)?);
    let sandbox = sandbox(context)?;
    let once = |tools: &Tools| -> Result<Duration, Error> {
        let (session, took) = timed(|| -> Result<_, Error> {
            let mut session = tools.session(&sandbox)?;
            run_ok(&mut session, "print(1)")?;
            Ok(session)
        });
        drop(session?);
        Ok(took)
    };
    let mut readings = Readings::default();
    for round in 0..320 {
        let (few, all) = (once(&ten)?, once(&thousand)?);
        if round >= 20 {
            readings.push(all.as_secs_f64() / few.as_secs_f64());
        }
    }
    Ok(Measured::new(
        readings.summary("pairs")?,
        "the toolbox is made once and shared by sessions",
    ))
}

fn gather(context: &Context) -> Result<Measured, Error> {
    let nap = function("nap", "Waits.", |_, _: NoArguments| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(1)
    });
    let tools = Tools::new([Arc::new(nap) as Arc<dyn Tool>])?;
    let mut session = tools.session(&sandbox(context)?)?;
    let code = "import asyncio\nsum(await asyncio.gather(*[nap.aio() for _ in range(100)]))";
    let mut readings = Readings::default();
    for round in 0..205 {
        let (outcome, took) = timed(|| run_ok(&mut session, code));
        let outcome = outcome?;
        if outcome.value.as_deref() != Some("100") {
            return Err(unexpected(code, "100", &outcome));
        }
        if round >= 5 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    Ok(Measured::new(readings.summary("turns")?, ""))
}
