//! Calls of a run's own operations: submitting, inputs, the shared board.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::fuzzing::Harness;
use serde_json::json;
use std::cell::RefCell;

thread_local! {
    static HARNESS: RefCell<Harness> = RefCell::new(
        Harness::new(json!({"type": "object", "properties": {"n": {"type": "integer"}}}))
            .expect("a harness"),
    );
}

fuzz_target!(|bytes: &[u8]| {
    HARNESS.with_borrow_mut(|harness| match harness.call(bytes) {
        Ok(reply) => assert!(reply.ok || !reply.head.is_empty()),
        Err(reason) => assert!(!reason.is_empty()),
    });
});
