//! Command lines, in the shell that runs inside of a session.
//!
//! The shell is Python (`python/memex/shell/guest`), the same that the Python package
//! sends into its sessions. It starts no process, and may do what code in the session
//! may do. It is loaded by a turn before the first command.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_sessions::Outcome;
use serde_json::json;

use super::contexts::{HOME, can_be_variable};
use super::python::literal;
use crate::error::ServiceError;

/// The modules of the shell, in the order in which they load, and the one that runs
/// commands for wires.
const MODULES: [(&str, &str); 29] = [
    (
        "bounds",
        include_str!("../../../python/memex/shell/guest/bounds.py"),
    ),
    (
        "syntax",
        include_str!("../../../python/memex/shell/guest/syntax.py"),
    ),
    (
        "scanner",
        include_str!("../../../python/memex/shell/guest/scanner.py"),
    ),
    (
        "grammar",
        include_str!("../../../python/memex/shell/guest/grammar.py"),
    ),
    (
        "patterns",
        include_str!("../../../python/memex/shell/guest/patterns.py"),
    ),
    (
        "arithmetic",
        include_str!("../../../python/memex/shell/guest/arithmetic.py"),
    ),
    (
        "expansion",
        include_str!("../../../python/memex/shell/guest/expansion.py"),
    ),
    (
        "state",
        include_str!("../../../python/memex/shell/guest/state.py"),
    ),
    (
        "streams",
        include_str!("../../../python/memex/shell/guest/streams.py"),
    ),
    (
        "invocation",
        include_str!("../../../python/memex/shell/guest/invocation.py"),
    ),
    (
        "redirecting",
        include_str!("../../../python/memex/shell/guest/redirecting.py"),
    ),
    (
        "machine",
        include_str!("../../../python/memex/shell/guest/machine.py"),
    ),
    (
        "options",
        include_str!("../../../python/memex/shell/guest/options.py"),
    ),
    (
        "testing",
        include_str!("../../../python/memex/shell/guest/testing.py"),
    ),
    (
        "regular",
        include_str!("../../../python/memex/shell/guest/regular.py"),
    ),
    (
        "sedscript",
        include_str!("../../../python/memex/shell/guest/sedscript.py"),
    ),
    (
        "commands.basic",
        include_str!("../../../python/memex/shell/guest/commands/basic.py"),
    ),
    (
        "commands.builtin",
        include_str!("../../../python/memex/shell/guest/commands/builtin.py"),
    ),
    (
        "commands.files",
        include_str!("../../../python/memex/shell/guest/commands/files.py"),
    ),
    (
        "commands.lines",
        include_str!("../../../python/memex/shell/guest/commands/lines.py"),
    ),
    (
        "commands.finding",
        include_str!("../../../python/memex/shell/guest/commands/finding.py"),
    ),
    (
        "commands.grep",
        include_str!("../../../python/memex/shell/guest/commands/grep.py"),
    ),
    (
        "commands.programs",
        include_str!("../../../python/memex/shell/guest/commands/programs.py"),
    ),
    (
        "commands.python",
        include_str!("../../../python/memex/shell/guest/commands/python.py"),
    ),
    (
        "commands.sed",
        include_str!("../../../python/memex/shell/guest/commands/sed.py"),
    ),
    (
        "commands.sorting",
        include_str!("../../../python/memex/shell/guest/commands/sorting.py"),
    ),
    (
        "commands",
        include_str!("../../../python/memex/shell/guest/commands/__init__.py"),
    ),
    (
        "serving",
        include_str!("../../../python/memex/shell/guest/serving.py"),
    ),
    (WIRE, include_str!("shell.py")),
];
const WIRE: &str = "wire";

/// Makes the package's modules out of their sources. The package and its `commands`
/// have folders of modules; the others lie in them.
const LOADER: &str = r#"
import sys, types

def module(name):
    found = sys.modules.get(name)
    if found is None:
        found = sys.modules[name] = types.ModuleType(name)
        outer, _, last = name.rpartition(".")
        found.__package__ = outer
        if name in ("memex_shell", "memex_shell.commands"):
            found.__package__, found.__path__ = name, []
        if outer:
            setattr(module(outer), last, found)
    return found

if "memex_shell.wire" not in sys.modules:
    for name, source in json.loads(sources):
        made = module("memex_shell." + name)
        exec(compile(source, "<shell " + name + ">", "exec"), made.__dict__)
"#;

/// A command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) what: What,
    /// Where it begins; none for the home folder.
    pub(crate) folder: Option<String>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A line for the shell.
    Line(String),
    /// A command and its arguments.
    Arguments(Vec<String>),
}

impl Default for What {
    fn default() -> Self {
        Self::Line(String::new())
    }
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) status: u8,
    /// Why it was ended, if it did not end by itself.
    pub(crate) reason: Option<String>,
}

impl What {
    /// The line, or the command and its arguments.
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::Line(line) => std::slice::from_ref(line),
            Self::Arguments(arguments) => arguments,
        }
    }

    /// The line in `bash -l -c LINE`; else the command as it is.
    pub(crate) fn of(command: String, arguments: Vec<String>) -> Self {
        let name = command.rsplit('/').next().unwrap_or_default();
        if let ("bash" | "sh", [flags @ .., line]) = (name, arguments.as_slice()) {
            let is_flag = |flag: &String| {
                flag.strip_prefix('-')
                    .is_some_and(|letters| letters.chars().all(|letter| "lic".contains(letter)))
            };
            if flags.iter().all(is_flag) && flags.last().is_some_and(|flag| flag.ends_with('c')) {
                return Self::Line(line.clone());
            }
        }
        Self::Arguments([vec![command], arguments].concat())
    }
}

/// The turn that loads the shell, where it is not loaded yet.
pub(crate) fn load() -> String {
    let sources = literal(&json!(MODULES).to_string());
    let loader = literal(LOADER);
    format!(
        "exec(compile({loader}, '<shell>', 'exec'), \
         {{'json': __import__('json'), 'sources': {sources}}})"
    )
}

/// The turn that runs a command. Its value is the status; none where the shell is not
/// loaded.
pub(crate) fn turn(command: &Command) -> String {
    let (line, arguments) = match &command.what {
        What::Line(line) => (Some(line), None),
        What::Arguments(arguments) => (None, Some(arguments)),
    };
    let request = json!({
        "line": line,
        "arguments": arguments,
        "folder": command.folder.as_deref().unwrap_or(HOME),
        "variables": command.variables,
        "input": STANDARD.encode(b""),
    });
    let request = literal(&request.to_string());
    format!(
        "(lambda wire: wire and wire.run({request}))\
         (__import__('sys').modules.get('memex_shell.{WIRE}'))"
    )
}

/// Whether the turn of a command found no shell.
pub(crate) fn is_missing(outcome: &Outcome) -> bool {
    outcome.is_ok() && outcome.value.is_none()
}

/// What the turn of a command says. The guest wrote the value, so it may be anything.
pub(crate) fn exit_of(outcome: &Outcome) -> Exit {
    let ended = |status, reason: &str| Exit {
        status,
        reason: Some(reason.to_owned()),
    };
    if outcome.is_ok() {
        let status = outcome
            .value
            .as_deref()
            .and_then(|value| value.parse().ok());
        return match status {
            Some(status) => Exit {
                status,
                reason: None,
            },
            None => ended(
                126,
                "the shell in the session gave no status: code there changed it",
            ),
        };
    }
    match (&outcome.limit, &outcome.error) {
        (Some(limit), _) if limit.name.ends_with("time_ms") => ended(
            124,
            "the command ran for longer than the sandbox's policy permits",
        ),
        (Some(limit), _) => ended(137, &format!("the limit {} was reached", limit.name)),
        (None, Some(error)) if error.class == "KeyboardInterrupt" => ended(130, "interrupted"),
        (None, Some(error)) => ended(137, &format!("{}: {}", error.class, error.message)),
        (None, None) => ended(137, "the sandbox ended the command"),
    }
}

/// Checks a command before anything runs.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(command: &Command) -> Result<(), ServiceError> {
    let texts = command.what.texts();
    let has_nul = texts.iter().any(|text| text.contains('\0'))
        || command.folder.iter().any(|folder| folder.contains('\0'));
    let is_variable = |(name, value): (&String, &String)| can_be_variable(name, value);
    if has_nul || !command.variables.iter().all(is_variable) {
        return Err(ServiceError::invalid(
            "the command, its folder or a variable holds what none can hold",
            "send texts without NUL, and names of variables without `=`",
        ));
    }
    match texts.first().is_none_or(|text| text.is_empty()) {
        true => Err(ServiceError::invalid("there is no command", "send one")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memex_runtime::{LimitHit, Status};

    /// The list is the one that the Python package loads.
    #[test]
    fn the_modules_are_those_of_the_shell() {
        let package = include_str!("../../../python/memex/shell/guest/__init__.py");
        let (_, list) = package.split_once("MODULES = (").unwrap();
        let names: Vec<_> = list
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"'))
            .collect();
        let names: Vec<_> = names
            .iter()
            .map(|name| name.trim_end_matches("\","))
            .collect();
        let own: Vec<_> = MODULES.iter().map(|(name, _)| *name).collect();
        assert_eq!(own.split_last(), Some((&WIRE, &names[..])));
    }

    #[test]
    fn a_line_for_bash_is_a_line() {
        let of = |command: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(|text| (*text).to_owned());
            What::of(command.to_owned(), arguments.collect())
        };
        let line = What::Line("ls | wc".to_owned());
        assert_eq!(of("/bin/bash", &["-l", "-c", "ls | wc"]), line);
        assert_eq!(of("sh", &["-c", "ls | wc"]), line);
        assert_eq!(of("bash", &["-lc", "ls | wc"]), line);
        let plain =
            |words: &[&str]| What::Arguments(words.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(of("bash", &["-l"]), plain(&["bash", "-l"]));
        assert_eq!(of("bash", &["script.sh"]), plain(&["bash", "script.sh"]));
        assert_eq!(
            of("bash", &["-c", "x", "name"]),
            plain(&["bash", "-c", "x", "name"])
        );
        assert_eq!(of("ls", &["-c", "x"]), plain(&["ls", "-c", "x"]));
    }

    #[test]
    fn a_status_is_read_or_made() {
        let with = |value: Option<&str>| Outcome {
            value: value.map(str::to_owned),
            ..Outcome::default()
        };
        assert_eq!(exit_of(&with(Some("3"))).status, 3);
        assert!(is_missing(&with(None)));
        for wrong in ["256", "-1", "'0'", "x"] {
            assert_eq!(exit_of(&with(Some(wrong))).status, 126, "{wrong}");
        }
        let late = Outcome {
            status: Status::Limit,
            limit: Some(LimitHit {
                name: "guest_time_ms".to_owned(),
                limit: 1,
                actual: 2,
            }),
            ..Outcome::default()
        };
        assert_eq!(exit_of(&late).status, 124);
    }

    #[test]
    fn what_no_command_can_hold_is_refused() {
        let line = |line: &str| Command {
            what: What::Line(line.to_owned()),
            ..Command::default()
        };
        assert!(check(&line("ls")).is_ok());
        assert!(check(&line("a\0b")).is_err());
        let mut named = line("ls");
        named.variables.insert("A=B".to_owned(), String::new());
        assert!(check(&named).is_err());
        assert!(check(&line("")).is_err());
        let none = Command {
            what: What::Arguments(Vec::new()),
            ..Command::default()
        };
        assert!(check(&none).is_err());
    }
}
