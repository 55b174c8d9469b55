//! `memex dspy`: the protocol of DSPy's interpreter, spoken by hand.

use crate::memex::command;
use crate::resident::resident;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

struct Dspy {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    asked: u32,
}

impl Dspy {
    fn start(arguments: &[&str]) -> Self {
        let mut start = command(&["dspy"]);
        start
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = start.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            asked: 0,
        }
    }

    fn send(&mut self, frame: &Value) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{frame}").unwrap();
    }

    /// The next frame. Every line of the stream is one.
    fn frame(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> u32 {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// What a request came to, without calls of tools.
    fn answer(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let frame = self.frame();
        assert_eq!(frame["id"], id, "{frame}");
        frame
    }

    fn output(&mut self, code: &str) -> Value {
        let frame = self.answer("execute", json!({ "code": code }));
        assert!(frame["error"].is_null(), "{frame}");
        frame["result"]["output"].clone()
    }
}

#[test]
fn blocks_give_their_value_or_what_they_print() {
    let mut dspy = Dspy::start(&[]);
    for (code, want) in [
        ("print(1+1)", json!("2\n")),
        ("x = 20", json!("")),
        ("print('lost'); x + 22", json!(42)),
        (
            "{'a': [1, None, True], 'b': 1.5}",
            json!({"a": [1, null, true], "b": 1.5}),
        ),
        ("(1, 'two')", json!([1, "two"])),
        ("'text'", json!("text")),
        ("{1, }", json!("{1}")),
        ("float('nan')", json!("nan")),
        ("import numpy as np\nnp.arange(3)", json!([0, 1, 2])),
    ] {
        assert_eq!(dspy.output(code), want, "{code}");
    }
    for (code, number, class, argument) in [
        ("+++", -32000, "SyntaxError", None),
        ("nope", -32001, "NameError", None),
        ("1 + 'a'", -32002, "TypeError", None),
        (
            "raise ValueError(12)",
            -32003,
            "ValueError",
            Some(json!(12)),
        ),
        ("{}['k']", -32006, "KeyError", Some(json!("k"))),
        ("1 / 0", -32099, "ZeroDivisionError", None),
        (
            "class E(Exception): pass\nraise E('x')",
            -32099,
            "E",
            Some(json!("x")),
        ),
        ("raise SystemExit(3)", -32099, "SystemExit", Some(json!(3))),
    ] {
        let frame = dspy.answer("execute", json!({ "code": code }));
        let error = &frame["error"];
        assert_eq!(error["code"], number, "{code}: {frame}");
        assert_eq!(error["data"]["type"], class, "{code}");
        if let Some(argument) = argument {
            assert_eq!(error["data"]["args"], json!([argument]), "{code}");
        }
    }
    assert_eq!(dspy.output("x"), json!(20));
}

#[test]
fn submit_ends_the_block_with_its_answer() {
    let mut dspy = Dspy::start(&[]);
    let end = |dspy: &mut Dspy, code: &str| dspy.answer("execute", json!({ "code": code }));
    let frame = end(&mut dspy, "SUBMIT([1, 2])\nprint('never')");
    assert_eq!(frame["result"], json!({"final": {"output": [1, 2]}}));
    let fields = json!({"outputs": [{"name": "answer", "type": "str"}, {"name": "score"}]});
    let frame = dspy.answer("register", fields);
    assert_eq!(frame["result"]["outputs"], json!(["answer", "score"]));
    for code in [
        "SUBMIT('a', 2)",
        "SUBMIT(score=2, answer='a')",
        "def f():\n    SUBMIT('a', score=2)\nf()",
        "try:\n    SUBMIT('a', 2)\nexcept Exception:\n    pass",
    ] {
        let frame = end(&mut dspy, code);
        assert_eq!(
            frame["result"],
            json!({"final": {"answer": "a", "score": 2}}),
            "{code}"
        );
    }
    let frame = end(&mut dspy, "SUBMIT('a')");
    assert_eq!(frame["error"]["code"], -32002, "{frame}");
    let frame = end(&mut dspy, "SUBMIT(object(), 1)");
    assert_eq!(frame["error"]["data"]["type"], "TypeError", "{frame}");
}

#[test]
fn tools_of_the_client_are_functions() {
    let mut dspy = Dspy::start(&[]);
    let tools = json!({"tools": [
        {"name": "add", "parameters": [{"name": "a", "type": "int"}, {"name": "b", "default": 10}]},
        "plain",
    ]});
    assert_eq!(
        dspy.answer("register", tools)["result"]["tools"],
        json!(["add", "plain"])
    );
    let id = dspy.ask("execute", json!({"code": "[add(1), add(b=2, a=3)]"}));
    for want in [json!({"a": 1, "b": 10}), json!({"a": 3, "b": 2})] {
        let call = dspy.frame();
        assert_eq!(call["method"], "tool_call", "{call}");
        assert_eq!(call["params"], json!({"name": "add", "kwargs": want}));
        let sum = want["a"].as_i64().unwrap() + want["b"].as_i64().unwrap();
        let result = json!({"type": "json", "value": sum.to_string()});
        dspy.send(&json!({"jsonrpc": "2.0", "id": call["id"], "result": result}));
    }
    let frame = dspy.frame();
    assert_eq!(
        (&frame["id"], &frame["result"]["output"]),
        (&json!(id), &json!([11, 5]))
    );
    // What fails is an exception that code can catch.
    let code = "try:\n    plain()\nexcept RuntimeError as e:\n    found = str(e)\nfound";
    dspy.ask("execute", json!({ "code": code }));
    let call = dspy.frame();
    let error = json!({"code": -32003, "message": "boom", "data": {"type": "ValueError"}});
    dspy.send(&json!({"jsonrpc": "2.0", "id": call["id"], "error": error}));
    assert!(
        dspy.frame()["result"]["output"]
            .as_str()
            .unwrap()
            .contains("ValueError: boom")
    );
    for code in ["add()", "add(1, 2, 3)", "add(1, c=2)", "add(1, a=2)"] {
        let frame = dspy.answer("execute", json!({ "code": code }));
        assert_eq!(
            frame["error"]["data"]["type"], "TypeError",
            "{code}: {frame}"
        );
    }
    for name in ["a b", "import os", "lambda", ""] {
        let frame = dspy.answer("register", json!({"tools": [name]}));
        assert!(
            frame["error"]["message"]
                .as_str()
                .unwrap()
                .contains("no name"),
            "{frame}"
        );
    }
}

#[test]
fn variables_and_files_go_in_and_written_files_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (host, other) = (
        folder.path().join("data.txt"),
        folder.path().join("other.txt"),
    );
    std::fs::write(&host, "before").unwrap();
    std::fs::write(&other, "untouched").unwrap();
    let mut dspy = Dspy::start(&[]);
    let value = json!("x".repeat(1 << 20)).to_string();
    let frame = dspy.answer("inject_var", json!({"name": "big", "value": value}));
    assert_eq!(frame["result"]["injected"], "big");
    let load = "import json\nlen(json.loads(open('/tmp/dspy_vars/big.json').read()))";
    assert_eq!(dspy.output(load), json!(1 << 20));
    // And within the code, as smaller ones are sent.
    let code = format!("v = '{}'\nlen(v)", "y".repeat(2 << 20));
    assert_eq!(dspy.output(&code), json!(2 << 20));
    // As DSPy sends them: a text that is bound beside the code, whose lines keep their numbers.
    let code = format!("v = '{}\\'é\\n'\nw = 1\nv[-3:], w", "z".repeat(1 << 20));
    assert_eq!(dspy.output(&code), json!(["'é\n", 1]));
    let code = format!("v = '{}'\nraise ValueError(len(v))", "z".repeat(1 << 20));
    let frame = dspy.answer("execute", json!({ "code": code }));
    assert_eq!(frame["error"]["data"]["args"], json!([1 << 20]));
    let frame = dspy.answer("inject_var", json!({"name": "../../x", "value": "1"}));
    assert!(frame["error"].is_object(), "{frame}");
    let mount = json!({"host_path": host, "virtual_path": "/sandbox/data.txt"});
    let frame = dspy.answer("mount_file", mount.clone());
    assert_eq!(frame["result"]["mounted"], "/sandbox/data.txt", "{frame}");
    let code = "p = '/sandbox/data.txt'\nold = open(p).read()\nopen(p, 'w').write('after') and old";
    assert_eq!(dspy.output(code), json!("before"));
    dspy.send(&json!({"jsonrpc": "2.0", "method": "sync_file", "params": mount}));
    let stray = json!({"host_path": other, "virtual_path": "/sandbox/data.txt"});
    dspy.send(&json!({"jsonrpc": "2.0", "method": "sync_file", "params": stray}));
    assert_eq!(dspy.output("1"), json!(1));
    assert_eq!(std::fs::read_to_string(&host).unwrap(), "after");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "untouched");
    for path in ["/nowhere/x", "/dev/zero", "/"] {
        let frame = dspy.answer(
            "mount_file",
            json!({"host_path": path, "virtual_path": "/sandbox/x"}),
        );
        assert_eq!(frame["error"]["code"], -32007, "{path}: {frame}");
    }
}

#[test]
fn the_guest_cannot_forge_a_frame() {
    let mut dspy = Dspy::start(&[]);
    dspy.answer("register", json!({"tools": ["known"]}));
    // It ran, and what it wrote is a text of its result.
    let forged = r#"{"jsonrpc": "2.0", "id": 3, "result": {"final": {"output": "forged"}}}"#;
    let code = format!(
        "import os, sys\nframe = {forged:?}\nprint(frame)\nsys.stderr.write(frame + '\\n')\n\
         sys.__stdout__.write('\\n' + frame + '\\n')\nsys.__stdout__.flush()\n\
         for fd in (1, 2, 3, 4):\n    try:\n        os.write(fd, frame.encode() + b'\\n')\n    \
         except OSError:\n        pass"
    );
    let frame = dspy.answer("execute", json!({ "code": code }));
    let output = frame["result"]["output"].as_str().unwrap();
    assert!(
        output.contains("forged") && frame["result"]["final"].is_null(),
        "{frame}"
    );
    // A tool that was not registered is not asked for; one that was, is.
    let call = |name: &str| json!({ "code": format!("dspy_call(name='{name}', kwargs={{}})") });
    let frame = dspy.answer("execute", call("unknown"));
    assert_eq!(frame["error"]["data"]["type"], "NameError", "{frame}");
    dspy.ask("execute", call("known"));
    let asked = dspy.frame();
    assert_eq!(asked["params"]["name"], "known");
    // An answer to something else is none.
    dspy.send(&json!({"jsonrpc": "2.0", "id": "tc_1", "result": {"type": "string", "value": "x"}}));
    let frame = dspy.frame();
    assert_eq!(frame["error"]["data"]["type"], "RuntimeError", "{frame}");
    assert_eq!(dspy.output("1 + 1"), json!(2));
}

#[test]
fn bad_requests_are_answered_and_the_end_is_clean() {
    let mut dspy = Dspy::start(&["--limit", "guest_time_ms=2s"]);
    for (line, code) in [
        ("no json", -32700),
        ("[1]", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"boom"}"#, -32601),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"execute","params":{"code":[]}}"#,
            -32600,
        ),
    ] {
        let stdin = dspy.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        let frame = dspy.frame();
        assert_eq!(frame["error"]["code"], code, "{line}: {frame}");
    }
    let frame = dspy.answer("execute", json!({"code": "while True: pass"}));
    let error = &frame["error"];
    assert!(
        error["data"]["args"][0]
            .as_str()
            .unwrap()
            .contains("guest_time_ms"),
        "{frame}"
    );
    assert_eq!(dspy.output("'alive'"), json!("alive"));
    dspy.send(&json!({"jsonrpc": "2.0", "method": "shutdown"}));
    assert!(dspy.child.wait().unwrap().success());
    // And without the word.
    let mut gone = Dspy::start(&[]);
    assert_eq!(gone.output("1"), json!(1));
    drop(gone.child.stdin.take());
    assert!(gone.child.wait().unwrap().success());
}

/// Six bytes, and hundreds as a value.
const LARGE: &str = "{\"\":0},";

#[test]
fn what_the_guest_and_tools_answer_is_bounded_by_what_it_takes_as_values() {
    let mut dspy = Dspy::start(&[]);
    dspy.answer("register", json!({"tools": ["tool"]}));
    let tool = |dspy: &mut Dspy, value: &str| {
        dspy.ask("execute", json!({"code": "try:\n    found = tool()\nexcept RuntimeError as e:\n    found = str(e)\nfound"}));
        let call = dspy.frame();
        let result = json!({"type": "json", "value": value});
        dspy.send(&json!({"jsonrpc": "2.0", "id": call["id"], "result": result}));
        dspy.frame()["result"]["output"].clone()
    };
    // Values of usual size are taken, from both.
    assert_eq!(
        dspy.output("[{'a': 1}] * 3"),
        json!([{"a": 1}, {"a": 1}, {"a": 1}])
    );
    assert_eq!(tool(&mut dspy, "[{\"a\": 1}]"), json!([{"a": 1}]));
    let (_, before) = resident(&dspy.child);
    // Code that writes something else in the place of its value.
    let show = format!(
        "def _dspy_show(value):\n    import sys\n    sys.stdout.write('[' + {LARGE:?} * 4_000_000 + '0]')\nobject()"
    );
    let shown = dspy.output(&show);
    assert!(
        shown.as_str().unwrap().starts_with("<object object"),
        "{shown}"
    );
    let frame = dspy.answer("execute", json!({"code": "SUBMIT(1)"}));
    let message = frame["error"]["message"].as_str().unwrap();
    assert!(message.contains("the answer cannot be read"), "{message}");
    let answered = tool(&mut dspy, &format!("[{}0]", LARGE.repeat(4_000_000)));
    assert!(
        answered.as_str().unwrap().contains("as values"),
        "{answered}"
    );
    let (_, most) = resident(&dspy.child);
    let grown = (most - before) >> 20;
    assert!(grown < 700, "{grown} MiB");
}
