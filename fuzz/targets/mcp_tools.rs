//! The tools that an MCP server lists.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::TOOL_NAME_MAX_BYTES;
use memex_external::fuzzing::mcp_tools;

fuzz_target!(|bytes: &[u8]| {
    match mcp_tools(bytes) {
        Ok(specs) => {
            for spec in specs {
                assert!(spec.name.starts_with("s_") && spec.name.len() <= TOOL_NAME_MAX_BYTES);
                assert!(!spec.name.starts_with("s_hidden"));
            }
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
});
