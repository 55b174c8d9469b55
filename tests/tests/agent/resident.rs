//! The host's resident memory while it reads answers of models that were made to do harm, in
//! a process that does nothing else.

use memex_agent::{ActionSpace, Agent, AgentConfig, CodeForm, Reactor, RunRequest, read};
use memex_models::{ModelError, NoSink, Protocol, Reply, Script, ScriptEntry, ScriptedModel};
use memex_tests::{measured_work, none_is_over, watched};
use std::sync::Arc;

/// What an answer may take as values, its text, and what is made of it.
const ALLOWED_BYTES: u64 = (256 << 20) + (96 << 20);
/// What a run of a text with four such calls may take: their values, and the record of them.
const RUN_ALLOWED_BYTES: u64 = 448 << 20;
/// The smallest values, so that a text of them takes much.
const VALUES: [&str; 4] = ["{\"\":0},", "[],", "0,", "\"\","];
const BYTES: usize = 16 << 20;

const PROTOCOLS: [Protocol; 3] = [
    Protocol::ChatCompletions,
    Protocol::Responses,
    Protocol::Messages,
];

fn list(value: &str, bytes: usize) -> String {
    format!("[{}0]", value.repeat(bytes / value.len()))
}

/// An answer with something beside its words, and with it as the arguments of a call.
fn answers(protocol: Protocol, beside: &str) -> [String; 2] {
    match protocol {
        Protocol::ChatCompletions => [
            format!(
                r#"{{"choices":[{{"finish_reason":"stop","message":{{"content":"yes","x":{beside}}}}}]}}"#
            ),
            format!(
                r#"{{"choices":[{{"finish_reason":"tool_calls","message":{{"tool_calls":[{{"id":"1","function":{{"name":"f","arguments":{:?}}}}}]}}}}]}}"#,
                format!("{{\"a\":{beside}}}")
            ),
        ],
        Protocol::Responses => [
            format!(
                r#"{{"status":"completed","output":[{{"type":"reasoning","id":"r","summary":[],"x":{beside}}}]}}"#
            ),
            format!(
                r#"{{"status":"completed","output":[{{"type":"function_call","call_id":"1","name":"f","arguments":{:?}}}]}}"#,
                format!("{{\"a\":{beside}}}")
            ),
        ],
        Protocol::Messages => [
            format!(
                r#"{{"stop_reason":"end_turn","content":[{{"type":"redacted_thinking","data":"x","x":{beside}}}]}}"#
            ),
            format!(
                r#"{{"stop_reason":"tool_use","content":[{{"type":"tool_use","id":"1","name":"f","input":{{"a":{beside}}}}}]}}"#
            ),
        ],
    }
}

fn understood(reply: Result<Reply, ModelError>) {
    if let Ok(reply) = reply {
        let _calls = read(&reply, ActionSpace::Tools, CodeForm::Tool, false);
        let _code = read(&reply, ActionSpace::Code, CodeForm::Fenced, false);
    }
}

#[test]
#[ignore = "runs in a process of its own: see no_answer_of_a_model_makes_the_host_hold_more"]
fn hostile_answers_are_read() {
    for protocol in PROTOCOLS {
        for value in VALUES {
            for (kind, body) in answers(protocol, &list(value, BYTES)).iter().enumerate() {
                let what = format!("{} {kind} {value}", protocol.name());
                measured_work(&what, ALLOWED_BYTES, || {
                    understood(protocol.decode(body.as_bytes()));
                });
                let event = format!("data: {body}\n\n");
                measured_work(&format!("{what} streamed"), ALLOWED_BYTES, || {
                    let mut stream = protocol.stream();
                    let pushed = stream.push(event.as_bytes(), &mut NoSink);
                    understood(pushed.and_then(|_| stream.finish(&mut NoSink)));
                });
            }
        }
    }
}

/// Calls that a server left in the text, with as many small values as such a text may have.
#[test]
#[ignore = "runs in a process of its own: see no_answer_of_a_model_makes_the_host_hold_more"]
fn hostile_texts_are_run() {
    let reactor = Reactor::new().unwrap();
    for value in VALUES {
        let part = list(value, 900 << 10);
        let tags = format!("<parameter=a>{part}</parameter>");
        let texts = [
            format!("<tool_call><function=f>{}</tool_call>", tags.repeat(4)),
            format!("<tool_call>{{\"name\":\"f\",\"arguments\":{{\"a\":{part}}}}}</tool_call>")
                .repeat(4),
            format!("[TOOL_CALLS]{part}"),
        ];
        for (kind, text) in texts.into_iter().enumerate() {
            let says = |text: String| ScriptEntry {
                text,
                ..ScriptEntry::default()
            };
            let script = Script::new("hostile", vec![says(text), says("Done.".to_owned())]);
            let model = Arc::new(ScriptedModel::new("script", script));
            let config = AgentConfig::parse("action_space = 'tools'", "agent.toml").unwrap();
            let agent = Agent::builder(config, model, &reactor).build().unwrap();
            measured_work(&format!("text {kind} {value}"), RUN_ALLOWED_BYTES, || {
                let _run = agent.run(RunRequest::new("Go."));
            });
        }
    }
}

#[test]
fn no_answer_of_a_model_makes_the_host_hold_more() {
    let read = watched(&["resident::hostile_", "--ignored"]);
    assert_eq!(read.len(), 3 * 4 * 2 * 2 + 4 * 3, "{read:?}");
    none_is_over(&read);
}
