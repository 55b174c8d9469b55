//! The guest's half of contexts: the code of turns that a wire runs around those of
//! its clients.
//!
//! `contexts.py` keeps the contexts of a session in the session itself, so that they
//! are saved, forked and restored with it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::python::literal;
use crate::error::ServiceError;
use crate::turns::Around;

/// The context that is there from the beginning.
pub(crate) const DEFAULT: &str = "default";
/// Where code and files begin.
pub(crate) const HOME: &str = "/home/user";
/// Contexts of a sandbox.
pub(crate) const CONTEXTS_MAX: usize = 32;

const SOURCE: &str = include_str!("contexts.py");
/// The module, by the name that the session keeps it under.
const MODULE: &str = "__import__('sys').modules['memex_contexts']";

/// A context, as the guest has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) id: String,
    pub(crate) folder: String,
}

/// Makes a context the current one.
pub(crate) fn enter(context: &str) -> String {
    format!("{}\n{}", install(), call("enter", &[context]))
}

/// Refuses variables that no environment can hold.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::error::ErrorKind), with the name.
pub(crate) fn check(variables: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    match variables
        .iter()
        .find(|(name, value)| !can_be_variable(name, value))
    {
        None => Ok(()),
        Some((name, _)) => Err(ServiceError::invalid(
            format!("no environment can hold the variable {name:?}"),
            "give it a name without `=`, and no NUL in its name or value",
        )),
    }
}

/// Whether an environment can hold a variable.
pub(crate) fn can_be_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// What is run around an execution with variables of its own; none where it has none.
pub(crate) fn around(variables: &BTreeMap<String, String>) -> Option<Around> {
    if variables.is_empty() {
        return None;
    }
    let variables = literal(&serde_json::to_string(variables).unwrap_or_default());
    let begin = format!("{MODULE}.begin(__import__('json').loads({variables}))");
    Some(Around {
        before: format!("{}\n{begin}", install()),
        after: call("end", &[]),
    })
}

/// Makes the default context current, if the session has contexts at all: for
/// sandboxes of which nothing is known.
pub(crate) fn settle() -> String {
    let module = "__import__('sys').modules.get('memex_contexts')";
    format!("(lambda found: found and found.enter('{DEFAULT}'))({module})\nNone")
}

pub(crate) fn create(id: &str, folder: &str) -> String {
    format!("{}\n{}", install(), call("create", &[id, folder]))
}

pub(crate) fn remove(id: &str) -> String {
    format!("{}\n{}", install(), call("remove", &[id]))
}

pub(crate) fn restart(id: &str) -> String {
    format!("{}\n{}", install(), call("restart", &[id]))
}

/// Asks for the contexts; [`read`] reads the turn's output.
pub(crate) fn ask() -> String {
    format!("{}\n{}", install(), call("ask", &[]))
}

/// Reads the answer to [`ask`]. The guest wrote it, so it may be anything.
///
/// # Errors
/// When it is no answer.
pub(crate) fn read(output: &str) -> Result<Vec<Context>, ServiceError> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Folders(BTreeMap<String, String>);

    let folders = serde_json::from_str::<Folders>(output.trim()).map(|folders| folders.0);
    match folders {
        Ok(folders) if folders.len() <= CONTEXTS_MAX => Ok(folders
            .into_iter()
            .map(|(id, folder)| Context { id, folder })
            .collect()),
        _ => Err(ServiceError::invalid(
            "the session does not say which contexts it has: code in it changed them",
            "restart the sandbox's default context, or make another sandbox",
        )),
    }
}

/// Whether a text can be the id of a context; what is none is not looked for.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Puts the module into the session, where it is not there yet.
fn install() -> String {
    let source = literal(SOURCE);
    format!(
        "(lambda modules, make: 'memex_contexts' in modules or exec(compile({source}, \
         '<contexts>', 'exec'), modules.setdefault('memex_contexts', make('memex_contexts'))\
         .__dict__))(__import__('sys').modules, __import__('types').ModuleType)"
    )
}

fn call(function: &str, arguments: &[&str]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|text| literal(text)).collect();
    format!("{MODULE}.{function}({})", arguments.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_variables_needs_nothing_around_it() {
        assert_eq!(around(&BTreeMap::new()), None);
        let variables = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let Around { before, after } = around(&variables).unwrap();
        assert!(before.contains(r#".loads("{\"A\":\"1\"}")"#), "{before}");
        assert!(after.ends_with(".end()"));
        assert!(enter("c1").contains(".enter(\"c1\")"));
    }

    #[test]
    fn answers_of_the_guest_are_checked() {
        let found = read("{\"default\": \"/home/user\", \"c\": \"/tmp\"}\n").unwrap();
        assert_eq!(found.len(), 2);
        let many: BTreeMap<_, _> = (0..=CONTEXTS_MAX).map(|n| (n.to_string(), "")).collect();
        let many = serde_json::to_string(&many).unwrap();
        for wrong in ["", "[]", "{\"a\": 1}", "x", many.as_str()] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
