//! Requests on a session.

use memex_runtime::{GuestError, Outcome, Session, Status};
use serde_json::{Map, Value, json};

use super::calls::Registered;
use super::codes::{RUNTIME_ERROR, argument, error, exception};
use super::files::{Mounted, in_session, put};
use super::guest::{self, FINAL, SHOW_FINAL, SHOW_VALUE, is_name};
use super::requests::{InjectVar, MountFile, Register, RegisteredTool};
use super::values::value_of;
use super::variables;
use crate::error::Error;

/// Where DSPy's code looks for variables that are too large for a line of code.
const VARIABLES: &str = "/tmp/dspy_vars";
/// Tools of a client.
const TOOLS_MAX: usize = 1_000;

/// What a request came to: a result, or an error.
pub(super) type Answered = Result<Value, Value>;

/// The session of a client.
pub(super) struct Interpreter {
    session: Session,
    registered: Registered,
    mounted: Mounted,
}

impl Interpreter {
    /// Prepares a session, whose code may call the tools of `registered`.
    pub(super) fn new(mut session: Session, registered: Registered) -> Result<Self, Error> {
        let begun = session.run(&guest::begin())?;
        match begun.is_ok() {
            true => Ok(Self {
                session,
                registered,
                mounted: Mounted::default(),
            }),
            false => Err(Error::Protocol(format!(
                "the session cannot be prepared: {}",
                what_of(&begun)
            ))),
        }
    }

    /// Runs a block. An `Err` of the outer kind ends the interpreter.
    pub(super) fn execute(&mut self, code: &str) -> Result<Answered, Error> {
        let parted = variables::part(code);
        for (name, text) in parted.iter().flat_map(|parted| &parted.texts) {
            if let Err(refused) = self.session.set_text(name, text)? {
                return Ok(Err(told(&refused)));
            }
        }
        let code = parted.as_ref().map_or(code, |parted| parted.code.as_str());
        let outcome = self.session.run(code)?;
        Ok(match &outcome.status {
            Status::Ok => Ok(json!({ "output": self.output(&outcome)? })),
            Status::Exception => match &outcome.error {
                Some(error) if is_final(error) => self.submitted()?,
                Some(error) => Err(told(error)),
                None => {
                    let code = outcome.exit_code.unwrap_or_default();
                    Err(exception(
                        "SystemExit",
                        &code.to_string(),
                        Value::from(code),
                    ))
                }
            },
            Status::Limit | Status::Refused => {
                let what = what_of(&outcome);
                Err(exception("RuntimeError", &what, Value::from(what.clone())))
            }
            Status::Fault => {
                return Err(Error::Protocol(format!(
                    "the session is lost: {}",
                    what_of(&outcome)
                )));
            }
        })
    }

    /// Binds the client's tools, and `SUBMIT` with the fields of its answer.
    pub(super) fn register(&mut self, register: &Register) -> Result<Answered, Error> {
        let mut names = Vec::new();
        let mut blocks = Vec::new();
        for tool in &register.tools {
            let (name, parameters) = match tool {
                RegisteredTool::Name(name) => (name, &[][..]),
                RegisteredTool::Whole { name, parameters } => (name, parameters.as_slice()),
            };
            let mut defaults = Map::new();
            for parameter in parameters {
                if let Some(default) = &parameter.default {
                    defaults.insert(parameter.name.clone(), default.clone());
                }
            }
            let parameters: Vec<&str> = parameters.iter().map(|one| one.name.as_str()).collect();
            let mut all = std::iter::once(name.as_str()).chain(parameters.iter().copied());
            if let Some(wrong) = all.find(|name| !is_name(name)) {
                return Ok(Err(no_name(wrong)));
            }
            blocks.push(guest::tool(name, &parameters, &Value::Object(defaults)));
            names.push(name.clone());
        }
        let fields: Vec<&str> = register
            .outputs
            .iter()
            .flatten()
            .map(|field| field.name.as_str())
            .collect();
        if let Some(wrong) = fields.iter().find(|name| !is_name(name)) {
            return Ok(Err(no_name(wrong)));
        }
        if !fields.is_empty() {
            blocks.push(guest::submit(&fields));
        }
        if names.len() > TOOLS_MAX {
            let what = format!("there are more than {TOOLS_MAX} tools");
            return Ok(Err(error(RUNTIME_ERROR, what)));
        }
        if !blocks.is_empty() {
            let bound = self.session.run(&blocks.join("\n"))?;
            if !bound.is_ok() {
                return Ok(Err(error(RUNTIME_ERROR, what_of(&bound))));
            }
        }
        self.registered.lock().extend(names.iter().cloned());
        Ok(Ok(json!({ "tools": names, "outputs": fields })))
    }

    /// Writes a variable where the code that follows reads it.
    pub(super) fn inject(&mut self, asked: &InjectVar) -> Answered {
        if !is_name(&asked.name) {
            return Err(no_name(&asked.name));
        }
        let path = format!("{VARIABLES}/{}.json", asked.name);
        let written = in_session(&mut self.session, |files| {
            put(files, &path, asked.value.as_bytes())
        });
        match written {
            Ok(()) => Ok(json!({ "injected": asked.name })),
            Err(what) => Err(error(RUNTIME_ERROR, format!("{path}: {what}"))),
        }
    }

    /// Copies a file in.
    pub(super) fn mount(&mut self, asked: &MountFile) -> Answered {
        let mounted = self.mounted.mount(&mut self.session, asked);
        match mounted {
            Ok(path) => Ok(json!({ "mounted": path })),
            Err(what) => Err(error(
                RUNTIME_ERROR,
                format!("it cannot be mounted: {what}"),
            )),
        }
    }

    /// Writes a file back that was copied in.
    pub(super) fn sync(&mut self, asked: &MountFile) {
        self.mounted.sync(&mut self.session, asked);
    }

    /// The value of a block as data, its text where it is none, or what it printed.
    fn output(&mut self, outcome: &Outcome) -> Result<Value, Error> {
        let Some(text) = &outcome.value else {
            return Ok(Value::from(outcome.stdout.text.as_str()));
        };
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Value::from(number));
        }
        let shown = self.session.run(SHOW_VALUE)?;
        Ok(data(&shown).unwrap_or_else(|| Value::from(text.as_str())))
    }

    fn submitted(&mut self) -> Result<Answered, Error> {
        let shown = self.session.run(SHOW_FINAL)?;
        Ok(match (data(&shown), &shown.error) {
            (Some(value), _) => Ok(json!({ "final": value })),
            (None, Some(error)) => Err(told(error)),
            (None, None) => {
                let what = format!("the answer cannot be read: {}", what_of(&shown));
                Err(exception("RuntimeError", &what, Value::from(what.clone())))
            }
        })
    }
}

/// What a block of ours wrote, if it is a value. It is the guest's word: code can write
/// something else in its place.
fn data(shown: &Outcome) -> Option<Value> {
    let is_whole = shown.is_ok() && !shown.stdout.truncated;
    is_whole
        .then(|| value_of(shown.stdout.text.as_bytes()).ok())
        .flatten()
}

fn is_final(error: &GuestError) -> bool {
    error.class.rsplit('.').next() == Some(FINAL)
}

fn told(error: &GuestError) -> Value {
    let class = error.class.as_str();
    exception(class, &error.message, argument(class, &error.message))
}

fn what_of(outcome: &Outcome) -> String {
    match (&outcome.limit, &outcome.error) {
        (Some(limit), _) => format!(
            "the limit {} is {}; {} was reached",
            limit.name, limit.limit, limit.actual
        ),
        (None, Some(error)) => format!("{}: {}", error.class, error.message),
        (None, None) => "the block was ended".to_owned(),
    }
}

fn no_name(name: &str) -> Value {
    let name: String = name.chars().take(100).collect();
    error(
        RUNTIME_ERROR,
        format!("{name:?} is no name for a tool or a variable"),
    )
}
