//! `submit`: the tool whose accepted call ends a run.

use std::future::ready;
use std::sync::Arc;

use futures_util::FutureExt as _;
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::output::OutputSchema;
use crate::observation::result_value;

/// An answer that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The answer, which meets the schema.
    pub value: Value,
    /// The submitted objects, for the parent of the run.
    pub objects: Option<Objects>,
}

/// The objects of an answer, in addition to its JSON. They come from the guest
/// unchecked: the host checked only the JSON, so readers must compare the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// As the guest packed them.
    pub packed: Vec<u8>,
    /// SHA-256 of the call that was checked, in hexadecimal. A guest that
    /// unpacks the objects and writes their call anew gets the same, unless
    /// they are others than the answer.
    pub call: String,
}

impl Objects {
    /// The objects of a call of `submit` with this head and these parts.
    pub(super) fn of_call(packed: &[u8], head: &[u8], parts: &[&[u8]]) -> Self {
        let mut hashed = Sha256::new();
        for piece in std::iter::once(&head).chain(parts) {
            hashed.update((piece.len() as u64).to_le_bytes());
            hashed.update(piece);
        }
        let digest = hashed.finalize();
        Self {
            packed: packed.to_vec(),
            call: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Where the answer of a run lands. The first accepted one is final, whatever
/// the code does afterwards.
#[derive(Debug, Clone, Default)]
pub struct SubmissionSlot(Arc<Mutex<Option<Submission>>>);

impl SubmissionSlot {
    /// The answer, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<Submission> {
        self.0.lock().clone()
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Forgets the answer: it was to an earlier task.
    pub(crate) fn clear(&self) {
        *self.0.lock() = None;
    }

    pub(super) fn fill(&self, value: Value) {
        self.0.lock().get_or_insert(Submission {
            value,
            objects: None,
        });
    }

    /// Adds the objects of the call that was just accepted.
    pub(super) fn attach(&self, objects: Objects) {
        if let Some(submission) = &mut *self.0.lock() {
            submission.objects.get_or_insert(objects);
        }
    }
}

/// The tool. The broker has checked the arguments when it is called.
pub(crate) struct SubmitTool {
    spec: ToolSpec,
    output: OutputSchema,
    slot: SubmissionSlot,
}

impl SubmitTool {
    pub(crate) fn new(output: &OutputSchema, slot: SubmissionSlot) -> Self {
        Self {
            spec: output.spec(),
            output: output.clone(),
            slot,
        }
    }
}

impl Tool for SubmitTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: CallContext, arguments: Arguments) -> ToolFuture {
        let Arguments { json, parts } = arguments;
        let value = self.output.answer(json);
        if !self.slot.is_filled()
            && let Err(reason) = self.output.check(&value, &parts)
        {
            return ready(Err(ToolError::new("ValueError", reason))).boxed();
        }
        // Tables and bytes become what a trajectory can hold.
        let value = match parts.is_empty() {
            true => value,
            false => plain(&value, &parts),
        };
        self.slot.fill(value);
        ready(Ok(Answer::default())).boxed()
    }
}

/// Bytes of tables and the like that become part of a record; larger ones are
/// named there by their size.
const RECORDED_MAX_BYTES: usize = 1 << 20;

fn plain(value: &Value, parts: &[Vec<u8>]) -> Value {
    let size: usize = parts.iter().map(Vec::len).sum();
    if size > RECORDED_MAX_BYTES {
        return Value::String(format!("<an object of {size} bytes>"));
    }
    result_value(value, parts)
}
