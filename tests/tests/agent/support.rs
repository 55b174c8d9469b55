//! Agents whose models play scripts.

use memex_agent::{
    ActionSpace, Agent, AgentConfig, CodeForm, OutputSchema, Reactor, RunRequest, RunResult,
};
use memex_host_tools::{Tool, ToolError, immediate};
use memex_models::{Script, ScriptEntry, ScriptedCall, ScriptedModel};
use memex_policies::Policy;
use memex_runtime::Sandbox;
use memex_tests::sandbox;
use memex_trajectories::{Step, StepKind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

pub(crate) fn reactor() -> &'static Reactor {
    static REACTOR: OnceLock<Reactor> = OnceLock::new();
    REACTOR.get_or_init(|| Reactor::new().unwrap())
}

pub(crate) fn place() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| sandbox(grant))
}

fn grant(policy: &mut Policy) {
    policy.tools.allow = vec!["double".into(), "fail".into(), "numbers".into()];
    policy.limits.agents = 1_000;
}

/// A reply of words.
pub(crate) fn says(text: &str) -> ScriptEntry {
    ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    }
}

/// A reply that runs a block.
pub(crate) fn runs(code: &str) -> ScriptEntry {
    calls("python", json!({ "code": code }))
}

/// A reply that calls a tool.
pub(crate) fn calls(name: &str, arguments: Value) -> ScriptEntry {
    ScriptEntry {
        tool_calls: vec![ScriptedCall {
            id: None,
            name: name.into(),
            arguments,
        }],
        ..ScriptEntry::default()
    }
}

/// The same reply, expecting this in what the model was shown.
pub(crate) fn after(shown: &str, mut entry: ScriptEntry) -> ScriptEntry {
    entry.expect.contains = Some(shown.into());
    entry
}

/// The same reply, for an agent of this name.
pub(crate) fn by(agent: &str, mut entry: ScriptEntry) -> ScriptEntry {
    entry.agent = Some(agent.into());
    entry
}

#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct Number {
    /// The number.
    pub(crate) number: f64,
}

pub(crate) fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(immediate(
            "double",
            "Twice a number.",
            |_, given: Number| Ok(given.number * 2.0),
        )),
        Arc::new(immediate(
            "fail",
            "Fails.",
            |_, _: Number| -> Result<f64, ToolError> {
                Err(ToolError::new("LookupError", "fail: there is nothing"))
            },
        )),
    ]
}

pub(crate) fn config(space: ActionSpace, form: CodeForm) -> AgentConfig {
    AgentConfig {
        action_space: space,
        code_form: form,
        ..AgentConfig::default()
    }
}

pub(crate) fn coder() -> AgentConfig {
    config(ActionSpace::Code, CodeForm::Tool)
}

pub(crate) fn agent(config: AgentConfig, replies: Vec<ScriptEntry>) -> Agent {
    let model = ScriptedModel::new("script", Script::new("test", replies));
    Agent::builder(config, Arc::new(model), reactor())
        .sandbox(place().clone())
        .tools(tools())
        .build()
        .unwrap()
}

pub(crate) fn run(config: AgentConfig, replies: Vec<ScriptEntry>) -> RunResult {
    agent(config, replies)
        .run(RunRequest::new("Do it."))
        .unwrap()
}

pub(crate) fn run_for(config: AgentConfig, output: Value, replies: Vec<ScriptEntry>) -> RunResult {
    agent(config, replies)
        .run(RunRequest {
            output: Some(OutputSchema::new(output).unwrap()),
            ..RunRequest::new("Do it.")
        })
        .unwrap()
}

/// What the model was shown, observation by observation.
pub(crate) fn shown(result: &RunResult) -> Vec<String> {
    let steps = result.trajectory.steps.iter();
    let text = |step: &Step| match step.kind {
        StepKind::Tool => step
            .results
            .iter()
            .map(|result| result.content.as_str())
            .collect(),
        _ => step.text.clone(),
    };
    steps
        .filter(|step| matches!(step.kind, StepKind::Observation | StepKind::Tool))
        .map(text)
        .collect()
}
