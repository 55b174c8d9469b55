//! A file of tasks: results as JSON lines, progress with rate and cost.

use super::run::stopped_by_ctrl_c;
use super::setup::{AgentOptions, TaskArguments};
use super::telling::result_object;
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::failure::{TURN_FAILED, usage, usage_as_told};
use crate::refusals::agent_refusal;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use memex_agent::{Input, OutputSchema, RunRequest, run_batch};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A batch of the command line.
pub(super) struct Batch<'a> {
    pub(super) tasks: &'a Path,
    pub(super) jobs: usize,
    pub(super) runs: Option<&'a Path>,
    pub(super) json: bool,
    pub(super) with: &'a TaskArguments,
}

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(alias = "task")]
    question: String,
    #[serde(default)]
    output: Option<Value>,
    #[serde(default)]
    inputs: BTreeMap<String, PathBuf>,
}

impl Batch<'_> {
    pub(super) fn run(&self, options: &AgentOptions, context: &Context) -> Result<ExitCode> {
        let lines = read(self.tasks)?;
        let output = self.with.output()?;
        if let Some(folder) = self.runs {
            std::fs::create_dir_all(folder)?;
        }
        let mut requests = Vec::new();
        let mut skipped = 0;
        for line in &lines {
            let place = self.runs.map(|folder| folder.join(file_name(&line.id)));
            if let Some(path) = &place
                && path.exists()
            {
                if is_over(path) {
                    skipped += 1;
                    continue;
                }
                std::fs::remove_file(path)?;
            }
            let own = line.output.clone().map(OutputSchema::new).transpose();
            requests.push(RunRequest {
                task_id: Some(line.id.clone()),
                output: own.map_err(usage_as_told)?.or_else(|| output.clone()),
                inputs: self.inputs(line)?,
                trajectory: place,
                ..RunRequest::new(line.question.clone())
            });
        }
        if skipped > 0 {
            complain(&format!(
                "{skipped} of {} tasks are done already",
                lines.len()
            ));
        }
        let agent = options.assemble(context)?;
        let cancellation = stopped_by_ctrl_c()?;
        let bar = bar(
            requests.len(),
            context.err.is_terminal && !options.session.is_quiet(),
        );
        let places: Vec<Option<PathBuf>> = requests.iter().map(|r| r.trajectory.clone()).collect();
        let (mut ended_well, mut cost_usd, mut fault) = (0, 0.0, None);
        let count = requests.len();
        run_batch(
            &agent,
            requests,
            self.jobs,
            &cancellation,
            |place, result| {
                match result {
                    Ok(result) => {
                        ended_well += usize::from(result.status.is_success());
                        cost_usd += result.totals.cost_usd.unwrap_or(0.0);
                        let saved = places.get(place).and_then(Option::as_deref);
                        bar.suspend(|| print_line(&result_object(&result, saved).to_string()));
                    }
                    Err(error) => {
                        bar.suspend(|| complain(&format!("error: {error}")));
                        fault.get_or_insert(error);
                    }
                }
                bar.set_message(format!("${cost_usd:.4}"));
                bar.inc(1);
            },
        );
        bar.finish_and_clear();
        if !self.json && !options.session.is_quiet() {
            complain(&format!(
                "{ended_well} of {count} runs came to an answer, ${cost_usd:.4}"
            ));
        }
        match fault {
            Some(error) => Err(agent_refusal(error)),
            None if ended_well == count => Ok(ExitCode::SUCCESS),
            None => Ok(ExitCode::from(TURN_FAILED)),
        }
    }
}

impl Batch<'_> {
    /// The objects of all tasks, and those of one: paths beside the file.
    fn inputs(&self, line: &Line) -> Result<Vec<Input>> {
        let folder = self.tasks.parent().unwrap_or(Path::new(""));
        let mut inputs = self.with.inputs();
        for (name, path) in &line.inputs {
            inputs.push(Input::new(name, folder.join(path)).map_err(usage_as_told)?);
        }
        Ok(inputs)
    }
}

fn read(path: &Path) -> Result<Vec<Line>> {
    let place = path.display();
    let hint = "write one JSON object a line, such as {\"id\": \"1\", \"question\": \"…\"}";
    let text =
        std::fs::read_to_string(path).map_err(|error| usage(format!("{place}: {error}"), hint))?;
    let mut ids = BTreeSet::new();
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(text)
            .map_err(|error| usage(format!("{place}, line {number}: {error}"), hint))?;
        if !ids.insert(line.id.clone()) {
            return Err(usage(
                format!(
                    "{place}, line {number}: the id {:?} is there twice",
                    line.id
                ),
                hint,
            ));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The file of a task's trajectory. Ids that cannot be names of files, or are
/// too long, are told apart by a digest.
pub(super) fn file_name(id: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = id.chars().take(120).map(plain).collect();
    let name = name.trim_start_matches('.');
    if name == id && !name.is_empty() {
        return format!("{name}.jsonl");
    }
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let digest = id.bytes().fold(0x811c_9dc5, step);
    format!("{name}-{digest:08x}.jsonl")
}

/// Whether a trajectory has its end.
pub(super) fn is_over(path: &Path) -> bool {
    memex_trajectories::load(path).is_ok_and(|loaded| loaded.trajectory.status.is_success())
}

pub(super) fn bar(total: usize, is_shown: bool) -> ProgressBar {
    if !is_shown {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{wide_bar} {pos}/{len} runs, {per_sec}, {msg} {eta:>4}");
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
