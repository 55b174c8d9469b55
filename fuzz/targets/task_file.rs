//! A file of tasks, and what a model answers to them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_suites::{grade, number_in, parse_judgment, parse_tasks};
use serde_json::Value;

fuzz_target!(|text: &str| {
    let _number = number_in(text);
    let _judgment = parse_judgment(text);
    match parse_tasks(text, "tasks") {
        Ok(tasks) => {
            for task in tasks {
                let _own = grade(&task, &task.answer);
                let _other = grade(&task, &Value::from(text));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
