//! The ten tools, as a broker calls them.

use crate::common::{filled, memory};
use memex_host_tools::{Arguments, CallContext, Tool};
use memex_memory::{Memory, Mode, tools};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Polls once: a tool that answers at once is done then.
fn call(tools: &[Arc<dyn Tool>], name: &str, arguments: Value) -> Result<Value, (String, String)> {
    let tool = tools.iter().find(|tool| tool.spec().name == name).unwrap();
    let context = CallContext {
        session: "s1".into(),
        deadline: Instant::now() + Duration::from_secs(60),
        cancelled: tokio_util::sync::CancellationToken::new(),
    };
    let Value::Object(json) = arguments else {
        panic!("arguments are an object");
    };
    let mut future = tool.call(
        context,
        Arguments {
            json,
            parts: vec![],
        },
    );
    let Poll::Ready(answer) = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("{name} did not answer at once");
    };
    answer
        .map(|answer| answer.json)
        .map_err(|error| (error.class.to_owned(), error.message))
}

#[test]
fn the_ten_tools_have_the_signatures_of_the_specification() {
    for (mode, size) in [
        (Mode::Compat, ("file_or_dir_path", "")),
        (Mode::Extended, ("", "file_or_dir_path")),
    ] {
        let (_directory, memory) = memory(mode);
        let mut signatures: Vec<(String, String, String)> = Vec::new();
        for tool in tools(&memory, None) {
            let parameters = &tool.spec().parameters;
            let required: Vec<&str> = parameters["required"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            let properties = parameters["properties"].as_object().unwrap();
            let optional: Vec<&str> = properties
                .iter()
                .filter(|(name, _)| !required.contains(&name.as_str()))
                .map(|(name, schema)| {
                    assert_eq!(schema["default"], "");
                    name.as_str()
                })
                .collect();
            signatures.push((
                tool.spec().name.clone(),
                required.join(","),
                optional.join(","),
            ));
        }
        let told: Vec<(&str, &str, &str)> = signatures
            .iter()
            .map(|(name, required, optional)| (&name[..], &required[..], &optional[..]))
            .collect();
        assert_eq!(
            told,
            [
                ("create_file", "file_path", "content"),
                ("create_dir", "dir_path", ""),
                ("update_file", "file_path,old_content,new_content", ""),
                ("read_file", "file_path", ""),
                ("delete_file", "file_path", ""),
                ("check_if_file_exists", "file_path", ""),
                ("check_if_dir_exists", "dir_path", ""),
                ("list_files", "", ""),
                ("get_size", size.0, size.1),
                ("go_to_link", "link_string", ""),
            ]
        );
    }
}

#[test]
fn the_tools_answer_what_the_specification_says() {
    let (_directory, memory) = memory(Mode::Extended);
    let tools = tools(&memory, None);
    for (name, arguments, expect) in [
        (
            "create_file",
            json!({"file_path": "user.md", "content": "- a: 1\n- a: 1\n"}),
            json!(true),
        ),
        ("create_file", json!({"file_path": "empty.md"}), json!(true)),
        ("create_dir", json!({"dir_path": "entities"}), json!(true)),
        (
            "update_file",
            json!({"file_path": "user.md", "old_content": "1", "new_content": "2"}),
            json!(true),
        ),
        (
            "update_file",
            json!({"file_path": "no.md", "old_content": "1", "new_content": "2"}),
            json!("Error: File 'no.md' does not exist"),
        ),
        (
            "read_file",
            json!({"file_path": "user.md"}),
            json!("- a: 2\n- a: 1\n"),
        ),
        (
            "check_if_file_exists",
            json!({"file_path": "user.md"}),
            json!(true),
        ),
        (
            "check_if_dir_exists",
            json!({"dir_path": "user.md"}),
            json!(false),
        ),
        (
            "list_files",
            json!({}),
            json!("./\n├── empty.md\n├── entities/ (empty)\n└── user.md"),
        ),
        ("get_size", json!({}), json!(14)),
        (
            "get_size",
            json!({"file_or_dir_path": "user.md"}),
            json!(14),
        ),
        (
            "go_to_link",
            json!({"link_string": "[[user|me]]"}),
            json!("- a: 2\n- a: 1\n"),
        ),
        ("delete_file", json!({"file_path": "user.md"}), json!(true)),
        ("delete_file", json!({"file_path": "user.md"}), json!(false)),
    ] {
        assert_eq!(
            call(&tools, name, arguments.clone()),
            Ok(expect),
            "{name} {arguments}"
        );
    }
    for (name, arguments, class, message) in [
        (
            "get_size",
            json!({"file_or_dir_path": "no"}),
            "FileNotFoundError",
            "Path not found: no",
        ),
        (
            "create_file",
            json!({"file_path": "entities"}),
            "Exception",
            "Error creating file entities: [Errno 21] Is a directory: 'entities'",
        ),
        (
            "read_file",
            json!({}),
            "TypeError",
            "read_file: file_path: is missing",
        ),
        (
            "read_file",
            json!({"file_path": 1}),
            "TypeError",
            "read_file: file_path: is not a string",
        ),
    ] {
        let expect = Err((class.to_owned(), message.to_owned()));
        assert_eq!(call(&tools, name, arguments), expect);
    }
    assert_eq!(memory.log(1).unwrap()[0].session, "s1");
    assert_eq!(memory.log(1).unwrap()[0].tool, "delete_file");
}

#[test]
fn warnings_reach_the_session_in_extended_mode() {
    for (mode, expect) in [
        (Mode::Compat, vec![]),
        (
            Mode::Extended,
            vec![(
                "s1".to_owned(),
                "Warning: Found 2 occurrences of the content. Replacing only the first one."
                    .to_owned(),
            )],
        ),
    ] {
        let (_directory, memory) = filled(mode, &[("f.md", "a a")]);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = shown.clone();
        let warnings = Arc::new(move |session: &str, warning: &str| {
            sink.lock()
                .unwrap()
                .push((session.to_owned(), warning.to_owned()));
        });
        let tools = tools(&memory, Some(warnings));
        let arguments = json!({"file_path": "f.md", "old_content": "a", "new_content": "b"});
        assert_eq!(call(&tools, "update_file", arguments), Ok(json!(true)));
        assert_eq!(*shown.lock().unwrap(), expect);
    }
}

#[test]
fn a_call_that_was_given_up_before_it_began_changes_nothing() {
    let (_directory, memory) = memory(Mode::Extended);
    let tools = tools(&memory, None);
    let context = CallContext {
        session: "s1".into(),
        deadline: Instant::now(),
        cancelled: tokio_util::sync::CancellationToken::new(),
    };
    let json = json!({"file_path": "f.md"});
    let arguments = Arguments {
        json: json.as_object().unwrap().clone(),
        parts: vec![],
    };
    drop(tools[0].call(context, arguments));
    assert_eq!(memory.list_files(), "./");
    // Positive control: polled, it does.
    assert_eq!(call(&tools, "create_file", json), Ok(json!(true)));
    assert_eq!(memory.list_files(), "./\n└── f.md");
}

#[test]
fn a_waiting_writer_gives_up_at_its_deadline() {
    let (directory, first) = memory(Mode::Extended);
    first
        .create_file(crate::common::author(), "f.md", "a")
        .unwrap();
    let file = std::fs::File::open(directory.path().join(".memex/lock")).unwrap();
    file.lock().unwrap();
    let second = Memory::open(directory.path(), *first.options()).unwrap();
    let author = memex_memory::Author {
        deadline: Some(Instant::now() + Duration::from_millis(50)),
        ..crate::common::author()
    };
    let result = second
        .update_file(author, "f.md", "a", "b")
        .result
        .unwrap_err();
    assert!(
        result.starts_with("Error: Unexpected error - the memory is busy"),
        "{result}"
    );
    assert_eq!(second.read_file("f.md"), "a", "reading waits for nobody");
    file.unlock().unwrap();
    assert_eq!(
        second
            .update_file(crate::common::author(), "f.md", "a", "b")
            .result,
        Ok(())
    );
}

#[test]
fn arguments_that_are_no_text_are_answered_as_python_would_in_compat_mode() {
    let (_directory, memory) = filled(Mode::Compat, &[("user.md", "- a: 1\n")]);
    let compat = tools(&memory, None);
    let no_path = |class: &str| {
        format!("stat: path should be string, bytes, os.PathLike or integer, not {class}")
    };
    for (name, arguments, expect) in [
        (
            "check_if_file_exists",
            json!({"file_path": null}),
            json!(false),
        ),
        (
            "check_if_dir_exists",
            json!({"dir_path": [1]}),
            json!(false),
        ),
        ("delete_file", json!({"file_path": 5}), json!(false)),
        ("create_dir", json!({"dir_path": {}}), json!(false)),
        (
            "read_file",
            json!({"file_path": 5}),
            json!("Error: File 5 does not exist"),
        ),
        (
            "read_file",
            json!({"file_path": null}),
            json!(format!("Error: {}", no_path("NoneType"))),
        ),
        (
            "update_file",
            json!({"file_path": [], "old_content": "a", "new_content": "b"}),
            json!(format!("Error: Unexpected error - {}", no_path("list"))),
        ),
        (
            "update_file",
            json!({"file_path": "none.md", "old_content": 1, "new_content": "b"}),
            json!("Error: File 'none.md' does not exist"),
        ),
        (
            "update_file",
            json!({"file_path": "user.md", "old_content": 1, "new_content": "b"}),
            json!(
                "Error: Unexpected error - 'in <string>' requires string as left operand, not int"
            ),
        ),
        (
            "go_to_link",
            json!({"link_string": 1.5}),
            json!("Error: 'float' object has no attribute 'startswith'"),
        ),
        ("get_size", json!({"file_or_dir_path": null}), json!(7)),
    ] {
        assert_eq!(
            call(&compat, name, arguments.clone()),
            Ok(expect),
            "{name} {arguments}"
        );
    }
    let (class, message) = call(&compat, "create_file", json!({"file_path": null})).unwrap_err();
    assert_eq!(
        (class.as_str(), message.as_str()),
        (
            "Exception",
            "Error creating file None: expected str, bytes or os.PathLike object, not NoneType"
        )
    );
    assert_eq!(memory.read_file("user.md"), "- a: 1\n");
    // Elsewhere such an argument is an error of the call.
    let (_directory, memory) = filled(Mode::Extended, &[("user.md", "x")]);
    let (class, message) =
        call(&tools(&memory, None), "read_file", json!({"file_path": 5})).unwrap_err();
    assert_eq!(
        (class.as_str(), message.as_str()),
        ("TypeError", "read_file: file_path: is not a string")
    );
}
