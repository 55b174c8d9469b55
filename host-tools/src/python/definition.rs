//! What a tool is in Python.

use super::functions::{self, Signature};
use super::names::{self, ClassNames};
use super::records::Class;
use super::text;
use super::walk::{Walk, description};
use crate::tool::ToolSpec;

/// How much a stub says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Types and signatures on a line each, with one line of what a tool does.
    #[default]
    Compact,
    /// As compact, with the whole description and that of every parameter and field
    /// as comments: what a model needs to call it.
    Described,
    /// The signature and the first sentence, without the classes.
    Short,
    /// With docstrings that describe every parameter and field.
    Full,
}

/// A tool in Python: the classes it needs, and a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    classes: Vec<Class>,
    signature: Signature,
}

impl Definition {
    /// The Python of a tool whose function is called `identifier`.
    #[must_use]
    pub fn of(spec: &ToolSpec, identifier: &str) -> Self {
        let names = ClassNames::beside(identifier);
        let mut walk = Walk::new(&spec.parameters, names);
        let (parameters, others) = functions::parameters(&mut walk, &spec.parameters, identifier);
        let mut returns_description = String::new();
        let returns = spec.returns.as_ref().map(|schema| {
            walk.turn_to(schema);
            returns_description = description(schema);
            let hint = format!("{}Result", names::pascal(identifier));
            walk.kind(schema, &hint, 0)
        });
        Self {
            classes: walk.classes,
            signature: Signature {
                tool: spec.name.clone(),
                name: identifier.to_owned(),
                description: text::description(&spec.description),
                parameters,
                others,
                returns,
                returns_description,
                is_awaitable: false,
            },
        }
    }

    /// Whether models are shown a function to await.
    #[must_use]
    pub fn awaitable(mut self, is_awaitable: bool) -> Self {
        self.signature.is_awaitable = is_awaitable;
        self
    }

    /// The text that the guest executes.
    #[must_use]
    pub fn source(&self) -> String {
        let mut source = String::new();
        for class in &self.classes {
            source.push_str(&class.full());
            source.push('\n');
        }
        source.push_str(&self.signature.source());
        source
    }

    /// What a model is told.
    #[must_use]
    pub fn stub(&self, form: Form) -> String {
        let mut stub = String::new();
        for class in &self.classes {
            match form {
                Form::Compact => stub.push_str(&class.compact()),
                Form::Described => stub.push_str(&class.described()),
                Form::Short => {}
                Form::Full => {
                    stub.push_str(&class.full());
                    stub.push('\n');
                }
            }
        }
        match form {
            Form::Compact | Form::Short => stub.push_str(&self.signature.compact()),
            Form::Described => stub.push_str(&self.signature.described()),
            Form::Full => stub.push_str(&self.signature.full()),
        }
        stub
    }

    /// The names of the classes that stand beside the function.
    pub(crate) fn class_names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(Class::name)
    }

    /// The signature alone: `def name(…) -> T`.
    #[must_use]
    pub fn signature(&self) -> String {
        self.signature.line()
    }

    /// The first sentence of what it does.
    #[must_use]
    pub fn summary(&self) -> String {
        text::summary(&self.signature.description)
    }
}
