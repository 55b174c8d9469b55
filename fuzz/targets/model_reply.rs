//! A model's reply, whole: in each protocol a reply or an error, and what is
//! then done about it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::{ActionSpace, CodeForm, read};
use memex_models::Protocol;

fuzz_target!(|bytes: &[u8]| {
    for protocol in [
        Protocol::ChatCompletions,
        Protocol::Responses,
        Protocol::Messages,
    ] {
        match protocol.decode(bytes) {
            Ok(reply) => {
                for form in [CodeForm::Tool, CodeForm::Fenced, CodeForm::Tagged] {
                    let _code = read(&reply, ActionSpace::Code, form, true);
                }
                let _calls = read(&reply, ActionSpace::Tools, CodeForm::Tool, false);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
