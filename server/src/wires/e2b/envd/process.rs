//! Calls about processes. A command is one that the shell in the sandbox runs: one at
//! a time, for as long as somebody reads its stream.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::connect::{Call, Code, ConnectError, Sender, stream, stream_request};
use super::super::state::E2b;
use super::access::Access;
use super::filesystem::{Asked, admitted, asked};
use super::processes::{Config, Selector};
use crate::wires::executions::{Step, Task};
use crate::wires::shell::{Command, Exit, What, exit_of};

const KEEPALIVE: Duration = Duration::from_secs(5);
/// The longest command, where the client sets no time.
const STREAM_MAX: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Start {
    process: Option<Config>,
    pty: Option<Value>,
    tag: Option<String>,
    stdin: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Signal {
    process: Selector,
}

pub(super) async fn list(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Value> = asked(&state, request).await?;
    let running = state.processes.of(asked.access.id);
    Ok(Json(json!({ "processes": running })))
}

/// Any signal interrupts the command.
pub(super) async fn signal(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Signal> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let process = state.processes.find(id, &asked.message.process);
    let process = process.ok_or_else(no_process)?;
    let interrupted = state.executions.interrupt(&who, id, &process.execution);
    match interrupted.await? {
        true => Ok(Json(json!({}))),
        false => Err(no_process()),
    }
}

/// Input, and a terminal's size: commands have neither.
pub(super) async fn other(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Signal> = asked(&state, request).await?;
    match state
        .processes
        .find(asked.access.id, &asked.message.process)
    {
        None => Err(no_process()),
        Some(_) => Err(no_input()),
    }
}

/// A stream that is read once cannot be read again.
pub(super) async fn connect(State(state): State<E2b>, request: Request) -> Response {
    let error = match admitted(&state, request).await {
        Err(error) => error,
        Ok((access, request)) => match stream_request::<Signal>(request).await {
            Err(error) => error,
            Ok(call) => match state.processes.find(access.id, &call.message.process) {
                None => no_process(),
                Some(_) => ConnectError::new(
                    Code::Unimplemented,
                    "a command that runs cannot be connected to\nhint: read the stream \
                     that started it",
                ),
            },
        },
    };
    let (sender, events) = stream();
    sender.end(Err(error)).await;
    events.into_response()
}

pub(super) async fn start(State(state): State<E2b>, request: Request) -> Response {
    let call = match admitted(&state, request).await {
        Ok((access, request)) => stream_request::<Start>(request)
            .await
            .map(|call| (access, call)),
        Err(error) => Err(error),
    };
    let (sender, events) = stream();
    tokio::spawn(async move {
        let outcome = match call {
            Ok((access, call)) => run(&state, access, call, &sender).await,
            Err(error) => Err(error),
        };
        sender.end(outcome).await;
    });
    events.into_response()
}

async fn run(
    state: &E2b,
    access: Access,
    call: Call<Start>,
    sender: &Sender,
) -> Result<(), ConnectError> {
    let Start {
        process,
        pty,
        tag,
        stdin,
    } = call.message;
    if pty.is_some_and(|pty| !pty.is_null()) {
        let message = "there are no terminals\nhint: run commands instead";
        return Err(ConnectError::new(Code::Unimplemented, message));
    }
    if stdin == Some(true) {
        return Err(no_input());
    }
    let config = process.unwrap_or_default();
    let command = Command {
        what: What::of(config.cmd.clone(), config.args.clone()),
        folder: config.cwd.clone().filter(|folder| !folder.is_empty()),
        variables: config.envs.clone(),
    };
    let end = Instant::now() + call.timeout.unwrap_or(STREAM_MAX).min(STREAM_MAX);
    let Access { who, id } = access;
    let mut steps = state.executions.start(who, id, Task::Command(command))?;
    let listed = state.processes.begin(id, config, tag, steps.id.clone());
    let mut has_begun = false;
    loop {
        // Leaving drops the steps, which interrupts the command.
        let step = tokio::select! {
            step = timeout(KEEPALIVE, steps.next()) => step,
            () = sender.gone() => return Ok(()),
            () = sleep_until(end) => {
                let message = "the command ran for longer than the client waits";
                return Err(ConnectError::new(Code::DeadlineExceeded, message));
            }
        };
        let event = match step {
            Ok(Some(Step::Began { .. })) => {
                has_begun = true;
                json!({ "start": { "pid": listed.pid } })
            }
            Ok(Some(Step::Stdout(text))) => data("stdout", &text),
            Ok(Some(Step::Stderr(text))) => data("stderr", &text),
            Ok(Some(Step::Over(outcome))) => {
                state.watchers.touched(id);
                return finish(sender, exit_of(&outcome)).await;
            }
            Ok(Some(Step::Failed(error))) => return Err(error.into()),
            Ok(None) => {
                let message = "the server ended the command";
                return Err(ConnectError::new(Code::Internal, message));
            }
            // Clients take the first event for the beginning.
            Err(_quiet) if !has_begun => continue,
            Err(_quiet) => json!({ "keepalive": {} }),
        };
        if !sender.send(&json!({ "event": event })).await {
            return Ok(());
        }
    }
}

async fn finish(sender: &Sender, exit: Exit) -> Result<(), ConnectError> {
    let Exit { status, reason } = exit;
    if let Some(reason) = reason {
        let event = data("stderr", &format!("memex: {reason}\n"));
        sender.send(&json!({ "event": event })).await;
    }
    let told = format!("exit status {status}");
    let mut end = json!({ "exitCode": status, "exited": true, "status": told });
    if let (false, Value::Object(fields)) = (status == 0, &mut end) {
        fields.insert("error".to_owned(), Value::from(told));
    }
    sender.send(&json!({ "event": { "end": end } })).await;
    Ok(())
}

fn data(stream: &str, text: &str) -> Value {
    json!({ "data": { stream: STANDARD.encode(text) } })
}

fn no_process() -> ConnectError {
    let message = "there is no such process\nhint: a command ends when nobody reads its output";
    ConnectError::new(Code::NotFound, message)
}

fn no_input() -> ConnectError {
    let message = "a command gets no input while it runs\nhint: write a file, and redirect from it";
    ConnectError::new(Code::Unimplemented, message)
}
