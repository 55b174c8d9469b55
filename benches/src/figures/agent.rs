//! The cost of agents without their models: the loop, spawned agents, batches, and
//! the tokens of one question in both spaces.

use crate::context::Context;
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, Summary};
use memex_agent::{
    ActionSpace, Agent, AgentConfig, Cancellation, OutputSchema, Reactor, RunRequest, RunResult,
    Watcher, run_batch,
};
use memex_host_tools::Tool;
use memex_models::{Script, ScriptEntry, ScriptOrder, ScriptedCall, ScriptedModel};
use memex_runtime::Sandbox;
use memex_sql::{Access, Databases};
use memex_trajectories::{Step, StepKind};
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "agent_overhead_us",
        unit: "us",
        group: "agent",
        about: "A turn of an agent in code space whose model answers at once and whose block is `x = 1`, record saved",
        better: Better::Lower,
        target: Some(1_000.0),
        target_is_p99: false,
        measure: overhead,
    },
    Entry {
        name: "spawn_100_ms",
        unit: "ms",
        group: "agent",
        about: "100 agents spawned in a block of a session that holds 100 MB, until all their results are back",
        better: Better::Lower,
        target: Some(1_000.0),
        target_is_p99: false,
        measure: |context| spawn(context, false),
    },
    Entry {
        name: "spawn_100_growth_mib",
        unit: "MiB",
        group: "agent",
        about: "Growth of the process's share of memory (PSS) at its highest while these 100 agents run",
        better: Better::Lower,
        target: Some(300.0),
        target_is_p99: false,
        measure: |context| spawn(context, true),
    },
    Entry {
        name: "rollouts_per_s",
        unit: "1/s",
        group: "agent",
        about: "Runs of five turns with a model that answers at once, in a batch of 1,000 on two threads",
        better: Better::Higher,
        target: Some(100.0),
        target_is_p99: false,
        measure: rollouts,
    },
    Entry {
        name: "funnel_tokens_code",
        unit: "tokens",
        group: "agent",
        about: "Tokens into the model for the example examples/funnel, acting by code",
        better: Better::Lower,
        target: None,
        target_is_p99: false,
        measure: |context| funnel(context, ActionSpace::Code, CODE),
    },
    Entry {
        name: "funnel_tokens_tools",
        unit: "tokens",
        group: "agent",
        about: "Tokens into the model for the example examples/funnel, acting by tool calls",
        better: Better::Lower,
        target: None,
        target_is_p99: false,
        measure: |context| funnel(context, ActionSpace::Tools, TOOLS),
    },
];

const CODE: &str = include_str!("../../../examples/funnel/code.toml");
const TOOLS: &str = include_str!("../../../examples/funnel/tools.toml");
const WAREHOUSE: &str = include_str!("../../../examples/funnel/warehouse.sql");
const OUTPUT: &str = include_str!("../../../examples/funnel/output.json");

fn fault(error: impl std::fmt::Display) -> Error {
    Error::System {
        what: "an agent's run",
        reason: error.to_string(),
    }
}

fn block(code: &str) -> ScriptEntry {
    ScriptEntry {
        tool_calls: vec![ScriptedCall {
            id: None,
            name: "python".into(),
            arguments: json!({ "code": code }),
        }],
        ..ScriptEntry::default()
    }
}

fn answer() -> ScriptEntry {
    ScriptEntry {
        text: "done".into(),
        ..ScriptEntry::default()
    }
}

fn agent(
    sandbox: &Sandbox,
    script: Script,
    change: impl FnOnce(&mut AgentConfig),
    tools: Vec<Arc<dyn Tool>>,
) -> Result<Agent, Error> {
    let mut config = AgentConfig {
        save_scope: false,
        ..AgentConfig::default()
    };
    change(&mut config);
    let model = Arc::new(ScriptedModel::new("script", script));
    let reactor = Reactor::new().map_err(fault)?;
    let builder = Agent::builder(config, model, &reactor);
    builder
        .sandbox(sandbox.clone())
        .tools(tools)
        .build()
        .map_err(fault)
}

/// Notes when each reply of the model has come.
struct Replies(Arc<Mutex<Vec<Instant>>>);

impl Watcher for Replies {
    fn step(&mut self, step: &Step) {
        if step.kind == StepKind::Model {
            let mut replies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            replies.push(Instant::now());
        }
    }
}

fn overhead(context: &Context) -> Result<Measured, Error> {
    const WARM_UP: usize = 20;
    const TURNS: usize = 200;
    let sandbox = context.sandbox(|_| {})?;
    let mut script = vec![block("x = 1"); WARM_UP + TURNS];
    script.push(answer());
    let turns = |config: &mut AgentConfig| config.budgets.turns = 1_000;
    let agent = agent(&sandbox, Script::new("overhead", script), turns, Vec::new())?;
    let folder = tempfile::tempdir().map_err(fault)?;
    let replies = Arc::default();
    let request = RunRequest {
        trajectory: Some(folder.path().join("run.jsonl")),
        watcher: Box::new(Replies(Arc::clone(&replies))),
        ..RunRequest::new("Count.")
    };
    well(agent.run(request).map_err(fault)?)?;
    let replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
    let mut readings = Readings::default();
    for pair in replies.windows(2).skip(WARM_UP) {
        if let [before, after] = pair {
            readings.push((*after - *before).as_secs_f64() * 1e6);
        }
    }
    let note = "from reply to reply: the block, the names it made, the record, the next request";
    Ok(Measured::new(readings.summary("turns")?, note))
}

/// The time of the block, or the growth of memory while it runs: looking at the
/// memory of a process takes the lock that its children map theirs under.
fn spawn(context: &Context, is_watched: bool) -> Result<Measured, Error> {
    const SPAWN: &str = "import time\nbegan = time.perf_counter()\n\
        handles = [spawn_agent('Say done.') for _ in range(100)]\n\
        results = [handle.result() for handle in handles]\n\
        print(results.count('done'))";
    let sandbox = context.sandbox(|policy| policy.limits.agents = 1_000)?;
    let mine = |mut entry: ScriptEntry| {
        entry.agent = Some("agent".into());
        entry
    };
    let script = vec![
        mine(block(
            "import numpy as np\ndata = np.ones(100_000_000 // 8)",
        )),
        mine(block(SPAWN)),
        mine(answer()),
        answer(),
    ];
    let mut script = Script::new("spawn", script);
    script.order = ScriptOrder::Keyed;
    let agent = agent(&sandbox, script, |_| {}, Vec::new())?;
    let mut readings = Readings::default();
    for _ in 0..3 {
        let before = share_mib()?;
        let highest = is_watched.then(Highest::watch);
        let result = well(agent.run(RunRequest::new("Spawn.")).map_err(fault)?)?;
        let highest = highest.map(Highest::end);
        let mut observed = result
            .trajectory
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Observation);
        let spawned = observed
            .next_back()
            .ok_or_else(|| fault("there was no observation"))?;
        if !spawned.text.starts_with("100") {
            return Err(fault(&spawned.text));
        }
        let run_ms = spawned.timing.and_then(|timing| timing.run_ms);
        readings.push(match highest {
            Some(highest) => highest - before,
            None => run_ms.unwrap_or(0) as f64,
        });
    }
    let note = match is_watched {
        false => "32 at a time; the block as a whole",
        true => {
            "PSS at its highest; the parent's 100 MB, kept once in a memory file that all share, come on top"
        }
    };
    Ok(Measured::new(readings.summary("blocks")?, note))
}

/// Looks at the memory of the process now and then. Pages that several of its
/// mappings share count once.
struct Highest {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<f64>,
}

impl Highest {
    fn watch() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut highest = 0.0_f64;
            while !seen.load(Ordering::Relaxed) {
                highest = highest.max(share_mib().unwrap_or(0.0));
                std::thread::sleep(Duration::from_millis(20));
            }
            highest
        });
        Self { over, thread }
    }

    fn end(self) -> f64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(0.0)
    }
}

fn share_mib() -> Result<f64, Error> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").map_err(fault)?;
    text.lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
        .map(|kib| kib / 1024.0)
        .ok_or_else(|| fault("no Pss in smaps_rollup"))
}

fn rollouts(context: &Context) -> Result<Measured, Error> {
    const RUNS: usize = 1_000;
    let sandbox = context.sandbox(|_| {})?;
    let blocks = ["x = 1", "y = [x] * 10", "sum(y)", "print(y)"];
    let mut script: Vec<ScriptEntry> = blocks.iter().map(|code| block(code)).collect();
    script.push(answer());
    let agent = agent(
        &sandbox,
        Script::new("rollouts", script),
        |_| {},
        Vec::new(),
    )?;
    let requests = || (0..RUNS).map(|_| RunRequest::new("Count.")).collect();
    let began = Instant::now();
    let mut failed = 0;
    run_batch(&agent, requests(), 2, &Cancellation::new(), |_, result| {
        failed += usize::from(!result.is_ok_and(|result| result.status.is_success()));
    });
    if failed > 0 {
        return Err(fault(format!("{failed} runs have no answer")));
    }
    let rate = RUNS as f64 / began.elapsed().as_secs_f64();
    Ok(Measured::new(
        Summary::single(rate),
        "1,000 runs of five turns, no trajectories on disk",
    ))
}

fn funnel(context: &Context, space: ActionSpace, script: &str) -> Result<Measured, Error> {
    let folder = tempfile::tempdir().map_err(fault)?;
    let path = folder.path().join("warehouse.sqlite");
    let database = rusqlite::Connection::open(&path).map_err(fault)?;
    database.execute_batch(WAREHOUSE).map_err(fault)?;
    drop(database);
    let databases = Databases::builder().sqlite("warehouse", &path, Access::ReadOnly);
    let tools = databases.build().map_err(fault)?.tools();
    let sandbox = context.sandbox(|policy| {
        let names = tools.iter().map(|tool| tool.spec().name.clone());
        policy.tools.allow = names.collect();
    })?;
    let script = Script::parse("funnel", "toml", script).map_err(fault)?;
    let agent = agent(
        &sandbox,
        script,
        |config| config.action_space = space,
        tools,
    )?;
    let schema: Value = serde_json::from_str(OUTPUT).map_err(fault)?;
    let result = agent.run(RunRequest {
        output: Some(OutputSchema::new(schema).map_err(fault)?),
        ..RunRequest::new("The funnel of each segment?")
    });
    let result = well(result.map_err(fault)?)?;
    let totals = &result.totals;
    let note = format!(
        "{} turns, {} tokens out",
        totals.turns, totals.output_tokens
    );
    Ok(Measured::new(
        Summary::single(totals.input_tokens as f64),
        note,
    ))
}

fn well(result: RunResult) -> Result<RunResult, Error> {
    match result.status.is_success() {
        true => Ok(result),
        false => Err(fault(&result.status)),
    }
}
