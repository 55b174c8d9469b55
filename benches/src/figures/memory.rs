//! The memory of an idle session, and the cost of the memory of Markdown
//! files costs.

use crate::context::{Context, run_ok, session};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use memex_mem_agent::{Agent, AgentOptions, CODE_TIME, NoWatch, Workplace, policy};
use memex_memory::{Memory, Mode, Options};
use memex_models::{Script, ScriptEntry, ScriptOrder, ScriptedModel};
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const BASE: Entry = Entry {
    unit: "ms",
    ..Entry::of("memory")
};

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "idle_private_kib",
        unit: "KiB",
        about: "Private memory of the process for each idle session that has run `import pandas` and `x = 1`",
        target: Some(1024.0),
        measure: idle_private,
        ..BASE
    },
    Entry {
        name: "memory_tool_us",
        unit: "us",
        about: "One call of `read_file` on a memory from Python, file system included",
        target: Some(30.0),
        measure: tool,
        ..BASE
    },
    Entry {
        name: "memory_list_10k_ms",
        about: "`list_files()` from Python on a memory of 10,000 files",
        target: Some(50.0),
        measure: |context| large(context, "text = list_files()"),
        ..BASE
    },
    Entry {
        name: "memory_size_10k_ms",
        about: "`get_size('')` from Python on a memory of 10,000 files",
        target: Some(20.0),
        measure: |context| large(context, "size = get_size('')"),
        ..BASE
    },
    Entry {
        name: "memory_agent_ms",
        about: "A fresh memory agent with a scripted model: two blocks on the memory and an answer",
        target: Some(5.0),
        measure: agent,
        ..BASE
    },
];

/// A memory in a directory of its own, and where agents work on it.
struct Desk {
    workplace: Workplace,
    runtime: Runtime,
    _directory: TempDir,
}

impl Desk {
    fn new(
        context: &Context,
        fill: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<Self, Error> {
        let directory = tempfile::tempdir().map_err(system)?;
        fs::write(
            directory.path().join("user.md"),
            "- name: Ada\n- city: Graz\n",
        )
        .map_err(system)?;
        fill(directory.path()).map_err(system)?;
        let memory = Memory::open(directory.path(), Options::of(Mode::Compat)).map_err(system)?;
        let policy = policy(CODE_TIME).map_err(system)?;
        let sandbox = context.sandbox(|own| *own = policy)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(system)?;
        let workplace =
            Workplace::new(&memory, &sandbox, runtime.handle().clone()).map_err(system)?;
        Ok(Self {
            workplace,
            runtime,
            _directory: directory,
        })
    }
}

fn system(error: impl Display) -> Error {
    Error::System {
        what: "a memory to measure",
        reason: error.to_string(),
    }
}

fn tool(context: &Context) -> Result<Measured, Error> {
    const CALLS: usize = 100;
    const BLOCKS: usize = 200;
    let desk = Desk::new(context, |_| Ok(()))?;
    let mut scratchpad = desk.workplace.scratchpad("bench").map_err(system)?;
    let block = format!("for _ in range({CALLS}): text = read_file('user.md')");
    let mut readings = Readings::default();
    for index in 0..BLOCKS + 10 {
        let block = scratchpad.run(&block, Mode::Compat).map_err(system)?;
        if index >= 10 {
            readings.push(block.outcome.wall_time.as_secs_f64() * 1e6 / CALLS as f64);
        }
    }
    let note = format!("n blocks of {CALLS} calls each, with a file of 26 bytes");
    Ok(Measured::new(readings.summary("calls")?, note))
}

fn large(context: &Context, code: &str) -> Result<Measured, Error> {
    const FILES: usize = 10_000;
    const COUNT: usize = 50;
    let desk = Desk::new(context, |root| {
        for folder in 0..100 {
            let folder = root.join(format!("entities/group_{folder:02}"));
            fs::create_dir_all(&folder)?;
            for file in 0..FILES / 100 {
                fs::write(
                    folder.join(format!("entity_{file:02}.md")),
                    "- kind: entity\n",
                )?;
            }
        }
        Ok(())
    })?;
    let mut scratchpad = desk.workplace.scratchpad("bench").map_err(system)?;
    let mut readings = Readings::default();
    for index in 0..COUNT + 3 {
        let block = scratchpad.run(code, Mode::Compat).map_err(system)?;
        if !block.outcome.is_ok() {
            return Err(crate::context::unexpected(code, "its end", &block.outcome));
        }
        if index >= 3 {
            readings.push(block.outcome.wall_time.as_secs_f64() * 1e3);
        }
    }
    let note = "100 folders of 100 files; a block of Python each";
    Ok(Measured::new(readings.summary(code)?, note))
}

fn agent(context: &Context) -> Result<Measured, Error> {
    const COUNT: usize = 200;
    let desk = Desk::new(context, |_| Ok(()))?;
    let says = |text: &str| ScriptEntry {
        text: text.to_owned(),
        ..ScriptEntry::default()
    };
    let script = Script {
        order: ScriptOrder::Conversation,
        ..Script::new(
            "bench",
            vec![
                says("<think>look</think><python>text = read_file('user.md')</python>"),
                says(
                    "<think>save</think><python>ok = create_file('entities/graz.md', text)</python>",
                ),
                says("<think>done</think><reply>Ada lives in Graz.</reply>"),
            ],
        )
    };
    let model = Arc::new(ScriptedModel::new("scripted", script));
    let mut readings = Readings::default();
    for index in 0..COUNT + 10 {
        let (answered, took) = timed(|| {
            let (model, options) = (Arc::clone(&model), AgentOptions::of(Mode::Compat));
            let id = format!("bench-{index}");
            let mut agent = Agent::new(&desk.workplace, model, options, id);
            desk.runtime
                .block_on(agent.ask("Where does Ada live?", &mut NoWatch))
        });
        let answer = answered.map_err(system)?;
        if answer.reply != "Ada lives in Graz." {
            return Err(system(format!("the agent answered {:?}", answer.reply)));
        }
        if index >= 10 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    let note = "compat mode; the scripted model's own time is included";
    Ok(Measured::new(readings.summary("agents")?, note))
}

fn idle_private(context: &Context) -> Result<Measured, Error> {
    const WARM_UP: usize = 5;
    const COUNT: usize = 100;
    let sandbox = context.sandbox(|_| {})?;
    context.image().cool();
    let mut sessions = Vec::with_capacity(WARM_UP + COUNT);
    let mut readings = Readings::default();
    let first = private_dirty_kib()?;
    let mut before = first;
    for index in 0..WARM_UP + COUNT {
        let mut session = session(&sandbox)?;
        run_ok(&mut session, "import pandas")?;
        run_ok(&mut session, "x = 1")?;
        sessions.push(session);
        let now = private_dirty_kib()?;
        if index >= WARM_UP {
            readings.push(now - before);
        }
        before = now;
    }
    let mean = (before - first) / sessions.len() as f64;
    let pages = sessions
        .last_mut()
        .map_or(0, |session| session.dirty_pages());
    context.image().cool();
    let note = format!(
        "growth of Private_Dirty with each of n sessions alive together, mean {mean:.0} KiB; {pages} pages of the last are its own"
    );
    Ok(Measured::new(readings.summary("sessions")?, note))
}

fn private_dirty_kib() -> Result<f64, Error> {
    let fail = |reason: String| Error::System {
        what: "private memory of the process",
        reason,
    };
    let text =
        fs::read_to_string("/proc/self/smaps_rollup").map_err(|error| fail(error.to_string()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok())
        .ok_or_else(|| fail("no Private_Dirty in smaps_rollup".into()))
}
