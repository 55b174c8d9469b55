//! `memex agent audit`: why runs have a wrong answer.

use super::batch::bar;
use super::convert::{is_right, read, task_of, truth};
use super::setup::AgentOptions;
use crate::console::{complain, print, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage};
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use crate::texts;
use anyhow::Result;
use clap::{Args, ValueEnum};
use memex_agent::evaluation::{Finding, Taxonomy};
use memex_agent::run_batch;
use memex_trajectories::Trajectory;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Runs are matched with the tasks of a suite by their task ids and graded; an auditor, itself
an agent with the run in its scope, finds the first decisive mistake of each wrong one.

Examples:
  memex agent audit runs/*.jsonl --truth suite/tasks.jsonl --model openai:gpt-5
  memex agent audit runs/*.jsonl --truth tasks.jsonl --taxonomy axes.toml --json --jobs 4";

/// Classify wrong runs by their first decisive mistake
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AuditArguments {
    /// Trajectories, of any format
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The tasks with their answers; the CSV file of a public benchmark, too
    #[arg(long, value_name = "TASKS")]
    truth: PathBuf,

    /// How far off numbers of a public benchmark may be, as a part of the answer
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    tolerance: f64,

    /// A column of the table for each of these
    #[arg(long, value_name = "WHAT", default_value = "space")]
    by: By,

    /// Axes of mistakes, as TOML [default: source selection, interpretation, search strategy, execution]
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,

    /// Runs at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    jobs: usize,

    #[command(flatten)]
    agent: AgentOptions,
}

/// What runs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// The action space
    Space,
    /// The model
    Model,
    /// Both
    ModelAndSpace,
    /// Nothing
    None,
}

impl By {
    fn group(self, run: &Trajectory) -> String {
        let space = run.agent.action_space.word();
        match self {
            Self::Space => space.to_owned(),
            Self::Model => run.agent.model.clone(),
            Self::ModelAndSpace => format!("{} {space}", run.agent.model),
            Self::None => "runs".to_owned(),
        }
    }
}

pub(super) fn execute(arguments: &AuditArguments, context: &Context) -> Result<ExitCode> {
    let taxonomy = match &arguments.taxonomy {
        None => Taxonomy::built_in().map_err(agent_refusal)?,
        Some(path) => {
            let text = texts::read_file(path, texts::SETTINGS_BYTES_MAX).map_err(|error| {
                usage(format!("{}: {error}", path.display()), "name a TOML file")
            })?;
            Taxonomy::parse(&text, &path.display().to_string()).map_err(agent_refusal)?
        }
    };
    let tasks = truth(&arguments.truth, arguments.tolerance)?;
    let (mut requests, mut wrong, mut right) = (Vec::new(), Vec::new(), 0);
    for file in &arguments.files {
        for (place, run) in read(file)?.iter().enumerate() {
            let Some(task) = task_of(&tasks, run) else {
                return Err(usage(
                    format!(
                        "{}: its task is not in {}",
                        file.display(),
                        arguments.truth.display()
                    ),
                    "give --truth the file of tasks that the runs are of",
                ));
            };
            if is_right(task, run)? {
                right += 1;
                continue;
            }
            let request = taxonomy.audit(file, place, &task.answer);
            requests.push(request.map_err(agent_refusal)?);
            wrong.push((file, task.id.as_str(), arguments.by.group(run)));
        }
    }
    let agent = arguments.agent.assemble(context)?;
    let is_json = arguments.agent.session.is_json();
    let cancellation = stopped_by_ctrl_c()?;
    let bar = bar(
        requests.len(),
        context.err.is_terminal && !arguments.agent.session.is_quiet(),
    );
    let (mut findings, mut failed) = (Vec::new(), 0);
    run_batch(
        &agent,
        requests,
        arguments.jobs,
        &cancellation,
        |place, result| {
            bar.inc(1);
            let Some((file, task, group)) = wrong.get(place) else {
                return;
            };
            let submitted = result.map(|result| result.submission).unwrap_or_default();
            let finding = submitted.and_then(|value| serde_json::from_value::<Finding>(value).ok());
            let Some(finding) = finding else {
                failed += 1;
                bar.suspend(|| {
                    complain(&format!("{}: the auditor has no finding", file.display()))
                });
                return;
            };
            if is_json {
                let object = json!({
                    "type": "finding", "file": file, "task": task, "group": group, "finding": finding,
                });
                bar.suspend(|| print_line(&object.to_string()));
            }
            findings.push((group.clone(), finding));
        },
    );
    bar.finish_and_clear();
    if !is_json {
        print(taxonomy.table(&findings).to_text());
        complain(&format!(
            "{right} right, {} wrong, {failed} not classified",
            wrong.len()
        ));
    }
    Ok(match failed == 0 && !cancellation.is_cancelled() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(TURN_FAILED),
    })
}
