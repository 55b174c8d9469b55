//! The harness's own calls, for the fuzz target.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use memex_channel::{Frame, HostCalls, Reply, TurnHandle, Waited};
use memex_host_tools::{Broker, Toolbox};
use memex_policies::ToolGrants;
use serde_json::Value;

use super::board::Board;
use super::calls::HarnessCalls;
use super::output::{OutputSchema, compiled};
use super::submission::{SubmissionSlot, SubmitTool};
use crate::{Error, Reactor};

/// The calls of a run that submits to `schema` and shares a board.
pub struct Harness {
    calls: HarnessCalls,
    _reactor: Reactor,
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness").finish_non_exhaustive()
    }
}

impl Harness {
    /// # Errors
    /// When the schema is none.
    pub fn new(schema: Value) -> Result<Self, Error> {
        let reactor = Reactor::new()?;
        let slot = SubmissionSlot::default();
        let output = OutputSchema::new(schema)?;
        let submit = SubmitTool::new(&output, slot.clone());
        let toolbox = compiled(Arc::new(submit))?;
        let calls = HarnessCalls {
            broker: broker(toolbox, &reactor),
            slot,
            board: Some(Board::new(1 << 10, 1 << 12)),
            inputs: Arc::new([("data".to_owned(), b"content".to_vec())].into()),
            object_max_bytes: 1 << 10,
        };
        Ok(Self {
            calls,
            _reactor: reactor,
        })
    }

    /// Answers the call in the bytes of a frame.
    ///
    /// # Errors
    /// Says why they are no frame.
    pub fn call(&mut self, bytes: &[u8]) -> Result<Reply, String> {
        let frame = Frame::decode(bytes).map_err(|error| error.to_string())?;
        Ok(self.calls.call(&frame, &Turn))
    }
}

fn broker(toolbox: Toolbox, reactor: &Reactor) -> Broker {
    let grants = ToolGrants {
        allow: vec!["*".to_owned()],
        deny: Vec::new(),
    };
    Broker::builder(toolbox, grants, reactor.handle().clone()).build()
}

/// A turn that never waits.
struct Turn;

impl TurnHandle for Turn {
    fn waker(&self) -> Waker {
        Waker::noop().clone()
    }

    fn wait(&self, _until: Option<Instant>, ready: &mut dyn FnMut() -> bool) -> Waited {
        match ready() {
            true => Waited::Ready,
            false => Waited::Interrupted,
        }
    }
}
