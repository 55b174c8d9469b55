//! Another task over what a saved run left.

use std::path::Path;

use memex_trajectories::ActionSpace;

use super::beginning::Beginning;
use super::plan::BEGAN_IN_SCOPE;
use super::request::{Replay, RunRequest};
use super::result::RunResult;
use super::resuming::inputs;
use crate::inputs::{Loaded, serve, serve_again};
use crate::scope::{kept_path, restore};
use crate::{Agent, Backend, Error};

impl Agent {
    /// Runs another task over the scope and the conversation that a saved run left, however it
    /// ended. The saved run stays as it is; the record of this one begins with its steps.
    ///
    /// The scope comes from the file beside the trajectory, where that was
    /// [left](RunRequest::leave_scope) and code runs in this process. Else the code of the run
    /// runs again, tools included, over the inputs that it began with, which have to be what
    /// they were.
    ///
    /// # Errors
    /// [`Error::Resume`] if there is nothing to go on with, and as [`Agent::run`].
    pub fn continue_from(&self, path: &Path, request: RunRequest) -> Result<RunResult, Error> {
        let config = &self.inner.config;
        let before = memex_trajectories::load(path)?.trajectory;
        let refuse = |what: String| {
            Err(Error::Resume {
                path: path.to_owned(),
                what,
            })
        };
        if before.agent.action_space != config.action_space {
            let space = before.agent.action_space.word();
            return refuse(format!(
                "it acts in the space `{space}`; set action_space to that"
            ));
        }
        let is_code = config.action_space == ActionSpace::Code;
        let sandbox = self.inner.sandbox.as_ref();
        let scope = match sandbox.filter(|_| is_code && config.backend == Backend::InProcess) {
            Some(sandbox) => restore(sandbox, &kept_path(path))?,
            None => None,
        };
        if is_code && scope.is_none() && before.metadata.contains_key(BEGAN_IN_SCOPE) {
            let what = "it began with objects of its process, and its saved scope is gone";
            return refuse(what.to_owned());
        }
        let (replay, mut loaded) = match (is_code, scope.is_none()) {
            (true, true) => (Replay::Yes, Loaded::read_again(&inputs(&before)?)?),
            (true, false) => (Replay::No, Loaded::default()),
            // The interpreter of a tool begins anew.
            (false, _) if config.runs_code() => {
                (Replay::No, Loaded::read_again(&inputs(&before)?)?)
            }
            (false, _) if request.inputs.is_empty() => {
                (Replay::No, serve_again(&inputs(&before)?)?)
            }
            (false, _) => (Replay::No, serve(&request.inputs)?),
        };
        if config.runs_code() {
            loaded.extend(&request.inputs)?;
        }
        let beginning = Beginning {
            scope,
            described: request.beginning.described.clone(),
            after: Some(before),
        };
        let request = RunRequest {
            beginning,
            ..request
        };
        self.start(request, loaded, replay)
    }
}
