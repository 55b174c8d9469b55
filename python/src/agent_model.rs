//! Models for agents: those of a name, and those that Python asks.
//!
//! The function that Python gives for a model takes the body of a request as JSON and
//! a `ModelAnswer`; `memex/_asking.py` makes it. It returns at once, with what cancels
//! the answer that comes later.

use std::sync::Arc;

use memex_models::{
    ApiKey, BoxFuture, Delta, DeltaSink, Model, ModelConfig, ModelError, ModelOptions, Part,
    Protocol, Reply, Request, Usage, WireOptions, estimate_message, estimate_request,
};
use parking_lot::Mutex;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::errors::{Class, raise};
use crate::signals::unraisable;

/// Most bytes of one answer, all pieces together.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A model that agents can ask.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct ModelSource {
    model: Arc<dyn Model>,
}

impl ModelSource {
    pub(crate) fn model(&self) -> Arc<dyn Model> {
        Arc::clone(&self.model)
    }
}

#[pymethods]
impl ModelSource {
    /// The model of a line such as `openai:MODEL`. `options` are JSON, the key is the
    /// provider's.
    #[staticmethod]
    fn named(py: Python<'_>, line: &str, options: &str, key: Option<String>) -> PyResult<Self> {
        let refused = |what: String| raise(py, Class::Model, what);
        let mut config = ModelConfig::parse(line).map_err(|error| refused(error.to_string()))?;
        config.options = serde_json::from_str::<ModelOptions>(options)
            .map_err(|error| refused(format!("the options of the model: {error}")))?;
        let key = key.filter(|key| !key.is_empty()).map(ApiKey::new);
        let built = py.detach(|| config.build(key));
        let model = built.map_err(|error| refused(error.to_string()))?;
        Ok(Self { model })
    }

    /// The environment variable that usually has the key of such a model.
    #[staticmethod]
    fn key_variable(py: Python<'_>, line: &str) -> PyResult<Option<&'static str>> {
        let spec: memex_models::ModelSpec = line
            .parse()
            .map_err(|error: ModelError| raise(py, Class::Model, error.to_string()))?;
        Ok(match spec {
            memex_models::ModelSpec::Remote { provider, .. } => provider.key_variable(),
            _ => None,
        })
    }

    /// A model that a function of Python asks. `wire` are JSON.
    #[staticmethod]
    fn of_function(
        py: Python<'_>,
        name: String,
        protocol: &str,
        wire: &str,
        function: Py<PyAny>,
    ) -> PyResult<Self> {
        let refused = |what: String| raise(py, Class::Model, what);
        let protocol = protocol_of(protocol)
            .ok_or_else(|| refused(format!("there is no protocol {protocol:?}")))?;
        let wire = serde_json::from_str(wire).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            model: Arc::new(PythonModel {
                name,
                protocol,
                wire,
                function,
            }),
        })
    }

    /// The name, as prices know it.
    #[getter]
    fn name(&self) -> String {
        self.model.name().to_owned()
    }
}

fn protocol_of(name: &str) -> Option<Protocol> {
    [
        Protocol::ChatCompletions,
        Protocol::Responses,
        Protocol::Messages,
    ]
    .into_iter()
    .find(|protocol| protocol.name() == name)
}

struct PythonModel {
    name: String,
    protocol: Protocol,
    wire: WireOptions,
    function: Py<PyAny>,
}

/// A part of an answer, as Python gives it.
enum Piece {
    /// An event of a stream, as JSON.
    Event(String),
    /// The stream is over.
    End,
    /// The whole answer, as JSON, in the words of a protocol.
    Whole(Protocol, String),
    Failed {
        status: Option<u16>,
        code: String,
        message: String,
    },
}

/// Where the answer of a model goes.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct ModelAnswer {
    sender: UnboundedSender<Piece>,
    bytes: Mutex<usize>,
}

#[pymethods]
impl ModelAnswer {
    /// An event of a stream; false when nobody wants more.
    fn event(&self, json: String) -> bool {
        let mut bytes = self.bytes.lock();
        *bytes = bytes.saturating_add(json.len());
        if *bytes > ANSWER_BYTES_MAX {
            let message = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
            let code = "TooLarge".to_owned();
            let _gone = self.sender.send(Piece::Failed {
                status: None,
                code,
                message,
            });
            return false;
        }
        self.sender.send(Piece::Event(json)).is_ok()
    }

    /// The end of a stream.
    fn end(&self) {
        let _gone = self.sender.send(Piece::End);
    }

    /// The whole answer, in the words of a protocol.
    fn whole(&self, py: Python<'_>, protocol: &str, json: String) -> PyResult<()> {
        let protocol = protocol_of(protocol).ok_or_else(|| {
            raise(
                py,
                Class::Model,
                format!("there is no protocol {protocol:?}"),
            )
        })?;
        let _gone = self.sender.send(Piece::Whole(protocol, json));
        Ok(())
    }

    /// Why there is no answer: an HTTP status where there is one, the provider's word
    /// or the exception's class, and the message.
    fn error(&self, status: Option<u16>, code: String, message: String) {
        let _gone = self.sender.send(Piece::Failed {
            status,
            code,
            message,
        });
    }
}

/// Cancels a call when it is dropped before the answer.
struct GivesUp(Option<Py<PyAny>>);

impl Drop for GivesUp {
    fn drop(&mut self) {
        let Some(cancel) = self.0.take() else {
            return;
        };
        // At the interpreter's exit there is nothing to cancel any more.
        let _gone = Python::try_attach(|py| {
            if let Err(error) = cancel.call0(py) {
                unraisable(py, error);
            }
        });
    }
}

impl Model for PythonModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn DeltaSink,
    ) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            let body = self.protocol.encode(&self.name, request, &self.wire)?;
            let (sender, mut pieces) = unbounded_channel();
            // Here, and not on a thread of its own: such a thread could still be in the
            // interpreter when the run is over and the process exits.
            let mut given_up = GivesUp(self.ask(body.to_string(), sender));
            let mut reply = self.listen(&mut pieces, sink).await?;
            // There is nothing left to cancel.
            given_up.0 = None;
            if reply.usage.total() == 0 {
                reply.usage = Usage {
                    input: estimate_request(request),
                    output: estimate_message(&reply.message),
                    estimated: true,
                    ..Usage::default()
                };
            }
            if reply.model.is_empty() {
                reply.model.clone_from(&self.name);
            }
            Ok(reply)
        })
    }
}

impl PythonModel {
    /// Calls the function, which returns at once: what cancels the answer that comes.
    fn ask(&self, body: String, sender: UnboundedSender<Piece>) -> Option<Py<PyAny>> {
        let failing = sender.clone();
        let asked = Python::try_attach(|py| {
            let answer = ModelAnswer {
                sender,
                bytes: Mutex::default(),
            };
            let asked =
                Bound::new(py, answer).and_then(|answer| self.function.call1(py, (body, answer)));
            match asked {
                Ok(cancel) => Some(cancel),
                Err(error) => {
                    let class = error.get_type(py).name().map(|name| name.to_string());
                    let _gone = failing.send(Piece::Failed {
                        status: None,
                        code: class.unwrap_or_default(),
                        message: error.value(py).to_string(),
                    });
                    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                        unraisable(py, error);
                    }
                    None
                }
            }
        });
        // The interpreter exits.
        asked.flatten()
    }

    async fn listen(
        &self,
        pieces: &mut UnboundedReceiver<Piece>,
        sink: &mut dyn DeltaSink,
    ) -> Result<Reply, ModelError> {
        let mut stream = self.protocol.stream();
        loop {
            match pieces.recv().await {
                Some(Piece::Event(json)) => {
                    let event = format!("data: {json}\n\n");
                    stream.push(event.as_bytes(), sink)?;
                }
                Some(Piece::End) => return stream.finish(sink),
                Some(Piece::Whole(protocol, json)) => {
                    let reply = protocol.decode(json.as_bytes())?;
                    tell(&reply, sink);
                    return Ok(reply);
                }
                Some(Piece::Failed {
                    status,
                    code,
                    message,
                }) => return Err(self.failed(status, code, message)),
                None => {
                    let message = "the function returned without an answer".to_owned();
                    return Err(self.failed(None, "RuntimeError".to_owned(), message));
                }
            }
        }
    }

    fn failed(&self, status: Option<u16>, code: String, message: String) -> ModelError {
        match status {
            Some(status) => ModelError::Status {
                peer: self.name.clone(),
                status,
                code: Some(code),
                message,
                // The client has tried again as often as it is set to.
                retryable: false,
                retry_after_ms: None,
            },
            None => ModelError::Reported {
                protocol: "the model in Python",
                code,
                message,
                retryable: false,
            },
        }
    }
}

/// Reports a reply that came at once as one that was written.
fn tell(reply: &Reply, sink: &mut dyn DeltaSink) {
    let mut calls = 0;
    for part in &reply.message.parts {
        match part {
            Part::Text { text } => sink.delta(Delta::Text(text.clone())),
            Part::Reasoning { text, .. } if !text.is_empty() => {
                sink.delta(Delta::Reasoning(text.clone()));
            }
            Part::ToolCall(call) => {
                sink.delta(Delta::ToolCall {
                    index: calls,
                    id: call.id.clone(),
                    name: call.name.clone(),
                });
                sink.delta(Delta::ToolArguments {
                    index: calls,
                    text: call.arguments.clone(),
                });
                calls += 1;
            }
            _ => {}
        }
    }
}
