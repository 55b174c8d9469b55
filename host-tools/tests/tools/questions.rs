//! Questions about the toolbox.

use crate::plain::Fixed;
use crate::support::{Session, all, echo_of, runtime, toolbox};
use memex_host_tools::{Broker, Budget, Tool, ToolSpec};
use memex_policies::ToolGrants;
use serde_json::{Value, json};
use std::sync::Arc;

fn described(name: &str, description: &str, parameter: &str) -> Arc<dyn Tool> {
    echo_of(ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({ "properties": { parameter: { "type": "string" } } }),
        returns: None,
        timeout: None,
    })
}

fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        described(
            "mail.send",
            "Sends an e-mail. It goes out at once.",
            "recipient",
        ),
        described("mail.search", "Finds messages in the mailbox.", "query"),
        described("calendar-list", "Lists appointments.", "day"),
        described("listIssues", "Issues of a repository.", "repository"),
        described("secret", "Sends secrets.", "recipient"),
    ]
}

fn session() -> Session {
    let runtime = runtime();
    let grants = ToolGrants {
        deny: vec!["secret".to_owned()],
        ..all()
    };
    let broker = Broker::builder(toolbox(tools()), grants, runtime.handle().clone()).build();
    Session::around(broker, runtime)
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["tools"].as_array().unwrap().iter();
    tools.map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn identifiers_are_resolved() {
    let mut session = session();
    let names = json!([
        "mail_send",
        "mail.send",
        "nothing",
        "secret",
        "calendar_list"
    ]);
    let answer = session
        .ask(json!({ "ask": "resolve", "names": names }))
        .unwrap();
    assert_eq!(self::names(&answer), ["mail.send", "calendar-list"]);
    assert_eq!(answer["tools"][1]["identifier"], "calendar_list");
    let source = answer["tools"][1]["source"].as_str().unwrap();
    assert!(
        source.starts_with("def calendar_list(day: str = None):\n"),
        "{source}"
    );
    assert!(
        source.ends_with(
            "    return _call(\"calendar-list\", {\"day\": ... if day is None else day}, calendar_list)\n"
        )
    );
}

#[test]
fn tools_are_found_by_words() {
    let mut session = session();
    let cases: [(&str, &[&str]); 8] = [
        ("mail", &["mail.send", "mail.search"]),
        ("send mail", &["mail.send", "mail.search"]),
        ("searching messages", &["mail.search"]),
        ("recipient", &["mail.send"]),
        ("list", &["calendar-list", "listIssues"]),
        ("ISSUE", &["listIssues"]),
        ("repos", &["listIssues"]),
        ("zebra", &[]),
    ];
    for (text, expected) in cases {
        let answer = session
            .ask(json!({ "ask": "search", "text": text }))
            .unwrap();
        assert_eq!(names(&answer), expected, "{text}");
    }
    let question = json!({ "ask": "search", "text": "mail", "limit": 1 });
    let answer = session.ask(question).unwrap();
    assert_eq!(
        answer,
        json!({ "tools": [{
        "name": "mail.send",
        "identifier": "mail_send",
        "summary": "Sends an e-mail.",
        "signature": "def mail_send(recipient: str = None)",
    }] })
    );
}

#[test]
fn tools_are_described_and_listed() {
    let mut session = session();
    for name in ["mail.send", "mail_send"] {
        let answer = session
            .ask(json!({ "ask": "describe", "name": name }))
            .unwrap();
        let stub = answer["stub"].as_str().unwrap();
        assert!(stub.contains("It goes out at once."), "{stub}");
        assert!(!stub.contains("_call"), "{stub}");
    }
    let cases = [
        (
            "mail.sent",
            "KeyError: there is no tool called \"mail.sent\"; did you mean mail.send or mail.search?",
        ),
        ("secret", "KeyError: there is no tool called \"secret\""),
    ];
    for (name, expected) in cases {
        let refusal = session
            .ask(json!({ "ask": "describe", "name": name }))
            .unwrap_err();
        assert_eq!(refusal, expected);
    }
    let answer = session
        .ask(json!({ "ask": "list", "offset": 1, "limit": 2 }))
        .unwrap();
    assert_eq!(names(&answer), ["mail.search", "calendar-list"]);
    assert_eq!(answer["total"], 4);
    let answer = session.ask(json!({ "ask": "list", "offset": 9 })).unwrap();
    assert_eq!(answer, json!({ "tools": [], "total": 4 }));
}

#[test]
fn answers_to_questions_are_bounded() {
    let budget = Budget {
        answer_bytes: 300,
        ..Budget::default()
    };
    let tools = (0..50).map(|n| Fixed::tool(&format!("tool_{n}"), json!(1), vec![]));
    let mut session = Session::with_budget(tools.collect(), budget);
    assert!(session.ask(json!({ "ask": "list", "limit": 2 })).is_ok());
    assert_eq!(
        session.ask(json!({ "ask": "list" })).unwrap_err(),
        "ValueError: the answer has more than 300 bytes; ask for less"
    );
    assert_eq!(
        session
            .ask(json!({ "ask": "reset" }))
            .unwrap_err()
            .split(':')
            .nth(1),
        Some(" the question is malformed")
    );
}
