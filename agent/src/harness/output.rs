//! The schema of an answer, as the parameters of a function.

use std::future::ready;
use std::sync::Arc;

use futures_util::FutureExt as _;
use memex_host_tools::{
    Answer, Arguments, CallContext, SCHEMA_DEPTH_MAX, Tool, ToolFuture, ToolSpec, Toolbox,
};
use serde_json::{Map, Value, json};

use crate::Error;

/// The name of the tool that takes an answer.
pub(crate) const SUBMIT: &str = "submit";

/// What an answer has to meet beyond its schema.
pub trait Check: Send + Sync + 'static {
    /// Takes an answer that meets the schema, and the binary parts that it refers to;
    /// `Err` refuses it, with the reason for the model.
    ///
    /// # Errors
    /// Why the answer will not do.
    fn check(&self, answer: &Value, parts: &[Vec<u8>]) -> Result<(), String>;
}

/// The JSON Schema that a run's answer has to meet.
#[derive(Clone)]
pub struct OutputSchema {
    schema: Value,
    parameters: Value,
    /// Whether the answer is the one argument `value`, not the arguments.
    wrapped: bool,
    check: Option<Arc<dyn Check>>,
}

impl std::fmt::Debug for OutputSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputSchema")
            .field("schema", &self.schema)
            .field("checked", &self.check.is_some())
            .finish_non_exhaustive()
    }
}

/// Two schemas are equal where they ask for the same; what checks answers besides is
/// not compared.
impl PartialEq for OutputSchema {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

impl OutputSchema {
    /// Takes a schema. One of an object makes its properties the arguments of
    /// `submit`; any other is the type of one argument `value`.
    ///
    /// # Errors
    /// [`Error::Schema`].
    pub fn new(schema: Value) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Err(Error::Schema {
                what: what.to_owned(),
            })
        };
        let Some(map) = schema.as_object() else {
            return wrong("it is no JSON object");
        };
        if is_deeper(&schema, SCHEMA_DEPTH_MAX) {
            return wrong("it is nested too deeply");
        }
        let is_object = map.get("type").and_then(Value::as_str) == Some("object")
            && map.get("properties").is_some_and(Value::is_object);
        let parameters = match is_object {
            true => {
                let mut closed = map.clone();
                closed.entry("additionalProperties").or_insert(json!(false));
                Value::Object(closed)
            }
            false => wrap(map),
        };
        let output = Self {
            schema,
            parameters,
            wrapped: !is_object,
            check: None,
        };
        // A schema that a toolbox would refuse is refused here, before anything runs.
        compiled(Arc::new(Uncalled(output.spec())))?;
        Ok(output)
    }

    /// The same, with a check of what meets the schema. The first answer that it
    /// lets through is final.
    #[must_use]
    pub fn checked_by(mut self, check: Arc<dyn Check>) -> Self {
        self.check = Some(check);
        self
    }

    pub(super) fn check(&self, answer: &Value, parts: &[Vec<u8>]) -> Result<(), String> {
        match &self.check {
            Some(check) => check.check(answer, parts),
            None => Ok(()),
        }
    }

    /// The schema as it was given.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The arguments that an answer comes as.
    pub(crate) fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// The arguments that stand for a value.
    pub(crate) fn arguments_of(&self, value: Value) -> Value {
        match self.wrapped {
            true => json!({ "value": value }),
            false => value,
        }
    }

    pub(super) fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: SUBMIT.to_owned(),
            description:
                "Hands in the answer and ends the task. It is checked against its schema: \
                what does not fit raises, with what was expected and what was given."
                    .to_owned(),
            parameters: self.parameters.clone(),
            returns: Some(json!({ "type": "null" })),
            timeout: None,
        }
    }

    /// The answer in the arguments of a call.
    pub(crate) fn answer(&self, mut arguments: Map<String, Value>) -> Value {
        match self.wrapped {
            true => arguments.remove("value").unwrap_or_default(),
            false => Value::Object(arguments),
        }
    }
}

/// A toolbox of one tool whose schema was compiled.
pub(crate) fn compiled(tool: Arc<dyn Tool>) -> Result<Toolbox, Error> {
    let wrong = |error: memex_host_tools::Error| Error::Schema {
        what: error.to_string(),
    };
    let toolbox = Toolbox::builder().tool(tool).build().map_err(wrong)?;
    toolbox.compile().map_err(wrong)?;
    Ok(toolbox)
}

/// A function as whose arguments values are checked. It is never called.
pub(crate) struct Uncalled(pub(crate) ToolSpec);

impl Tool for Uncalled {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        ready(Ok(Answer::default())).boxed()
    }
}

/// Definitions stay at the root, where references look for them.
fn wrap(schema: &Map<String, Value>) -> Value {
    let mut inner = schema.clone();
    let mut outer = Map::new();
    outer.insert("type".into(), json!("object"));
    for key in ["$defs", "definitions"] {
        if let Some(definitions) = inner.remove(key) {
            outer.insert(key.into(), definitions);
        }
    }
    outer.insert("properties".into(), json!({ "value": inner }));
    outer.insert("required".into(), json!(["value"]));
    outer.insert("additionalProperties".into(), json!(false));
    Value::Object(outer)
}

fn is_deeper(value: &Value, depth: usize) -> bool {
    let Some(inner) = depth.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper(value, inner)),
        Value::Object(map) => map.values().any(|value| is_deeper(value, inner)),
        _ => false,
    }
}
