//! `memex mem bench` and `memex mem rollouts`: tasks that are judged.

use super::options::{AgentArguments, ModelArguments, PriceArguments, build, mode};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, make_folder, usage};
use anyhow::{Context as _, Result};
use clap::Args;
use memex_escapes::line;
use memex_mem_agent::bench::{self, Category, Graded, Judge, Setup, TaskFolder};
use memex_mem_agent::rollouts::{self, Batch, Weights};
use memex_mem_agent::{Error, Workplace};
use memex_memory::{Memory, Options};
use memex_models::Cost;
use memex_trajectories::statistics::mean;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

const BENCH: &str = "\
DIR holds eval/{retrieval,filter,update,clarification}/N/ with the folder of a memory and
N_qa.jsonl: lines {question, answer, judge}, for updates {update, question, answer, judge,
original, diff}. Every folder starts from a fresh copy of its memory and every question from
a fresh agent; an update is told to one agent and asked of another. examples/mem-bench is a
set of 57 tasks.

Exit status 1: some task could not be worked on to its end.

Examples:
  memex mem bench examples/mem-bench --model openai:gpt-5-mini --judge openai:gpt-5 --out scores
  memex mem bench examples/mem-bench --model local:mem-agent@http://127.0.0.1:8000/v1 --compat --judge rules --jobs 8
  memex mem bench examples/mem-bench --only update --model script:replies.toml --judge rules";

/// Ask the questions of a benchmark and have the answers judged
#[derive(Debug, Args)]
#[command(after_help = BENCH)]
pub(super) struct BenchArguments {
    /// The benchmark
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    judged: JudgedArguments,
    /// Write scores.json, tasks.jsonl, rollouts.jsonl, report.html and runs.html here
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The scores as one JSON object
    #[arg(long)]
    json: bool,
}

/// Options shared by `bench` and `rollouts`.
#[derive(Debug, Args)]
struct JudgedArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    prices: PriceArguments,
    /// Who judges: a model as for --model, or `rules` for tasks that have rules
    #[arg(long, value_name = "MODEL|rules")]
    judge: String,
    #[command(flatten)]
    agent: AgentArguments,
    /// Behave as the trained model knows it
    #[arg(long)]
    compat: bool,
    /// Tasks at a time
    #[arg(long, short, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// Only this category
    #[arg(long, value_name = "CATEGORY", value_parser = category)]
    only: Option<Category>,
}

fn category(name: &str) -> Result<Category, String> {
    let known = Category::ALL
        .into_iter()
        .find(|category| category.name() == name);
    known.ok_or_else(|| "there are retrieval, filter, update and clarification".to_owned())
}

impl JudgedArguments {
    fn setup(&self, context: &Context) -> Result<Setup> {
        let model = self.model.build()?;
        let judge = match self.judge.as_str() {
            "rules" => Judge::Rules,
            line => Judge::Model(build(line, None, None)?),
        };
        let mut options = self.agent.options(mode(self.compat))?;
        options.prices = self.prices.table()?;
        let sandbox = self.agent.sandbox(context)?;
        // Every folder brings a memory of its own.
        let nowhere = tempfile::tempdir().context("no temporary directory can be made")?;
        let memory = Memory::open(nowhere.path(), Options::of(mode(self.compat)))?;
        let workplace = Workplace::new(&memory, &sandbox, context.runtime()?)?;
        Ok(Setup {
            workplace,
            model,
            options,
            judge,
        })
    }

    fn chosen(&self, folders: Vec<TaskFolder>) -> Vec<TaskFolder> {
        let folders = folders.into_iter();
        folders
            .filter(|folder| self.only.is_none_or(|only| only == folder.category))
            .collect()
    }
}

fn unreadable(error: Error) -> anyhow::Error {
    usage(error.to_string(), "`memex help mem bench` shows the format")
}

pub(super) fn execute(arguments: &BenchArguments, context: &Context) -> Result<ExitCode> {
    let judged = &arguments.judged;
    let folders = judged.chosen(bench::read(&arguments.directory).map_err(unreadable)?);
    let runtime = context.runtime()?;
    let setup = judged.setup(context)?;
    let paint = context.err.paint;
    let told = |graded: &Graded| {
        let word = match graded.is_correct() {
            true => paint.good("correct"),
            false => paint.bad("wrong"),
        };
        let why = line(&graded.judgment.reason.replace('\n', " "));
        let why: String = why.chars().take(120).collect();
        complain(&format!("{:<22} {word}  {}", graded.id, paint.faint(&why)));
    };
    let graded = runtime.block_on(bench::run(&setup, &folders, judged.jobs.into(), &told));
    let scores = bench::scores(&graded);
    if let Some(out) = &arguments.out {
        let title = format!(
            "{} on {}",
            setup.model.name(),
            arguments.directory.display()
        );
        bench::write(out, &title, &graded, &scores)?;
    }
    let cost = bench::cost_usd(&graded);
    match (arguments.json, cost) {
        (true, _) => {
            let object = serde_json::json!({"scores": scores, "cost_usd": cost});
            print_line(&object.to_string());
        }
        (false, cost) => {
            crate::console::print(bench::table(&scores).to_text());
            if let Some(cost) = cost {
                print_line(&format!("the agents cost {}", Cost::from_usd(cost)));
            }
        }
    }
    let failed = graded.iter().filter(|one| one.failure.is_some()).count();
    if failed > 0 {
        complain(&format!(
            "{} {failed} tasks could not be worked on to their end",
            paint.bad("error:")
        ));
        return Ok(ExitCode::from(TURN_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

const ROLLOUTS: &str = "\
Each episode starts from the memory as it was given. Its reward is a weighted mean, each
part from 0 to 1: the form of the replies, the judgment, and what became of the memory
(for an update, the part of its diff that is there; otherwise, whether nothing changed).

rollouts.jsonl has lines {context_messages, label}, the label being an object with answer,
reward and its parts; episodes.jsonl has the same episodes with what changed in the memory.

Examples:
  memex mem rollouts --bench examples/mem-bench --model local:m@http://127.0.0.1:8000/v1 --training --judge rules --attempts 8 --jobs 32 --out batch
  memex mem rollouts --memories memories.jsonl --tasks tasks.jsonl --model openai:gpt-5-mini --judge openai:gpt-5 --out batch";

/// Run batches of episodes for training, with rewards
#[derive(Debug, Args)]
#[command(after_help = ROLLOUTS)]
pub(super) struct RolloutArguments {
    /// Tasks in the format of a benchmark
    #[arg(long, value_name = "DIR", required_unless_present = "tasks")]
    bench: Option<PathBuf>,
    /// Memories, one JSON document a line
    #[arg(
        long,
        value_name = "FILE",
        requires = "tasks",
        conflicts_with = "bench"
    )]
    memories: Option<PathBuf>,
    /// Tasks, one JSON object a line: memory_id, question, answer, judge, update, diff
    #[arg(long, value_name = "FILE", requires = "memories")]
    tasks: Option<PathBuf>,
    #[command(flatten)]
    judged: JudgedArguments,
    /// Episodes of each task
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    attempts: u32,
    /// Weights of form, judgment and memory
    #[arg(long, value_name = "F,J,M", value_parser = weights, default_value = "0.1,0.6,0.3")]
    weights: Weights,
    /// Directory for rollouts.jsonl and episodes.jsonl
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn weights(text: &str) -> Result<Weights, String> {
    let parts: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match parts.as_deref() {
        Ok([format, judge, memory])
            if [format, judge, memory]
                .iter()
                .all(|part| part.is_finite() && **part >= 0.0) =>
        {
            Ok(Weights {
                format: *format,
                judge: *judge,
                memory: *memory,
            })
        }
        _ => Err("write three numbers that are not negative, such as 0.1,0.6,0.3".to_owned()),
    }
}

pub(super) fn rollouts(arguments: &RolloutArguments, context: &Context) -> Result<ExitCode> {
    let judged = &arguments.judged;
    let folders = match (&arguments.bench, &arguments.memories, &arguments.tasks) {
        (Some(bench), ..) => bench::read(bench),
        (None, Some(memories), Some(tasks)) => rollouts::read(memories, tasks),
        _ => {
            return Err(usage(
                "no tasks are named",
                "say --bench, or --memories and --tasks",
            ));
        }
    };
    let folders = judged.chosen(folders.map_err(unreadable)?);
    let runtime = context.runtime()?;
    let setup = judged.setup(context)?;
    let out = &arguments.out;
    make_folder(out)?;
    let open = |name: &str| -> Result<BufWriter<File>> {
        let path = out.join(name);
        // The name is this command's own: a link of that name is not followed.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        Ok(BufWriter::new(file.with_context(|| {
            format!("cannot write {}", path.display())
        })?))
    };
    let (mut lines, mut details) = (open("rollouts.jsonl")?, open("episodes.jsonl")?);
    let batch = Batch {
        attempts: arguments.attempts,
        jobs: judged.jobs.into(),
        weights: arguments.weights,
    };
    let mut rewards = Vec::new();
    let mut failed = 0_usize;
    let failure = |source| Error::File {
        doing: "write",
        path: out.clone(),
        source,
    };
    let done = |episode: rollouts::Episode| {
        for line in episode.lines()? {
            writeln!(lines, "{line}").map_err(failure)?;
        }
        let detail = serde_json::to_string(&episode).unwrap_or_default();
        writeln!(details, "{detail}").map_err(failure)?;
        rewards.push(episode.reward.total);
        failed += usize::from(episode.grade.failure.is_some());
        Ok(())
    };
    runtime.block_on(rollouts::run(&setup, &folders, batch, done))?;
    lines.flush()?;
    details.flush()?;
    let reward = mean(&rewards).unwrap_or(0.0);
    print_line(&format!(
        "{} episodes, mean reward {reward:.3}, {failed} not worked on to their end",
        rewards.len(),
    ));
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(TURN_FAILED),
    })
}
