//! What a run reports to Python, and asks a person by it.

use memex_agent::{Approver, NoWatcher, Watcher};
use memex_models::{BoxFuture, Delta};
use memex_trajectories::Step;
use pyo3::prelude::*;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::json::plain;
use crate::signals::unraisable;
use crate::tools::{LaterAnswer, from_guest};

/// Passes reports to a function of the kind of an event and its text.
pub(crate) struct Following {
    function: Py<PyAny>,
    pieces: bool,
}

impl Following {
    /// Reports to this function, or to nobody.
    pub(crate) fn of(
        py: Python<'_>,
        function: Option<&Py<PyAny>>,
        pieces: bool,
    ) -> Box<dyn Watcher> {
        match function {
            Some(function) => Box::new(Self {
                function: function.clone_ref(py),
                pieces,
            }),
            None => Box::new(NoWatcher),
        }
    }

    fn tell(&self, kind: &str, text: &str) {
        // At the interpreter's exit nobody follows any more.
        let _gone = Python::try_attach(|py| {
            if let Err(error) = self.function.call1(py, (kind, text)) {
                unraisable(py, error);
            }
        });
    }
}

impl Watcher for Following {
    fn delta(&mut self, delta: &Delta) {
        if !self.pieces {
            return;
        }
        match delta {
            Delta::Text(text) => self.tell("text", text),
            Delta::Reasoning(text) => self.tell("reasoning", text),
            Delta::ToolArguments { text, .. } => self.tell("arguments", text),
            Delta::Reset => self.tell("reset", ""),
            _ => {}
        }
    }

    fn step(&mut self, step: &Step) {
        match serde_json::to_string(step) {
            Ok(json) => self.tell("step", &json),
            Err(error) => tracing::warn!(target: "memex::python", %error, "a step is not told"),
        }
    }
}

/// Asks a function whether a call may be made. It takes the tool, the arguments and a
/// `LaterAnswer`: `True`, or a text with the reason why not.
pub(crate) struct Asking {
    function: Py<PyAny>,
}

impl Asking {
    pub(crate) fn new(function: Py<PyAny>) -> Self {
        Self { function }
    }

    fn begin(
        &self,
        py: Python<'_>,
        tool: &str,
        arguments: &Map<String, Value>,
        later: LaterAnswer,
    ) -> PyResult<()> {
        let arguments = plain(py, arguments)?;
        let later = Bound::new(py, later)?;
        self.function.call1(py, (tool, arguments, later)).map(drop)
    }
}

impl Approver for Asking {
    fn approve(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'static, Result<(), String>> {
        let (sender, answer) = oneshot::channel();
        let later = LaterAnswer::new(tool, sender);
        let begun = from_guest(|py| {
            let begun = self.begin(py, tool, &arguments, later);
            begun.map_err(|error| error.value(py).to_string())
        });
        Box::pin(async move {
            if let Some(Err(reason)) = begun {
                return Err(reason);
            }
            match answer.await {
                Ok(Ok(answer)) if answer.json == Value::Bool(true) => Ok(()),
                Ok(Ok(answer)) => Err(match answer.json {
                    Value::String(reason) => reason,
                    _ => "the approver said no".to_owned(),
                }),
                Ok(Err(error)) => Err(error.message),
                Err(_) => Err("the approver gave no answer".to_owned()),
            }
        })
    }
}
