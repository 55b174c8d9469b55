//! `memex agent convert`: trajectories in the formats of other programs.

use crate::console::{complain, print};
use crate::exit_code::ExitCode;
use crate::failure::{usage, usage_as_told};
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use memex_suites::{Task, Verdict, grade, officeqa, read_tasks};
use memex_trajectories::formats::rollout::{self, RolloutExtent};
use memex_trajectories::formats::training::{to_trl_line, to_verifiers_line};
use memex_trajectories::formats::{Format, open, write};
use memex_trajectories::spans::{SpanOptions, to_otlp_line};
use memex_trajectories::{Trajectory, load};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
The format of what is read is found by looking.

Examples:
  memex agent convert run.jsonl --into atif > run.atif.json
  memex agent convert runs/*.jsonl --into chat > chat.jsonl
  memex agent convert runs/*.jsonl --into trl --truth tasks.jsonl --min-reward 1 --unique > sft.jsonl
  memex agent convert runs/*.jsonl --into verifiers --truth tasks.jsonl > rollouts.jsonl
  memex agent convert run.jsonl --into otlp --content > spans.jsonl";

/// Turn trajectories into another format
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConvertArguments {
    /// Trajectories: memex JSON lines, ATIF, chat or rollout JSON lines
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What to turn them into
    #[arg(long, value_name = "FORMAT")]
    into: Into,

    /// Let spans contain messages, arguments and results
    #[arg(long)]
    content: bool,

    #[command(flatten)]
    choice: Choice,
}

/// Which runs are taken.
#[derive(Debug, Clone, Args)]
struct Choice {
    /// The tasks with their answers: a run is worth 1 if its answer is right, else 0
    #[arg(long, value_name = "TASKS")]
    truth: Option<PathBuf>,

    /// How far off numbers of a public benchmark may be, as a part of the answer
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    tolerance: f64,

    /// Leave out runs that are worth less
    #[arg(long, value_name = "REWARD", requires = "truth")]
    min_reward: Option<f64>,

    /// Leave out runs whose steps say the same as those of an earlier one
    #[arg(long)]
    unique: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Into {
    /// memex JSON lines
    Memex,
    /// Agent Trajectory Interchange Format
    Atif,
    /// Conversations of chat completions, one a line, spawned agents too
    Chat,
    /// Rollouts for reinforcement learning, one a line, as OpenRLHF has them
    #[value(alias = "openrlhf")]
    Rollout,
    /// Prompts and completions as TRL has them
    Trl,
    /// Rollouts as verifiers has them
    Verifiers,
    /// OpenTelemetry spans, one run a line
    Otlp,
}

/// A run, and what is known of its answer.
struct Chosen {
    run: Trajectory,
    truth: Option<Value>,
    reward: Option<f64>,
}

pub(super) fn execute(arguments: &ConvertArguments) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in &arguments.files {
        runs.extend(read(file)?);
    }
    let chosen = arguments.choice.choose(runs)?;
    let format = match arguments.into {
        Into::Memex => Format::Native,
        Into::Atif => Format::Atif,
        Into::Chat => Format::Chat,
        Into::Rollout | Into::Trl | Into::Verifiers | Into::Otlp => {
            for (number, one) in chosen.iter().enumerate() {
                let line = line(arguments, number, one).map_err(usage_as_told)?;
                print(format!("{line}\n"));
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let runs: Vec<Trajectory> = chosen.into_iter().map(|one| one.run).collect();
    let mut text = Vec::new();
    write(format, &runs, "standard output", &mut text).map_err(usage_as_told)?;
    print(String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}

/// A run in a format of lines.
fn line(
    arguments: &ConvertArguments,
    number: usize,
    one: &Chosen,
) -> Result<String, memex_trajectories::Error> {
    let run = &one.run;
    match arguments.into {
        Into::Trl => to_trl_line(run, one.reward),
        Into::Verifiers => to_verifiers_line(run, number, one.truth.as_ref(), one.reward),
        Into::Otlp => {
            let content = arguments.content;
            to_otlp_line(run, SpanOptions { content })
        }
        _ => rollout::to_line(run, one.truth.as_ref(), RolloutExtent::Whole),
    }
}

impl Choice {
    fn choose(&self, runs: Vec<Trajectory>) -> Result<Vec<Chosen>> {
        let tasks = match &self.truth {
            None => Vec::new(),
            Some(path) => truth(path, self.tolerance)?,
        };
        let count = runs.len();
        let mut seen = HashSet::new();
        let mut chosen = Vec::new();
        for run in runs {
            let (truth, reward) = match &self.truth {
                None => (None, None),
                Some(path) => {
                    let Some(task) = task_of(&tasks, &run) else {
                        return Err(usage(
                            format!("the run {}: its task is not in {}", run.id, path.display()),
                            "give --truth the file of tasks that the runs are of",
                        ));
                    };
                    let reward = f64::from(u8::from(is_right(task, &run)?));
                    (Some(task.answer.clone()), Some(reward))
                }
            };
            let is_worth = |min: f64| reward.is_some_and(|reward| reward >= min);
            if !self.min_reward.is_none_or(is_worth) || (self.unique && !seen.insert(digest(&run)))
            {
                continue;
            }
            chosen.push(Chosen { run, truth, reward });
        }
        if chosen.len() < count {
            complain(&format!("{} of {count} runs are taken", chosen.len()));
        }
        Ok(chosen)
    }
}

/// What a run says, without times and ids.
fn digest(run: &Trajectory) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for step in &run.steps {
        add(step.kind.word());
        add(&step.text);
        add(step.code.as_deref().unwrap_or_default());
        for call in &step.tool_calls {
            add(&call.name);
            add(&call.arguments.to_string());
        }
        step.results.iter().for_each(|result| add(&result.content));
    }
    hash.finalize()
}

/// Tasks with their answers; of a public benchmark, from its CSV file.
pub(super) fn truth(path: &Path, tolerance: f64) -> Result<Vec<Task>> {
    let is_csv = path.extension().is_some_and(|ending| ending == "csv");
    let tasks = match is_csv {
        true => officeqa::read_questions(path, tolerance),
        false => read_tasks(path),
    };
    tasks.map_err(usage_as_told)
}

/// The task of a run: by its id, or else, since other formats have none, by its words.
pub(super) fn task_of<'a>(tasks: &'a [Task], run: &Trajectory) -> Option<&'a Task> {
    let by_id = |task: &&Task| run.task_id.as_deref() == Some(task.id.as_str());
    let by_words = |task: &&Task| run.task_id.is_none() && task.question == run.task;
    tasks
        .iter()
        .find(by_id)
        .or_else(|| tasks.iter().find(by_words))
}

/// Whether a run's answer is right; one that only a model can judge counts as wrong.
pub(super) fn is_right(task: &Task, run: &Trajectory) -> Result<bool> {
    let words = run.answer.clone().map(Value::String);
    let Some(answer) = run.submission.clone().or(words) else {
        return Ok(false);
    };
    let verdict = grade(task, &answer).with_context(|| task.id.clone())?;
    Ok(verdict == Verdict::Correct)
}

/// The runs of a file of whatever format; one that was cut off counts.
pub(in crate::commands) fn read(path: &Path) -> Result<Vec<Trajectory>> {
    if let Ok(loaded) = load(path) {
        return Ok(vec![loaded.trajectory]);
    }
    let runs = open(path).map_err(usage_as_told)?;
    let runs: Result<Vec<_>, _> = runs.map(|run| run.map(|run| run.trajectory)).collect();
    runs.map_err(usage_as_told)
        .with_context(|| path.display().to_string())
}
