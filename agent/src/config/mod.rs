//! The settings of an agent, as one file.

mod budgets;
mod settings;

pub use budgets::{AgentLimits, Budgets};
pub use settings::{AgentConfig, Backend, CodeForm, ObservationOptions, PythonExec};
