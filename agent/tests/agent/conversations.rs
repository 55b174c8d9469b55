//! Keeping a conversation within the model's window.

use memex_agent::{AgentConfig, Conversation};
use memex_models::{Message, Part, Role, ToolCall, estimate_request};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn call(id: &str, code: &str) -> Message {
    Message {
        role: Role::Assistant,
        parts: vec![Part::ToolCall(ToolCall {
            id: id.into(),
            name: "python".into(),
            arguments: serde_json::json!({ "code": code }).to_string(),
            opaque: None,
        })],
    }
}

fn conversation(window: u64, turns: usize, code: usize, result: usize) -> Conversation {
    let config = AgentConfig {
        context_tokens: window,
        keep_turns: 2,
        ..AgentConfig::default()
    };
    let mut conversation = Conversation::new(&config, Vec::new(), "id");
    conversation.push(Message::system("The rules."));
    conversation.push(Message::user("The task."));
    for turn in 0..turns {
        let id = format!("call_{turn}");
        conversation.push(call(&id, &format!("n = {turn}{}", "#".repeat(code))));
        conversation.observe(Some(&id), &format!("{turn} {}", "r".repeat(result)));
    }
    conversation
}

#[test]
fn the_system_the_task_and_the_last_turns_stay() {
    let mut long = conversation(2_000, 20, 400, 3_000);
    assert!(long.is_full());
    assert!(long.compact(&["x: int".to_owned()]) > 0);
    let messages = &long.request().messages;
    assert_eq!(messages[0].text(), "The rules.");
    assert!(messages[1].text().starts_with("The task."));
    assert!(
        messages[1].text().contains("Still in the scope: x: int"),
        "{}",
        messages[1].text()
    );
    let last = messages[messages.len() - 1].text();
    assert!(last.starts_with("19 ") && last.len() > 3_000);
}

#[test]
fn results_are_shortened_before_turns_are_dropped() {
    let mut long = conversation(8_000, 10, 10, 3_000);
    let before = long.request().messages.len();
    long.compact(&[]);
    assert_eq!(long.request().messages.len(), before);
    assert!(
        long.request().messages[3]
            .text()
            .contains("shortened: 3002 characters were here")
    );
    assert!(!long.is_full());
}

#[test]
fn a_refused_conversation_becomes_shorter_whatever_the_window_is_said_to_be() {
    let mut long = conversation(128_000, 6, 10, 3_000);
    assert!(!long.is_full());
    let mut refused = estimate_request(long.request());
    while long.compact_refused(&[]) > 0 {
        let now = estimate_request(long.request());
        assert!(now < refused, "{now} of {refused}");
        refused = now;
    }
    let messages = &long.request().messages;
    assert_eq!(messages[0].text(), "The rules.");
    assert!(messages[1].text().starts_with("The task."));
    let last = messages[messages.len() - 1].text();
    assert!(last.starts_with("5 ") && last.len() < 3_000, "{last}");
}

proptest! {
    #[test]
    fn every_result_keeps_its_call(window in 1_000_u64..20_000, turns in 1_usize..30, code in 0_usize..3_000, result in 0_usize..3_000) {
        let mut one = conversation(window, turns, code, result);
        let mut other = one.clone();
        one.compact(&[]);
        other.compact(&[]);
        prop_assert_eq!(one.request(), other.request());
        let mut asked = BTreeSet::new();
        for message in &one.request().messages {
            asked.extend(message.tool_calls().map(|call| call.id.clone()));
            for call in message.tool_calls() {
                prop_assert!(call.parsed_arguments().is_ok());
            }
            for result in message.tool_results() {
                prop_assert!(asked.contains(&result.call_id));
            }
        }
        let was = conversation(window, turns, code, result);
        prop_assert!(estimate_request(one.request()) <= estimate_request(was.request()) + 60);
    }
}
