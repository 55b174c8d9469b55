//! A turn that really blocks, and a session around a broker.

use memex_channel::{Frame, HostCalls, OP_CALL, OP_TOOLBOX, Reply, Ticket, TurnHandle, Waited};
use memex_host_tools::{
    Answer, Arguments, Broker, Budget, CallContext, Tool, ToolFuture, ToolSpec, Toolbox,
};
use memex_policies::ToolGrants;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A turn of a session: waits on a condition variable, as the real one does.
#[derive(Default)]
pub(crate) struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wakes: u64,
    interrupted: bool,
}

impl Turn {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn interrupt(&self) {
        self.state.lock().unwrap().interrupted = true;
        self.changed.notify_all();
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.state.lock().unwrap().wakes += 1;
        self.changed.notify_all();
    }
}

/// [`TurnHandle`] of an `Arc`.
pub(crate) struct Handle(pub(crate) Arc<Turn>);

impl TurnHandle for Handle {
    fn waker(&self) -> Waker {
        Arc::clone(&self.0).into()
    }

    fn wait(&self, until: Option<Instant>, ready: &mut dyn FnMut() -> bool) -> Waited {
        loop {
            let wakes = self.0.state.lock().unwrap().wakes;
            if ready() {
                return Waited::Ready;
            }
            let mut state = self.0.state.lock().unwrap();
            while state.wakes == wakes {
                if state.interrupted {
                    return Waited::Interrupted;
                }
                state = match until {
                    None => self.0.changed.wait(state).unwrap(),
                    Some(until) => {
                        let left = until.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            return Waited::Due;
                        }
                        self.0.changed.wait_timeout(state, left).unwrap().0
                    }
                };
            }
        }
    }
}

/// A tool that answers with its arguments.
struct Echo(ToolSpec);

impl Tool for Echo {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, arguments: Arguments) -> ToolFuture {
        let Arguments { json, parts } = arguments;
        let json = Value::Object(json);
        Box::pin(std::future::ready(Ok(Answer { json, parts })))
    }
}

pub(crate) fn echo_of(spec: ToolSpec) -> Arc<dyn Tool> {
    Arc::new(Echo(spec))
}

pub(crate) fn echo(name: &str, parameters: Value, returns: Option<Value>) -> Arc<dyn Tool> {
    echo_of(ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters,
        returns,
        timeout: None,
    })
}

/// A broker with its runtime, called as a guest calls it.
pub(crate) struct Session {
    pub(crate) broker: Broker,
    pub(crate) turn: Arc<Turn>,
    pub(crate) runtime: Arc<Runtime>,
}

pub(crate) fn runtime() -> Arc<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Arc::new(builder.worker_threads(2).enable_time().build().unwrap())
}

pub(crate) fn toolbox(tools: Vec<Arc<dyn Tool>>) -> Toolbox {
    Toolbox::builder().tools(tools).build().unwrap()
}

pub(crate) fn all() -> ToolGrants {
    ToolGrants {
        allow: vec!["*".to_owned()],
        deny: Vec::new(),
    }
}

impl Session {
    pub(crate) fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self::with_budget(tools, Budget::default())
    }

    pub(crate) fn with_budget(tools: Vec<Arc<dyn Tool>>, budget: Budget) -> Self {
        let runtime = runtime();
        let broker = Broker::builder(toolbox(tools), all(), runtime.handle().clone())
            .budget(budget)
            .build();
        Self::around(broker, runtime)
    }

    pub(crate) fn around(broker: Broker, runtime: Arc<Runtime>) -> Self {
        Self {
            broker,
            turn: Turn::new(),
            runtime,
        }
    }

    pub(crate) fn frame(&mut self, op: u8, head: &[u8], parts: &[&[u8]]) -> Reply {
        let parts = parts.to_vec();
        let frame = Frame { op, head, parts };
        self.broker.call(&frame, &Handle(Arc::clone(&self.turn)))
    }

    pub(crate) fn reply(&mut self, tool: &str, arguments: Value) -> Reply {
        let head = json!({ "tool": tool, "arguments": arguments }).to_string();
        self.frame(OP_CALL, head.as_bytes(), &[])
    }

    /// The result of a plain call, or `class: message`.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        result(&self.reply(tool, arguments))
    }

    pub(crate) fn ask(&mut self, question: Value) -> Result<Value, String> {
        let reply = self.frame(OP_TOOLBOX, question.to_string().as_bytes(), &[]);
        head(&reply)
    }

    /// Starts an awaited call: its ticket, or the result if it came at once.
    pub(crate) fn start(&mut self, tool: &str, arguments: Value) -> Result<Ticket, Value> {
        let head = json!({ "tool": tool, "arguments": arguments, "await": true }).to_string();
        let reply = self.frame(OP_CALL, head.as_bytes(), &[]);
        let head = self::head(&reply).map_err(Value::String)?;
        match head.get("ticket").and_then(Value::as_u64) {
            Some(ticket) => Ok(ticket),
            None => Err(head["result"].clone()),
        }
    }

    /// Waits until an answer can be taken, and takes all that can.
    pub(crate) fn take(&mut self) -> Vec<(Ticket, Result<Value, String>)> {
        self.broker.wake_with(Arc::clone(&self.turn).into());
        let until = Instant::now() + Duration::from_secs(60);
        let broker = &self.broker;
        let waited = Handle(Arc::clone(&self.turn)).wait(Some(until), &mut || broker.has_answers());
        assert_eq!(waited, Waited::Ready, "an answer comes and wakes");
        let answers = self.broker.take_answers();
        let read = answers
            .iter()
            .map(|(ticket, reply)| (*ticket, result(reply)));
        read.collect()
    }
}

pub(crate) fn head(reply: &Reply) -> Result<Value, String> {
    let head: Value = serde_json::from_slice(&reply.head).unwrap();
    if reply.ok {
        return Ok(head);
    }
    let text = |key: &str| head[key].as_str().unwrap().to_owned();
    Err(format!("{}: {}", text("type"), text("message")))
}

pub(crate) fn result(reply: &Reply) -> Result<Value, String> {
    head(reply).map(|head| head["result"].clone())
}
