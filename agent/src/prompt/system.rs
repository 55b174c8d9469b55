//! The system prompt.

use memex_host_tools::{ToolEntry, Toolbox};
use memex_policies::ToolGrants;
use memex_trajectories::ActionSpace;

use super::definitions::offered;
use super::{functions, guidance, own};
use crate::AgentConfig;

/// What an agent is told that another one has started.
pub(crate) const CHILD: &str = "You are a sub-agent: what you submit or answer goes to the \
    code of the agent that started you, which sees nothing else of you.";

/// The system's message. Both spaces begin alike; code space goes on with how
/// code comes and what it can call.
///
/// The harness's own functions come first and are whole, however many tools there are.
#[must_use]
pub fn system_prompt(
    config: &AgentConfig,
    toolbox: &Toolbox,
    grants: &ToolGrants,
    submits: bool,
    inputs: &[String],
) -> String {
    let mut parts = vec![
        "You solve a task step by step. Look before you conclude, check what you find, and rely \
         only on what you have seen."
            .to_owned(),
    ];
    parts.push(match submits {
        true => "When you are done, hand in the answer with `submit`. An answer only in words \
                 does not count."
            .to_owned(),
        false => "When you are done, reply with the answer alone, in words.".to_owned(),
    });
    match config.action_space {
        ActionSpace::Code => {
            parts.push(guidance::code(config.code_form));
            parts.push(callable(toolbox, grants, submits));
            if !inputs.is_empty() {
                parts.push(format!("In the scope already:\n{}", inputs.join("\n")));
            }
        }
        ActionSpace::Tools => {
            parts.push(format!(
                "Calls that do not depend on each other can go together in one reply. Ask for \
                 what you need, not for everything: of a long result you see {} characters.",
                config.observations.max_chars
            ));
            if !inputs.is_empty() {
                let how = match config.python_exec.is_there() {
                    true => "Names that `python_exec` has already",
                    false => "Inputs of the task, which tools read",
                };
                parts.push(format!("{how}:\n{}", inputs.join("\n")));
            }
        }
    }
    if config.observations.pictures == Some(true) && config.action_space == ActionSpace::Code {
        parts.push("Figures and pictures that a block displays are shown to you too.".to_owned());
    }
    if !config.instructions.trim().is_empty() {
        parts.push(config.instructions.trim().to_owned());
    }
    parts.join("\n\n")
}

fn callable(toolbox: &Toolbox, grants: &ToolGrants, submits: bool) -> String {
    let granted = |name: &str| grants.permits(name);
    let harness = own::stubs(toolbox, granted);
    let tools: Vec<&ToolEntry> = offered(toolbox)
        .filter(|entry| granted(&entry.spec().name) && !own::is_own(entry))
        .collect();
    if tools.is_empty() && harness.is_empty() {
        return String::from("There are no functions beside Python's own.");
    }
    let has = |name: &str| toolbox.get(name).is_some() && granted(name);
    let further = guidance::further(&tools, submits, has("llm"), has("spawn_agent"));
    let gap = if further.is_empty() { "" } else { "\n" };
    format!(
        "Functions and classes that are there already (do not import them):\n```python\n{harness}{}```{gap}{further}",
        functions::stubs(&tools)
    )
}
