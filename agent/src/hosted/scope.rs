//! A scope that is a sandbox of a server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_channel::HostCalls;
use memex_runtime::Status;
use memex_sessions::Outcome;
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::events::Step;
use super::failure::Failure;
use super::tools::{ACCEPTED, ACCEPTED_MESSAGE, answers};
use crate::cancellation::Stop;
use crate::identifier::new_id;
use crate::observation::{SUBMITTED, ScopeNames, inventory};
use crate::scope::{Bell, Equipment, Scope};
use crate::{Cancellation, Error, Ran};

/// Where the contents of inputs are put.
const INPUT_FILES: &str = "/tmp/memex-inputs/";
/// How often a sandbox that is used is made to live longer.
const EXTENDED_EVERY: Duration = Duration::from_secs(600);

/// A scope on a server.
pub(super) struct HostedScope {
    client: Client,
    equipment: Equipment,
    setup: String,
    live: Option<Live>,
}

/// A sandbox that is there.
struct Live {
    sandbox: String,
    calls: Box<dyn HostCalls>,
    bell: Arc<Bell>,
    names: ScopeNames,
    extended: Instant,
}

#[derive(Deserialize)]
struct Variables {
    names: Value,
    lines: Value,
}

impl HostedScope {
    pub(super) fn new(client: Client, equipment: Equipment, setup: String) -> Self {
        Self {
            client,
            equipment,
            setup,
            live: None,
        }
    }

    /// The sandbox, made and set up if there is none.
    fn live(&mut self) -> Result<&mut Live, Error> {
        if self.live.is_none() {
            let sandbox = self.client.create(&new_id()?, &self.equipment.offered)?;
            let mut live = Live {
                calls: (self.equipment.calls)(),
                bell: Arc::default(),
                names: ScopeNames::default(),
                extended: Instant::now(),
                sandbox,
            };
            let begun = self.begin(&mut live);
            if begun.is_err() {
                self.client.end(&live.sandbox);
            }
            begun?;
            self.live = Some(live);
        }
        self.live.as_mut().ok_or_else(|| Error::Worker {
            what: "of the server: there is no sandbox".to_owned(),
        })
    }

    /// Brings the inputs there, and runs the setup.
    fn begin(&self, live: &mut Live) -> Result<(), Error> {
        let mut files = Vec::new();
        for (number, (name, content)) in self.equipment.inputs.iter().enumerate() {
            let path = format!("{INPUT_FILES}{number}");
            self.client.put(&live.sandbox, &path, content)?;
            files.push((name, path));
        }
        let code = match files.is_empty() {
            true => self.setup.clone(),
            false => format!("{}{}{FORGET}", loader(&files), self.setup),
        };
        if !code.is_empty() {
            let outcome = turn(&self.client, live, &code, &Cancellation::new())?;
            if let Some(error) = outcome.error.filter(|_| outcome.status != Status::Ok) {
                let what = format!(
                    "cannot be put into the scope: {}: {}",
                    error.class, error.message
                );
                return Err(Error::setting("inputs", what));
            }
        }
        live.names = self.variables(live)?.0;
        Ok(())
    }

    fn variables(&self, live: &Live) -> Result<(ScopeNames, Option<Vec<String>>), Error> {
        let told = self.client.variables(&live.sandbox)?;
        let told: Variables = serde_json::from_value(told).map_err(|error| Error::Worker {
            what: format!("of the server: the names cannot be read: {error}"),
        })?;
        let names = serde_json::json!({ "names": told.names }).to_string();
        let lines = serde_json::json!({ "lines": told.lines }).to_string();
        Ok((ScopeNames::parse(&names), inventory(&lines)))
    }
}

/// Takes the contents of inputs from files, where a session in this process asks its host.
fn loader(files: &[(&String, String)]) -> String {
    let names: serde_json::Map<String, Value> = files
        .iter()
        .map(|(name, path)| ((*name).clone(), Value::from(path.as_str())))
        .collect();
    // A JSON text as a Python literal: JSON's escapes are Python's.
    let literal = Value::String(Value::Object(names).to_string());
    format!(
        "def _memex_load(name, kind, files=__import__('json').loads({literal})):\n    \
         agents = __import__('sys').modules['memex_guest.agents']\n    \
         with open(files[name], 'rb') as file:\n        \
         return agents._loaded(bytearray(file.read()), kind)\n\
         __import__('sys').modules['memex_guest.agents'].load = _memex_load\n"
    )
}

/// The scope is as if it had not been there.
const FORGET: &str = "\ndel _memex_load\n";

/// Runs a turn to its end, answering its calls.
fn turn(
    client: &Client,
    live: &mut Live,
    code: &str,
    cancellation: &Cancellation,
) -> Result<Outcome, Error> {
    let key = new_id()?;
    live.calls.begin_turn();
    live.bell.begin();
    let mut step = client.turn(&live.sandbox, &key, code)?;
    loop {
        let calls = match step {
            Step::Done(outcome) => return Ok(*outcome),
            Step::Waiting(calls) => calls,
        };
        if cancellation.is_cancelled() {
            client.give_up(&live.sandbox);
            live.calls.roll_back();
            return Ok(Outcome::default());
        }
        let given = answers(&mut *live.calls, &calls, &live.bell);
        step = match client.answer(&live.sandbox, &given) {
            // The answers may have come there, and may not: the turn itself tells.
            Err(Failure::Broken(_) | Failure::Busy(..)) => {
                client.turn(&live.sandbox, &key, code)?
            }
            step => step?,
        };
    }
}

/// Stops a turn on the server, and the calls that it waits for here.
struct StopThere {
    client: Client,
    sandbox: String,
    bell: Arc<Bell>,
}

impl Stop for StopThere {
    fn stop(&self, hard: bool) {
        self.bell.stop(hard);
        self.client.interrupt(&self.sandbox, hard);
    }
}

impl Scope for HostedScope {
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        let client = self.client.clone();
        let live = self.live()?;
        if live.extended.elapsed() > EXTENDED_EVERY {
            client.extend(&live.sandbox);
            live.extended = Instant::now();
        }
        let stop = StopThere {
            client: client.clone(),
            sandbox: live.sandbox.clone(),
            bell: Arc::clone(&live.bell),
        };
        let outcome =
            cancellation.during(Arc::new(stop), || turn(&client, live, code, cancellation));
        let Some(outcome) = outcome else {
            return Ok(Ran {
                interrupted: true,
                ..Ran::default()
            });
        };
        let mut outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                // The next block begins in another one.
                if let Some(live) = self.live.take() {
                    client.end(&live.sandbox);
                }
                return Ok(Ran::lost(error.to_string()));
            }
        };
        if let Some(error) = &mut outcome.error
            && error.class == ACCEPTED
            && error.message == ACCEPTED_MESSAGE
        {
            SUBMITTED.clone_into(&mut error.class);
        }
        let mut ran = Ran {
            outcome,
            interrupted: cancellation.is_cancelled(),
            ..Ran::default()
        };
        if ran.is_state_lost() {
            self.live = None;
            return Ok(ran);
        }
        let live = self.live.take();
        if let Some(mut live) = live {
            let names = self.variables(&live);
            if let Ok((names, _)) = names {
                ran.names = names.since(&live.names);
                live.names = names;
            }
            self.live = Some(live);
        }
        Ok(ran)
    }

    fn describe(&mut self) -> Result<Option<Vec<String>>, Error> {
        self.live()?;
        match &self.live {
            Some(live) => Ok(self.variables(live)?.1),
            None => Ok(None),
        }
    }
}

impl Drop for HostedScope {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            self.client.end(&live.sandbox);
        }
    }
}
