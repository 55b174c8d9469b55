//! `memex agent eval`: a suite of tasks by several models in both spaces.

mod results;
mod suite;

use super::batch::{Found, bar, file_name, found};
use super::settings::Space;
use super::setup::{AgentOptions, build};
use crate::console::{complain, print, print_line, write_whole};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, at_place, make_folder, usage, usage_as_told};
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use memex_agent::evaluation::{Graded, Variant, grade_result, output_of, plot, summarise, table};
use memex_agent::{ActionSpace, Cancellation, Reactor, RunRequest, run_batch};
use memex_host_tools::Tool;
use memex_models::{Model, ModelConfig};
use memex_suites::{Task, read_tasks};
use results::{keep, kept};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use suite::{Suite, make, tools_of};

const EXAMPLES: &str = "\
A suite is a file of tasks, one JSON object a line, beside the documents and databases it
asks of. Every model answers every task in every space, with the same tools. Results are
kept as they come: a run that was stopped resumes where it was.

Examples:
  memex agent eval --make warehouse --into suite/
  memex agent eval suite/tasks.jsonl --models openai:gpt-5-mini --models openai:gpt-5 --keep results.jsonl
  memex agent eval suite/tasks.jsonl --model local:qwen@http://localhost:8000/v1 --jobs 8 --svg pareto.svg";

/// Answer a suite of tasks with several models, in both spaces
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvalArguments {
    /// The file of tasks
    #[arg(
        value_name = "TASKS",
        required_unless_present = "make",
        conflicts_with = "make"
    )]
    suite: Option<PathBuf>,

    /// Write one of the built-in suites, and exit
    #[arg(long, value_name = "SUITE", requires = "into")]
    make: Option<Suite>,

    /// The folder that --make writes
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,

    /// The seed of --make: a suite is its seed
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// A model; give several to compare them [default: that of --model or --agent]
    #[arg(long, value_name = "MODEL")]
    models: Vec<String>,

    /// The spaces
    #[arg(long, value_name = "SPACE", value_delimiter = ',', default_values = ["code", "tools"])]
    spaces: Vec<Space>,

    /// Run only the first tasks
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,

    /// Runs of each task
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    repeat: u32,

    /// Runs at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    jobs: usize,

    /// Keep results in this file of JSON lines, and continue from it
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,

    /// Save trajectories in this folder
    #[arg(long = "runs", value_name = "DIR")]
    runs: Option<PathBuf>,

    /// Draw accuracy against cost into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// The model that judges answers that no rule covers
    #[arg(long, value_name = "MODEL")]
    judge: Option<String>,

    #[command(flatten)]
    agent: AgentOptions,
}

/// One run to do.
struct Job {
    task: usize,
    repetition: u32,
}

pub(super) fn execute(arguments: &EvalArguments, context: &Context) -> Result<ExitCode> {
    if let (Some(suite), Some(folder)) = (arguments.make, &arguments.into) {
        return make(suite, arguments.seed, folder);
    }
    let path = arguments.suite.as_deref().unwrap_or(Path::new(""));
    let mut tasks = read_tasks(path).map_err(usage_as_told)?;
    tasks.truncate(arguments.limit.unwrap_or(usize::MAX));
    if tasks.is_empty() {
        return Err(usage(
            format!("{} has no tasks", path.display()),
            "`memex agent eval --make` makes suites",
        ));
    }
    let tools = tools_of(path, &tasks)?;
    let mut results = kept(arguments.keep.as_deref())?;
    let models = match arguments.models.is_empty() {
        true => vec![arguments.agent.settings.resolve()?.model.spec.to_string()],
        false => arguments.models.clone(),
    };
    let judge = arguments
        .judge
        .as_deref()
        .map(ModelConfig::parse)
        .transpose();
    let judge = judge
        .map_err(usage_as_told)?
        .as_ref()
        .map(build)
        .transpose()?;
    let cancellation = stopped_by_ctrl_c()?;
    for model in &models {
        for space in &arguments.spaces {
            let variant = Variant::new(model, ActionSpace::from(*space));
            let one = One {
                arguments,
                context,
                tasks: &tasks,
                tools: &tools,
                judge: judge.as_ref(),
            };
            one.run(&variant, *space, &mut results, &cancellation)?;
        }
    }
    let wanted: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    results.retain(|result| wanted.contains(result.task.as_str()));
    let standings = summarise(&results);
    if arguments.agent.session.is_json() {
        for standing in &standings {
            print_line(&serde_json::to_string(standing)?);
        }
    } else {
        print(table(&standings).to_text());
    }
    if let Some(svg) = &arguments.svg {
        let title = path.file_stem().unwrap_or_default().to_string_lossy();
        write_whole(svg, plot(&title, &standings).to_svg().as_bytes())
            .map_err(|error| at_place(svg, error, "name a file that you can write"))?;
    }
    Ok(match cancellation.is_cancelled() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}

/// One variant's part of the suite.
struct One<'a> {
    arguments: &'a EvalArguments,
    context: &'a Context,
    tasks: &'a [Task],
    tools: &'a [Arc<dyn Tool>],
    judge: Option<&'a Arc<dyn Model>>,
}

impl One<'_> {
    fn run(
        &self,
        variant: &Variant,
        space: Space,
        results: &mut Vec<Graded>,
        cancellation: &Cancellation,
    ) -> Result<()> {
        let jobs = self.jobs(variant, results);
        if jobs.is_empty() || cancellation.is_cancelled() {
            return Ok(());
        }
        let mut settings = self.arguments.agent.settings.clone();
        settings.model = Some(variant.model.clone());
        settings.space = Some(space);
        let resolved = settings.resolve()?;
        let agent = self
            .arguments
            .agent
            .assemble_more(resolved, self.context, self.tools)?;
        let mut requests = Vec::with_capacity(jobs.len());
        for job in &jobs {
            requests.extend(self.request(variant, job)?);
        }
        let options = &self.arguments.agent;
        let reactor = Reactor::on(self.context.runtime()?);
        let bar = bar(
            jobs.len(),
            self.context.err.is_terminal && !options.session.is_quiet(),
        );
        bar.set_message(format!("{} {}", variant.model, variant.space));
        let mut fault = None;
        run_batch(
            &agent,
            requests,
            self.arguments.jobs,
            cancellation,
            |place, result| {
                bar.inc(1);
                let Some((job, task)) = jobs
                    .get(place)
                    .and_then(|job| Some((job, self.tasks.get(job.task)?)))
                else {
                    return;
                };
                let judge = self.judge.map(|judge| (judge.as_ref(), &reactor));
                let graded = result.and_then(|result| {
                    // A run that was stopped is done again.
                    let stopped = result.status == memex_trajectories::Status::Cancelled;
                    let graded = grade_result(task, variant, job.repetition, &result, judge)?;
                    Ok((graded, stopped))
                });
                match graded {
                    Ok((_, true)) => {}
                    Ok((graded, false)) => {
                        if let Err(error) = keep(self.arguments.keep.as_deref(), &graded) {
                            bar.suspend(|| complain(&format!("error: {error:#}")));
                        }
                        results.push(graded);
                    }
                    Err(error) => {
                        bar.suspend(|| complain(&format!("error: {}: {error}", task.id)));
                        fault.get_or_insert(error);
                    }
                }
            },
        );
        bar.finish_and_clear();
        fault.map_or(Ok(()), |error| Err(agent_refusal(error)))
    }

    /// Work without a result yet.
    fn jobs(&self, variant: &Variant, results: &[Graded]) -> Vec<Job> {
        let done: BTreeSet<(&str, u32)> = results
            .iter()
            .filter(|result| result.variant == *variant)
            .map(|result| (result.task.as_str(), result.repetition))
            .collect();
        let mut jobs = Vec::new();
        for repetition in 1..=self.arguments.repeat.max(1) {
            for (task, known) in self.tasks.iter().enumerate() {
                if !done.contains(&(known.id.as_str(), repetition)) {
                    jobs.push(Job { task, repetition });
                }
            }
        }
        jobs
    }

    fn request(&self, variant: &Variant, job: &Job) -> Result<Option<RunRequest>> {
        let Some(task) = self.tasks.get(job.task) else {
            return Ok(None);
        };
        let trajectory = match &self.arguments.runs {
            None => None,
            Some(folder) => {
                make_folder(folder)?;
                let name = format!(
                    "{}-{}-{}-{}",
                    task.id, variant.model, variant.space, job.repetition
                );
                let path = folder.join(file_name(&name));
                // What is left of a run that was stopped; one that is over was not kept.
                if let Found::Over = found(&path, &task.id)? {
                    fs::remove_file(&path)?;
                }
                Some(path)
            }
        };
        Ok(Some(RunRequest {
            // Scripts are matched by it.
            id: Some(task.id.clone()),
            task_id: Some(task.id.clone()),
            output: output_of(task).map_err(agent_refusal)?,
            trajectory,
            ..RunRequest::new(task.question.clone())
        }))
    }
}
