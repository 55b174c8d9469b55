//! `python_exec`: an interpreter of Python as one tool, for models that call tools.
//!
//! It is the baseline that code as an action is compared with: its code computes, and calls no
//! other tool.

use std::sync::Arc;
use std::time::Duration;

use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::observation::shown;
use crate::scope::Scope;
use crate::{Cancellation, Error, ObservationOptions, PythonExec};

/// The tool's name.
pub(crate) const PYTHON_EXEC: &str = "python_exec";
/// How long a call may take beside what the policy says of a turn: the first one makes a session.
pub(crate) const INTERPRETER_MAX: Duration = Duration::from_secs(600);

/// Makes the scope of an interpreter.
pub(crate) type OpenScope = Arc<dyn Fn() -> Result<Box<dyn Scope>, Error> + Send + Sync>;

/// The tool.
pub(crate) struct InterpreterTool {
    spec: ToolSpec,
    open: OpenScope,
    kind: PythonExec,
    options: ObservationOptions,
    /// The scope that lives on from call to call.
    kept: Arc<Mutex<Option<Box<dyn Scope>>>>,
}

impl InterpreterTool {
    pub(crate) fn new(kind: PythonExec, options: ObservationOptions, open: OpenScope) -> Self {
        let life = match kind {
            PythonExec::Stateful => "Names live on from call to call.",
            _ => "Every call begins anew: nothing is left of an earlier one.",
        };
        let description = format!(
            "Runs Python, and gives what it prints, the value of its last expression, and errors. \
             {life} pandas and numpy are there; other tools cannot be called from it, and there \
             is no network."
        );
        Self {
            spec: ToolSpec {
                name: PYTHON_EXEC.to_owned(),
                description,
                parameters: json!({
                    "type": "object",
                    "properties": { "code": { "type": "string", "description": "The code." } },
                    "required": ["code"],
                    "additionalProperties": false,
                }),
                returns: Some(json!({ "type": "string" })),
                timeout: None,
            },
            open,
            kind,
            // Names that are new belong to the other space.
            options: ObservationOptions {
                names: false,
                ..options
            },
            kept: Arc::default(),
        }
    }
}

impl Tool for InterpreterTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let code = match arguments.json.get("code").and_then(Value::as_str) {
            Some(code) => code.to_owned(),
            None => String::new(),
        };
        let (open, kept) = (Arc::clone(&self.open), Arc::clone(&self.kept));
        let (kind, options) = (self.kind, self.options);
        Box::pin(async move {
            let cancellation = Cancellation::new();
            // Until the code is over, even if its waiter is gone.
            let over = CancellationToken::new();
            let ends = over.clone().drop_guard();
            let (stops, given_up) = (cancellation.clone(), context.cancelled.clone());
            tokio::spawn(async move {
                let stopped = async {
                    given_up.cancelled().await;
                    stops.cancel();
                    stops.insist().await
                };
                tokio::select! {
                    () = over.cancelled() => {}
                    never = stopped => match never {},
                }
            });
            let ran = tokio::task::spawn_blocking(move || {
                let _ends = ends;
                let ran = match kind {
                    // Calls beside each other share the scope, one after the other.
                    PythonExec::Stateful => {
                        let mut kept = kept.lock();
                        let scope = match &mut *kept {
                            Some(scope) => scope,
                            none => none.insert(open()?),
                        };
                        scope.run(&code, &cancellation)?
                    }
                    _ => open()?.run(&code, &cancellation)?,
                };
                Ok::<_, Error>((code, ran))
            })
            .await;
            let failed = |what: String| {
                let message = format!("{PYTHON_EXEC}: there is no interpreter");
                ToolError::new("RuntimeError", message).with_detail(what)
            };
            let ran = ran.map_err(|error| failed(error.to_string()))?;
            let (code, ran) = ran.map_err(|error| failed(error.to_string()))?;
            Ok(Answer::json(Value::String(shown(&code, &ran, &options))))
        })
    }
}
