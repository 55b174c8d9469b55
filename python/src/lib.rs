//! The extension module of the Python package: sandboxes and sessions for CPython.
//!
//! ```text
//!  memex/*.py ──► Host ──► Sandbox ──► Session ──► Outcome
//!       ▲                     │            │
//!       └─ tool functions ◄───┘            └─► Snapshot
//!
//!  memex/*.py ──► Agent ──► the loop of memex-agent ──► RunOutcome, Trajectory
//!       ▲           │
//!       └─ models, tools, checks of answers, events
//! ```
//! What a user sees is written in Python, in `memex/`; this crate holds what needs
//! the runtime. A turn runs on the thread that calls, with the interpreter's lock
//! released; a tool that is a Python function takes the lock on that thread and
//! gives it back. So there is no hand-over between threads on the way.
//!
//! Invariants: no object of this module is used in a process that was forked from
//! its own (`owned.rs`); nothing here calls Python while it holds a lock of its own,
//! but for the lock that says that a session is busy.

mod agent;
mod agent_hooks;
mod agent_model;
mod agent_output;
mod agent_result;
mod agent_trajectory;
mod command;
mod errors;
mod host;
mod json;
mod memory;
mod outcome;
mod owned;
mod parts;
mod progress;
mod sandbox;
mod session;
mod signals;
mod sink;
mod snapshot;
mod stopping;
mod tools;
mod turns;

use pyo3::prelude::*;

/// The sources of the guest's own package that this process shares: what packs and
/// unpacks values.
#[pyfunction]
fn guest_sources() -> Vec<(&'static str, &'static str)> {
    memex_guest_python::PYTHON_SOURCES.to_vec()
}

/// Name, unit, minimum, maximum, default and meaning of a limit.
type LimitField = (&'static str, String, u64, u64, Option<u64>, &'static str);

/// All limits.
#[pyfunction]
fn limit_fields() -> Vec<LimitField> {
    memex_policies::Limits::fields()
        .iter()
        .map(|field| {
            (
                field.name,
                format!("{:?}", field.unit).to_lowercase(),
                field.minimum,
                field.maximum,
                field.default_value(),
                field.meaning,
            )
        })
        .collect()
}

/// The tables of a policy as JSON, of the text of a policy file; checked.
#[pyfunction]
fn policy_of_toml(py: Python<'_>, text: &str) -> PyResult<String> {
    let refused = |what: String| errors::raise(py, errors::Class::Policy, what);
    memex_policies::Policy::parse(text).map_err(|error| refused(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error| refused(format!("{error}")))?;
    serde_json::to_string(&table).map_err(|error| refused(error.to_string()))
}

/// The same of the JSON of such tables.
#[pyfunction]
fn policy_of_json(py: Python<'_>, text: &str) -> PyResult<String> {
    let refused = |what: String| errors::raise(py, errors::Class::Policy, what);
    let table: toml::Table =
        serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
    let written = toml::to_string(&table).map_err(|error| refused(error.to_string()))?;
    memex_policies::Policy::parse(&written).map_err(|error| refused(error.cause().to_string()))?;
    serde_json::to_string(&table).map_err(|error| refused(error.to_string()))
}

/// A text of a guest's for a terminal, with its colours if they may pass.
#[pyfunction]
fn for_terminal(text: &str, colours: bool) -> String {
    match colours {
        true => memex_escapes::harmless(text),
        false => memex_escapes::plain(text),
    }
}

#[pymodule]
fn _memex(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<host::Host>()?;
    module.add_class::<sandbox::Sandbox>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<outcome::Outcome>()?;
    module.add_class::<snapshot::Snapshot>()?;
    module.add_class::<tools::ToolDefinition>()?;
    module.add_class::<tools::LaterAnswer>()?;
    module.add_class::<agent::Agent>()?;
    module.add_class::<agent::RunTask>()?;
    module.add_class::<agent_result::RunOutcome>()?;
    module.add_class::<agent_model::ModelSource>()?;
    module.add_class::<agent_model::ModelAnswer>()?;
    module.add_class::<agent_trajectory::Trajectory>()?;
    module.add_class::<memory::Memory>()?;
    module.add_class::<memory::MemoryPlace>()?;
    module.add_class::<memory::MemoryAgent>()?;
    module.add_class::<stopping::Stop>()?;
    tools::prepare(module.py());
    module.add_function(wrap_pyfunction!(tools::run_apart, module)?)?;
    module.add_function(wrap_pyfunction!(agent_output::check_output, module)?)?;
    module.add_function(wrap_pyfunction!(command::command, module)?)?;
    module.add_function(wrap_pyfunction!(guest_sources, module)?)?;
    module.add_function(wrap_pyfunction!(limit_fields, module)?)?;
    module.add_function(wrap_pyfunction!(for_terminal, module)?)?;
    module.add_function(wrap_pyfunction!(policy_of_toml, module)?)?;
    module.add_function(wrap_pyfunction!(policy_of_json, module)?)?;
    Ok(())
}
