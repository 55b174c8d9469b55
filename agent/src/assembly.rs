//! From the spec of a session to an agent whose code runs in such sessions.

use std::sync::Arc;

use memex_external::Secrets;
use memex_host_tools::Tool;
use memex_policies::Policy;
use memex_runtime::Progress;
use memex_sessions::{Host, Resolved};
use memex_trajectories::ActionSpace;

use crate::agent::AgentBuilder;
use crate::{Backend, Error, Workers};

/// Time of a turn that waits for agents and models.
const WALL_TIME_MS: u64 = 3_600_000;

/// The parts from which an agent's sessions are assembled.
pub struct Assembly<'a> {
    /// The spec of its sessions, as [`for_agents`] has it.
    pub resolved: &'a Resolved,
    /// The host of sessions in this process.
    pub host: &'a Host,
    /// The secrets of tool files.
    pub secrets: &'a dyn Secrets,
    /// Tools besides those of the spec; they are granted.
    pub more: &'a [Arc<dyn Tool>],
    /// The workers of backends that have some.
    pub workers: &'a Workers,
}

/// The spec as an agent needs it: `more` tools are granted, and turns have time
/// enough to wait for agents and models, unless the spec says otherwise.
///
/// # Errors
/// [`Error::Session`] where the policy has no tools.
pub fn for_agents(resolved: &Resolved, more: &[Arc<dyn Tool>]) -> Result<Resolved, Error> {
    let mut policy = Policy::clone(resolved.policy());
    for tool in more {
        policy.tools.allow.push(tool.spec().name.clone());
    }
    let untouched = Policy::from_preset(policy.preset).limits.wall_time_ms;
    if policy.limits.wall_time_ms == untouched {
        // Below what the preset allows, this leaves the limit as it is.
        let _raised = policy.set_limit("wall_time_ms", WALL_TIME_MS);
    }
    Ok(resolved.clone().with_policy(policy)?)
}

impl AgentBuilder {
    /// Starts the tools of a session's spec, and makes the place where the
    /// agent's code runs: a sandbox here, or workers, as its settings have it.
    /// The image is built on first need, also for workers, so that what is wrong
    /// with it is said here.
    ///
    /// # Errors
    /// [`Error::Session`].
    pub fn assembled(
        mut self,
        assembly: &Assembly<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let Assembly {
            resolved,
            host,
            secrets,
            more,
            workers,
        } = assembly;
        let tools = resolved.tools(host, *secrets)?;
        if let Some(tools) = &tools {
            let all = tools.toolbox().iter().map(|entry| Arc::clone(entry.tool()));
            self = self.tools(all);
            if let Some(audit) = tools.audit_log() {
                self = self.audit(audit);
            }
        }
        self = self.tools(more.iter().cloned());
        self.inner._opened = tools;
        let config = &self.inner.config;
        if config.action_space != ActionSpace::Code {
            return Ok(self.policy(Arc::clone(resolved.policy())));
        }
        let in_process = config.backend == Backend::InProcess;
        let sandbox = resolved.sandbox(host, progress)?;
        if in_process {
            return Ok(self.sandbox(sandbox));
        }
        let images = host.images()?;
        // By its name, as workers know nothing else of it.
        let resolved = Resolved::clone(resolved).on_image(sandbox.image().name());
        self.workers(Workers::clone(workers), &resolved, images.cache())
    }
}
