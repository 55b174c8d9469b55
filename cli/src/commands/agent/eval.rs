//! `memex agent eval`: a suite of tasks by several models in both spaces.

mod arguments;
mod reporting;
mod results;
mod sources;
mod suite;
mod variants;

use super::setup::build;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage_as_told};
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
pub(super) use arguments::EvalArguments;
use memex_agent::evaluation::Variant;
use memex_models::ModelConfig;
use reporting::report;
use results::kept;
use sources::check_judge;
use std::collections::BTreeSet;
use suite::make;
use variants::Evaluation;

pub(super) fn execute(arguments: &EvalArguments, context: &Context) -> Result<ExitCode> {
    if arguments.make.is_asked() {
        return make(&arguments.make);
    }
    let source = arguments.source.read(context)?;
    check_judge(&source.tasks, arguments.judge.is_some())?;
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
    let settings = &arguments.agent.settings;
    let models = match arguments.models.is_empty() {
        true => vec![settings.resolve()?.model.config.spec.to_string()],
        false => arguments.models.clone(),
    };
    // What is wrong with one of them is said before another is paid.
    for model in &models {
        let mut settings = settings.clone();
        settings.model = Some(model.clone());
        settings.resolve()?.check()?;
    }
    let mut results = kept(arguments.keep.as_deref())?;
    let cancellation = stopped_by_ctrl_c()?;
    let evaluation = Evaluation {
        arguments,
        context,
        source: &source,
        judge: judge.as_ref(),
    };
    for model in &models {
        for space in &arguments.spaces {
            let variant = Variant {
                model: model.clone(),
                space: space.word().to_owned(),
            };
            evaluation.run(&variant, *space, &mut results, &cancellation)?;
        }
    }
    let wanted: BTreeSet<&str> = source.tasks.iter().map(|task| task.id.as_str()).collect();
    results.retain(|result| wanted.contains(result.task.as_str()));
    report(arguments, &source.name, &results)?;
    Ok(match cancellation.is_cancelled() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}
