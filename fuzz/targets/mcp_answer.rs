//! What an MCP server answers to a call: an answer whose parts are those that
//! it names, or words for the guest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::fuzzing::mcp_results;

fuzz_target!(|bytes: &[u8]| {
    match mcp_results(bytes) {
        Ok(answers) => {
            for answer in answers {
                let parts: usize = answer.parts.iter().map(Vec::len).sum();
                assert!(parts <= bytes.len());
            }
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
});
