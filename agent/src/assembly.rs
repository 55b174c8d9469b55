//! From the spec of a session to an agent whose code runs in such sessions.

use std::sync::Arc;

use memex_external::Secrets;
use memex_host_tools::Tool;
use memex_policies::{Limits, Policy};
use memex_runtime::Progress;
use memex_sessions::{Host, Resolved};

use crate::agent::AgentBuilder;
use crate::{Backend, Error, Workers};

/// Limits of agents' sessions, where they are above the preset's: data is larger than in a
/// single block, and turns wait for agents and models.
const LIMITS: [(&str, u64); 4] = [
    ("wall_time_ms", 600_000),
    ("memory_bytes", 3 << 30),
    ("host_call_bytes", 256 << 20),
    ("agents", 1_000),
];

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

/// The spec as an agent needs it: `more` tools are granted, and sessions have the limits of
/// agents (3 GiB of memory, answers of 256 MiB, 1,000 agents, ten minutes for a turn), unless
/// the spec or its policy says otherwise.
///
/// # Errors
/// [`Error::Session`] where the policy has no tools.
pub fn for_agents(resolved: &Resolved, more: &[Arc<dyn Tool>]) -> Result<Resolved, Error> {
    let mut policy = Policy::clone(resolved.policy());
    for tool in more {
        policy.tools.allow.push(tool.spec().name.clone());
    }
    let preset = Policy::from_preset(policy.preset);
    for (name, limit) in LIMITS {
        let of = |policy: &Policy| Limits::field(name).ok()?.read(&policy.limits);
        let (now, untouched) = (of(&policy), of(&preset));
        let is_given = resolved.spec().limits.contains_key(name) || now != untouched;
        if !is_given && now.is_some_and(|now| now < limit) {
            // A preset that does not permit as much keeps its own.
            let _raised = policy.set_limit(name, limit);
        }
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
        if !config.runs_code() {
            return Ok(self.policy(Arc::clone(resolved.policy())));
        }
        if config.backend == Backend::Hosted {
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
