//! A compiled schema.

use super::{absent, formats, messages, references, steps};
use crate::tool::ToolError;
use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

/// Steps that a pattern of a schema may take on one text.
const PATTERN_STEPS_MAX: usize = 10_000;
/// Bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Checks values against a schema. Never resolves anything outside of it.
#[derive(Debug)]
pub(crate) struct Validator {
    schema: Value,
    compiled: jsonschema::Validator,
}

impl Validator {
    /// Compiles a schema whose shape has been checked.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let schema = references::accepted(schema);
        let mut options = jsonschema::options().offline();
        if schema.get("$schema").is_none() {
            options = options.with_draft(Draft::Draft202012);
        }
        let compiled = formats::checked(options)
            .with_pattern_options(
                PatternOptions::fancy_regex()
                    .backtrack_limit(PATTERN_STEPS_MAX)
                    .size_limit(PATTERN_BYTES_MAX)
                    .dfa_size_limit(PATTERN_BYTES_MAX),
            )
            .build(&schema)
            .map_err(|error| messages::clipped(&error.to_string(), 300))?;
        Ok(Self { schema, compiled })
    }

    /// Checks the arguments of the tool called `name`.
    ///
    /// # Errors
    /// `TypeError` or `ValueError`, naming the tool and the field.
    pub(crate) fn check(&self, name: &str, arguments: &Value) -> Result<(), ToolError> {
        match self.judge(name, arguments)? {
            Judged::Fits => Ok(()),
            Judged::Wrong { .. } => self.explain(name, arguments),
        }
    }

    /// The arguments as the tool gets them: without nulls where it takes none and needs none.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn admit(&self, name: &str, arguments: Value) -> Result<Value, ToolError> {
        let Judged::Wrong { steps } = self.judge(name, &arguments)? else {
            return Ok(arguments);
        };
        match absent::without_nulls(&self.compiled, &arguments, steps::STEPS_MAX / steps.max(1)) {
            Some(left) => Ok(left),
            None => self.explain(name, &arguments).map(|()| arguments),
        }
    }

    /// What is wrong with the result of a tool, if that can be told; nulls in places that may
    /// be left out are not.
    pub(crate) fn misfit(&self, result: &Value) -> Option<String> {
        let Ok(Judged::Wrong { steps }) = self.judge("", result) else {
            return None;
        };
        let checks = steps::STEPS_MAX / steps.max(1);
        if absent::without_nulls(&self.compiled, result, checks).is_some() {
            return None;
        }
        let error = self.compiled.validate(result).err()?;
        Some(messages::misfit(&error))
    }

    /// # Errors
    /// If the check takes too long, or if what is wrong takes too much to be found.
    fn judge(&self, name: &str, arguments: &Value) -> Result<Judged, ToolError> {
        let Ok(steps) = steps::count(&self.schema, arguments) else {
            let message = format!(
                "{name}: it takes more than {} steps to hold the arguments against their schema; \
                 pass less at a time, or nest it less deeply",
                steps::STEPS_MAX
            );
            return Err(ToolError::new("ValueError", message));
        };
        if self.compiled.is_valid(arguments) {
            return Ok(Judged::Fits);
        }
        if !steps::may_be_explained(&self.schema, arguments) {
            let message = format!(
                "{name}: arguments: they fit none of the allowed forms, and are too many to say \
                 where; pass less at a time"
            );
            return Err(ToolError::new("ValueError", message));
        }
        Ok(Judged::Wrong { steps })
    }

    /// Says what is wrong with arguments that were judged.
    fn explain(&self, name: &str, arguments: &Value) -> Result<(), ToolError> {
        match self.compiled.validate(arguments) {
            Ok(()) => Ok(()),
            Err(error) => Err(messages::refusal(name, arguments, &error)),
        }
    }
}

/// What came of a check whose steps were counted.
enum Judged {
    Fits,
    /// What is wrong may be looked for, in as many steps again each time.
    Wrong {
        steps: usize,
    },
}
