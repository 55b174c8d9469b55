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
use memex_agent::evaluation::path_in_folder;
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
    inputs: BTreeMap<String, String>,
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
                && let Found::Over = found(path, &line.id)?
            {
                skipped += 1;
                continue;
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
    /// The objects of all tasks, and those of one. What a task names lies in the folder of
    /// its file, whoever wrote that; `--input` names anything.
    fn inputs(&self, line: &Line) -> Result<Vec<Input>> {
        let folder = self.tasks.parent().unwrap_or(Path::new(""));
        let mut inputs = self.with.inputs();
        for (name, path) in &line.inputs {
            let refused = |error: memex_agent::Error| {
                usage(
                    format!("the task {:?}: the input {name}: {error}", line.id),
                    "put it beside the file of tasks, or name it with --input",
                )
            };
            let path = path_in_folder(folder, path).map_err(refused)?;
            inputs.push(Input::new(name, path).map_err(refused)?);
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

/// What there was in the place of a trajectory.
pub(super) enum Found {
    Nothing,
    /// The run of the task, with its end.
    Over,
    /// What was left of a run of the task, which is gone now.
    Stopped,
}

/// Looks at the place of a task's trajectory, and takes away what a run of the same task that
/// was stopped has left there. Anything else stays, and is an error: the id of a task may be
/// anybody's word, and its place somebody's file.
pub(super) fn found(path: &Path, task: &str) -> Result<Found> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        // Killed before its first line.
        Ok(status) if status.is_file() && status.len() == 0 => {}
        _ => match memex_trajectories::load(path) {
            Ok(run) if run.trajectory.task_id.as_deref() != Some(task) => {
                return Err(not_of_task(path, task, "it is a run of another task"));
            }
            Ok(run) if run.trajectory.status.is_success() => return Ok(Found::Over),
            Ok(_) => {}
            Err(error) => return Err(not_of_task(path, task, &error.to_string())),
        },
    }
    std::fs::remove_file(path)?;
    Ok(Found::Stopped)
}

fn not_of_task(path: &Path, task: &str, why: &str) -> anyhow::Error {
    usage(
        format!(
            "{} is in the place of the trajectory of the task {task:?}: {why}",
            path.display()
        ),
        "move it away, or name another folder with --runs",
    )
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
    use super::{Found, file_name, found};
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// The beginning of a run of the task `t`.
    const STOPPED: &str = r#"{"type":"trajectory","version":1,"id":"a","task":"q","task_id":"t","agent":{"name":"n","version":"1"},"started":"2026-01-01T00:00:00.000Z"}"#;

    #[test]
    fn only_what_a_run_of_the_same_task_has_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let over =
            format!("{STOPPED}\n{{\"type\":\"end\",\"status\":{{\"state\":\"answered\"}}}}\n");
        for (name, content) in [
            ("over", over.as_str()),
            ("stopped", STOPPED),
            ("torn", &format!("{STOPPED}\n{{\"type\":\"st")),
            ("empty", ""),
            ("precious", "my own data\n"),
            ("json", "{\"a\": 1}\n"),
        ] {
            fs::write(at(name), content).unwrap();
        }
        fs::create_dir(at("folder")).unwrap();
        symlink(at("precious"), at("link")).unwrap();
        assert!(matches!(found(&at("nothing"), "t"), Ok(Found::Nothing)));
        assert!(matches!(found(&at("over"), "t"), Ok(Found::Over)));
        for name in ["stopped", "torn", "empty"] {
            let left = found(&at(name), "t");
            assert!(matches!(left, Ok(Found::Stopped)), "{name}");
            assert!(!at(name).exists(), "{name}");
        }
        for (name, task) in [
            ("precious", "t"),
            ("json", "t"),
            ("folder", "t"),
            ("link", "t"),
            ("over", "another"),
        ] {
            let refused = found(&at(name), task).err().unwrap().to_string();
            assert!(refused.contains("in the place of"), "{name}: {refused}");
            assert!(at(name).exists(), "{name}");
        }
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "my own data\n");
    }

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
