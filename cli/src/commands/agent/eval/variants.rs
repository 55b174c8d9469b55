//! One variant's part of an evaluation: a model in a space.

use super::arguments::EvalArguments;
use super::results::keep;
use super::sources::Source;
use crate::commands::agent::batch::{Found, bar, file_name, found};
use crate::commands::agent::settings::Space;
use crate::console::complain;
use crate::context::Context;
use crate::failure::{make_folder, usage_as_told};
use crate::refusals::agent_refusal;
use anyhow::Result;
use memex_agent::evaluation::{Graded, Variant, grade_result, output_of, path_in_folder};
use memex_agent::{Cancellation, Input, Reactor, RunRequest, run_batch};
use memex_models::Model;
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

/// One run to do.
struct Job {
    task: usize,
    repetition: u32,
}

/// Runs variants over the tasks of a source.
pub(super) struct Evaluation<'a> {
    pub(super) arguments: &'a EvalArguments,
    pub(super) context: &'a Context,
    pub(super) source: &'a Source,
    pub(super) judge: Option<&'a Arc<dyn Model>>,
}

impl Evaluation<'_> {
    pub(super) fn run(
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
        let agent =
            self.arguments
                .agent
                .assemble_more(resolved, self.context, &self.source.tools)?;
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
                    .and_then(|job| Some((job, self.source.tasks.get(job.task)?)))
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
            for (task, known) in self.source.tasks.iter().enumerate() {
                if !done.contains(&(known.id.as_str(), repetition)) {
                    jobs.push(Job { task, repetition });
                }
            }
        }
        jobs
    }

    fn request(&self, variant: &Variant, job: &Job) -> Result<Option<RunRequest>> {
        let Some(task) = self.source.tasks.get(job.task) else {
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
        let mut inputs = Vec::new();
        for (name, path) in &task.inputs {
            let path = path_in_folder(&self.source.folder, path).map_err(agent_refusal)?;
            inputs.push(Input::new(name, path).map_err(usage_as_told)?);
        }
        Ok(Some(RunRequest {
            // Scripts are matched by it.
            id: Some(task.id.clone()),
            task_id: Some(task.id.clone()),
            output: output_of(task).map_err(agent_refusal)?,
            inputs,
            trajectory,
            ..RunRequest::new(task.question.clone())
        }))
    }
}
