//! The trajectory from which a run is taken up: the conversation that is made of
//! it can be asked in every protocol, or refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::AgentConfig;
use memex_agent::fuzzing::taken_up;
use memex_models::{Protocol, WireOptions};
use std::sync::OnceLock;

fuzz_target!(|bytes: &[u8]| {
    static CONFIG: OnceLock<AgentConfig> = OnceLock::new();
    let config = CONFIG.get_or_init(|| AgentConfig::parse("", "agent.toml").expect("defaults"));
    let mut conversation = match taken_up(bytes, config) {
        Ok(conversation) => conversation,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    conversation.compact(&[]);
    for protocol in [
        Protocol::ChatCompletions,
        Protocol::Responses,
        Protocol::Messages,
    ] {
        let encoded = protocol.encode("m", conversation.request(), &WireOptions::default());
        if let Err(error) = encoded {
            assert!(!error.to_string().is_empty());
        }
    }
});
