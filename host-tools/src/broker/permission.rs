//! Permission: whether a call goes through. Every call of guest code passes
//! [`Permission::admit`], and nothing else lets one run.

use super::budget::Budget;
use super::head::{ARGUMENTS_DEPTH_MAX, Head, check_arguments, tree_bytes};
use super::texts;
use crate::tool::{Arguments, Tool, ToolError};
use crate::toolbox::Toolbox;
use memex_channel::Frame;
use memex_policies::ToolGrants;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a session may call.
pub(super) struct Permission {
    pub(super) toolbox: Toolbox,
    pub(super) grants: ToolGrants,
    pub(super) budget: Budget,
    pub(super) patience: BTreeMap<String, Duration>,
    calls: u64,
}

/// A call that may run.
pub(super) struct Admitted {
    pub(super) tool: Arc<dyn Tool>,
    pub(super) arguments: Arguments,
    /// What the arguments take while an awaited call is under way.
    pub(super) held_bytes: usize,
    pub(super) time: Duration,
}

/// What awaited calls use at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) calls: usize,
    pub(super) bytes: usize,
}

impl Permission {
    pub(super) fn new(toolbox: Toolbox, grants: ToolGrants, budget: Budget) -> Self {
        Self {
            toolbox,
            grants,
            budget,
            patience: BTreeMap::new(),
            calls: 0,
        }
    }

    /// Counts calls that the session made before it was saved.
    pub(super) fn count(&mut self, calls: u64) {
        self.calls = self.calls.saturating_add(calls);
    }

    /// Whether the session may know of the tool and call it.
    pub(super) fn grants(&self, name: &str) -> bool {
        self.grants.permits(name)
    }

    /// Decides on a call. `usage` is asked for awaited calls only.
    pub(super) fn admit(
        &mut self,
        head: Head<'_>,
        frame: &Frame<'_>,
        usage: impl FnOnce() -> Usage,
    ) -> Result<Admitted, ToolError> {
        let name = head.tool.as_ref();
        let Some(entry) = self.toolbox.get(name) else {
            return Err(self.unknown(name));
        };
        if !self.grants(name) {
            let message = format!("{name}: the policy of this session does not grant this tool");
            return Err(ToolError::new("PermissionError", message));
        }
        self.calls = self.calls.saturating_add(1);
        let bytes: usize = frame.parts.iter().map(|part| part.len()).sum();
        let bytes = bytes.saturating_add(frame.head.len());
        // Awaited calls hold their arguments as values, which take more than
        // the text that they came as.
        let held_bytes = match head.awaited {
            true => bytes.saturating_add(tree_bytes(&head.arguments)),
            false => 0,
        };
        self.within_budget(name, bytes, head.awaited.then(|| (usage(), held_bytes)))?;
        let (mut json, text) = (head.arguments, head.text);
        let parts = frame.parts.len();
        let mut usable = check_arguments(json.values(), parts, text, ARGUMENTS_DEPTH_MAX);
        if let Some(part) = text.and_then(|text| frame.parts.get(text)) {
            usable = usable.and_then(|()| texts::restore(&mut json, part));
        }
        if let Err(reason) = usable {
            return Err(ToolError::new("ValueError", format!("{name}: {reason}")));
        }
        let Value::Object(json) = entry.admit(Value::Object(json))? else {
            return Err(ToolError::new("TypeError", "arguments are an object"));
        };
        let time = self.budget.tool_time;
        let time = entry.spec().timeout.map_or(time, |own| own.min(time));
        let patience = self.patience.get(name).copied();
        Ok(Admitted {
            tool: Arc::clone(entry.tool()),
            time: time.saturating_add(patience.unwrap_or_default()),
            held_bytes,
            arguments: Arguments {
                json,
                // What the texts were made of is not held twice.
                parts: frame
                    .parts
                    .iter()
                    .enumerate()
                    .map(|(index, part)| match text == Some(index) {
                        true => Vec::new(),
                        false => part.to_vec(),
                    })
                    .collect(),
            },
        })
    }

    fn within_budget(
        &self,
        name: &str,
        bytes: usize,
        awaited: Option<(Usage, usize)>,
    ) -> Result<(), ToolError> {
        let budget = &self.budget;
        let message = if self.calls > budget.calls {
            format!("this session has made its {} tool calls", budget.calls)
        } else if bytes > budget.answer_bytes {
            let max = budget.answer_bytes;
            format!("the call has {bytes} bytes, of {max} allowed; send less at a time")
        } else if awaited.is_some_and(|(usage, _)| usage.calls >= budget.awaited) {
            let max = budget.awaited;
            format!("{max} calls are under way, the most allowed; await some of them first")
        } else if awaited
            .is_some_and(|(usage, held)| usage.bytes.saturating_add(held) > budget.held_bytes)
        {
            let max = budget.held_bytes;
            format!("the calls under way hold {max} bytes, the most allowed; await them first")
        } else {
            return Ok(());
        };
        Err(ToolError::new(
            "PermissionError",
            format!("{name}: {message}"),
        ))
    }

    fn unknown(&self, name: &str) -> ToolError {
        let shown: String = name.chars().take(80).collect();
        let near = self
            .toolbox
            .close_matches(&shown, |known| self.grants(known));
        let hint = match near.as_slice() {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(" or ")),
        };
        ToolError::new(
            "NameError",
            format!("there is no tool called {shown:?}{hint}"),
        )
    }
}
