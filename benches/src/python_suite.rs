//! The pure-Python suite: the same programs in the guest and natively.

use crate::context::{run_ok, session, unexpected};
use crate::error::Error;
use crate::statistics::timed;
use memex_runtime::{Sandbox, Session};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

macro_rules! programs {
    ($($name:literal),* $(,)?) => {
        /// Programs by name. Each defines `run()`, which computes for some
        /// tens of milliseconds and returns what it found.
        pub(crate) const PROGRAMS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../python/", $name, ".py"))),)*];
    };
}

programs![
    "bodies",
    "calls",
    "comprehensions",
    "documents",
    "generators",
    "loops",
    "objects",
    "patterns",
    "sorting",
    "texts",
    "words",
];

const NATIVE: &str = include_str!("../python/native.py");

/// Something that runs programs of the suite, and times them.
pub(crate) trait Runner {
    /// Runs a program once; its time and its result as `repr` gives it.
    fn run(&mut self, name: &str) -> Result<(Duration, String), Error>;
}

/// The suite in a session.
pub(crate) struct Guest(Session);

impl Guest {
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Self, Error> {
        let mut session = session(sandbox)?;
        run_ok(&mut session, "scopes = {}")?;
        for (name, source) in PROGRAMS {
            let (name, source) = (literal(name), literal(source));
            let define = format!(
                "exec(compile({source}, {name}, 'exec'), scopes.setdefault({name}, {{'__name__': {name}}}))"
            );
            run_ok(&mut session, &define)?;
        }
        Ok(Self(session))
    }
}

impl Runner for Guest {
    /// The time is the whole turn's: what the limits do for each turn counts.
    fn run(&mut self, name: &str) -> Result<(Duration, String), Error> {
        let code = format!("repr(scopes[{}]['run']())", literal(name));
        let (outcome, took) = timed(|| run_ok(&mut self.0, &code));
        let outcome = outcome?;
        let quoted = |text: &String| text.get(1..text.len().saturating_sub(1)).map(str::to_owned);
        match outcome.value.as_ref().and_then(quoted) {
            // The value is the `repr` of a text: unescape what the suite uses.
            Some(text) => Ok((took, text.replace("\\'", "'").replace("\\\\", "\\"))),
            None => Err(unexpected(&code, "a value", &outcome)),
        }
    }
}

/// The suite in a process of another interpreter, which times itself.
pub(crate) struct Native {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    program: String,
    /// The interpreter's name.
    pub(crate) version: String,
}

impl Native {
    pub(crate) fn start(python: &Path) -> Result<Self, Error> {
        let program = python.display().to_string();
        let fail = |reason: &str| Error::Program {
            program: program.clone(),
            reason: reason.into(),
        };
        let mut child = Command::new(python)
            .args(["-I", "-c", NATIVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| fail(&error.to_string()))?;
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .ok_or_else(|| fail("no standard output"))?;
        let output = BufReader::new(output);
        let mut native = Self {
            child,
            input,
            output,
            program,
            version: String::new(),
        };
        let sources: BTreeMap<_, _> = PROGRAMS.iter().copied().collect();
        let version = native.ask(&serde_json::json!(sources))?;
        native.version = version.as_str().unwrap_or_default().to_owned();
        Ok(native)
    }

    fn ask(&mut self, question: &Value) -> Result<Value, Error> {
        let answer = self.exchange(question);
        answer.map_err(|reason| Error::Program {
            program: self.program.clone(),
            reason,
        })
    }

    fn exchange(&mut self, question: &Value) -> Result<Value, String> {
        let input = self.input.as_mut().ok_or("its standard input is closed")?;
        writeln!(input, "{question}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }
}

impl Runner for Native {
    fn run(&mut self, name: &str) -> Result<(Duration, String), Error> {
        let answer = self.ask(&Value::from(name))?;
        match (
            answer.get(0).and_then(Value::as_u64),
            answer.get(1).and_then(Value::as_str),
        ) {
            (Some(ns), Some(result)) => Ok((Duration::from_nanos(ns), result.to_owned())),
            _ => Err(Error::Program {
                program: self.program.clone(),
                reason: format!("an answer of another shape: {answer}"),
            }),
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // Its loop ends with its input.
        self.input = None;
        let _ = self.child.wait();
    }
}

/// How much longer each program takes in `a` than in `b`: of the shortest
/// times of `rounds` rounds in which both take turns.
pub(crate) fn ratios(
    a: &mut dyn Runner,
    b: &mut dyn Runner,
    rounds: usize,
) -> Result<Vec<(&'static str, f64)>, Error> {
    let mut shortest = vec![(Duration::MAX, Duration::MAX); PROGRAMS.len()];
    // One round more, whose times are not read: the first run of a program
    // specialises its code.
    for round in 0..=rounds {
        for ((name, _), best) in PROGRAMS.iter().zip(&mut shortest) {
            let ((time_a, result_a), (time_b, result_b)) = if round % 2 == 0 {
                (a.run(name)?, b.run(name)?)
            } else {
                let second = b.run(name)?;
                (a.run(name)?, second)
            };
            if result_a != result_b {
                return Err(Error::Unexpected {
                    code: (*name).to_owned(),
                    wanted: result_b,
                    found: result_a,
                });
            }
            if round > 0 {
                *best = (best.0.min(time_a), best.1.min(time_b));
            }
        }
    }
    let ratio = |(a, b): (Duration, Duration)| a.as_secs_f64() / b.as_secs_f64();
    Ok(PROGRAMS
        .iter()
        .map(|(name, _)| *name)
        .zip(shortest.into_iter().map(ratio))
        .collect())
}

/// The ratios as a list for a note.
pub(crate) fn listed(ratios: &[(&'static str, f64)]) -> String {
    let each: Vec<_> = ratios
        .iter()
        .map(|(name, ratio)| format!("{name} {ratio:.3}"))
        .collect();
    each.join(", ")
}

/// Text as a Python literal: JSON's escapes are Python's for the texts here.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Gives each program its own time, and itself as a result.
    struct Fixed(u64, &'static str);

    impl Runner for Fixed {
        fn run(&mut self, name: &str) -> Result<(Duration, String), Error> {
            Ok((Duration::from_millis(self.0), format!("{name}{}", self.1)))
        }
    }

    #[test]
    fn ratios_of_equal_results_only() {
        let found = ratios(&mut Fixed(30, ""), &mut Fixed(20, ""), 2).unwrap();
        assert_eq!(found.len(), PROGRAMS.len());
        assert!(found.iter().all(|(_, ratio)| (ratio - 1.5).abs() < 1e-9));
        assert!(listed(&found).starts_with("bodies 1.500, calls 1.500"));
        let error = ratios(&mut Fixed(1, ""), &mut Fixed(1, "!"), 1).unwrap_err();
        assert!(matches!(error, Error::Unexpected { wanted, .. } if wanted == "bodies!"));
    }
}
