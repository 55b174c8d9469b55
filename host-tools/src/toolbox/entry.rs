//! One tool of a toolbox, with what is made of it when it is first used.

use crate::python::{Definition, Form};
use crate::tool::{Tool, ToolError, ToolSpec};
use crate::validation::Validator;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// A tool in a toolbox.
pub struct ToolEntry {
    tool: Arc<dyn Tool>,
    identifier: String,
    validator: OnceLock<Result<Validator, String>>,
    source: OnceLock<String>,
}

impl ToolEntry {
    pub(super) fn new(tool: Arc<dyn Tool>, identifier: String) -> Self {
        Self {
            tool,
            identifier,
            validator: OnceLock::new(),
            source: OnceLock::new(),
        }
    }

    /// The tool itself.
    #[must_use]
    pub fn tool(&self) -> &Arc<dyn Tool> {
        &self.tool
    }

    /// What it is.
    #[must_use]
    pub fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }

    /// Whether the other side of the API runs it.
    #[must_use]
    pub fn is_client(&self) -> bool {
        self.tool.client().is_some()
    }

    /// What the function is called in Python.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The Python that defines it in the guest.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.get_or_init(|| self.definition().source())
    }

    /// What a model is told of it.
    #[must_use]
    pub fn stub(&self, form: Form) -> String {
        self.definition().stub(form)
    }

    /// The first sentence of what it does.
    #[must_use]
    pub fn summary(&self) -> String {
        crate::python::summary(&self.spec().description)
    }

    /// Its types, parameters and result as Python sees them.
    #[must_use]
    pub fn definition(&self) -> Definition {
        Definition::of(self.spec(), &self.identifier).awaitable(self.is_client())
    }

    /// Checks arguments against the schema.
    ///
    /// # Errors
    /// What a guest would be told of a call with them.
    pub fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        self.usable()?.check(&self.spec().name, arguments)
    }

    /// The arguments as the tool gets them: without nulls that the schema does not admit, in
    /// places that may be left out.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn admit(&self, arguments: Value) -> Result<Value, ToolError> {
        self.usable()?.admit(&self.spec().name, arguments)
    }

    fn usable(&self) -> Result<&Validator, ToolError> {
        self.validator().map_err(|reason| {
            let name = &self.spec().name;
            let message = format!("{name}: the schema of this tool cannot be used");
            ToolError::new("RuntimeError", message).with_detail(reason.clone())
        })
    }

    pub(super) fn validator(&self) -> Result<&Validator, &String> {
        let compile = || Validator::compile(&self.spec().parameters);
        self.validator.get_or_init(compile).as_ref()
    }
}

impl std::fmt::Debug for ToolEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolEntry")
            .field("spec", self.spec())
            .field("identifier", &self.identifier)
            .finish_non_exhaustive()
    }
}
