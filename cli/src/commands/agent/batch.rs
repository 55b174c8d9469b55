//! A file of tasks: results as JSON lines, progress with rate and cost.

use super::setup::{AgentOptions, TaskArguments};
use super::telling::result_object;
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, make_folder, usage, usage_as_told};
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use crate::texts;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use memex_agent::{Input, OutputSchema, RunRequest, run_batch};
use memex_policies::check_plain_name;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The longest id that is the name of its file as it is.
const ID_BYTES_MAX: usize = 120;

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
            make_folder(folder)?;
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
                "{ended_well} of {count} runs have an answer, ${cost_usd:.4}"
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
    let text = texts::read_file(path, texts::LINES_BYTES_MAX)
        .map_err(|error| usage(format!("{place}: {error}"), hint))?;
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
/// too long, are told apart by a digest behind a sign that no other name has.
pub(super) fn file_name(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_short = id.len() <= ID_BYTES_MAX;
    if is_short && id.chars().all(is_plain) && check_plain_name(id).is_ok() {
        return format!("{id}.jsonl");
    }
    let name: String = id
        .chars()
        .take(ID_BYTES_MAX)
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let name = name.trim_start_matches('.');
    let digest = blake3::hash(id.as_bytes()).to_hex();
    let digest = digest.get(..32).unwrap_or(&digest);
    format!("{name}~{digest}.jsonl")
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

#[cfg(test)]
mod tests {
    use super::file_name;
    use std::collections::BTreeSet;

    #[test]
    fn every_id_has_a_file_of_its_own_in_the_folder() {
        let long = "x".repeat(300);
        let alike = format!("{}y", "x".repeat(299));
        let ids = [
            "", ".", "..", "../x", "/x", "x", ".x", "x/", "x\\", "x\0", "a/b", "a_b", "a:b", "a b",
            "é", "e", "\u{2025}", &long, &alike,
        ];
        let mut names: BTreeSet<String> = ids.iter().map(|id| file_name(id)).collect();
        assert_eq!(names.len(), ids.len());
        // No id is written so that its file is another's.
        let others: Vec<String> = names
            .iter()
            .map(|name| file_name(name.strip_suffix(".jsonl").unwrap()))
            .collect();
        names.extend(others.iter().filter(|name| name.contains('~')).cloned());
        for name in &names {
            let path = std::path::Path::new("/runs").join(name);
            assert_eq!(path.parent(), Some("/runs".as_ref()), "{name:?}");
            assert_eq!(path.file_name(), Some(name.as_ref()), "{name:?}");
            assert!(name.len() < 200 && name.is_ascii(), "{name:?}");
        }
        assert_eq!(file_name("task-1.b"), "task-1.b.jsonl");
        let forged = file_name("..");
        assert_ne!(file_name(forged.strip_suffix(".jsonl").unwrap()), forged);
    }
}
