//! The space `tools` with what it is compared by: Python as a tool, and inputs.

use super::support::{after, agent, calls, config, says, shown};
use memex_agent::{ActionSpace, AgentConfig, CodeForm, Input, PythonExec, RunRequest, RunResult};
use memex_models::ScriptEntry;
use serde_json::json;

fn with(python_exec: PythonExec) -> AgentConfig {
    AgentConfig {
        python_exec,
        ..config(ActionSpace::Tools, CodeForm::Tool)
    }
}

fn python(code: &str) -> ScriptEntry {
    calls("python_exec", json!({ "code": code }))
}

fn run(config: AgentConfig, inputs: Vec<Input>, replies: Vec<ScriptEntry>) -> RunResult {
    let result = agent(config, replies).run(RunRequest {
        inputs,
        ..RunRequest::new("Do it.")
    });
    result.unwrap()
}

#[test]
fn python_is_a_tool_whose_names_live_on_or_not() {
    let replies = || {
        vec![
            python("x = 20 + 1\nprint('made')"),
            python("x * 2"),
            says("done"),
        ]
    };
    let texts = shown(&run(with(PythonExec::Stateful), Vec::new(), replies()));
    assert_eq!(texts, ["made", "42"]);
    let texts = shown(&run(with(PythonExec::Stateless), Vec::new(), replies()));
    assert_eq!(texts[0], "made");
    assert!(texts[1].contains("NameError"), "{texts:?}");
}

#[test]
fn python_as_a_tool_calls_no_other_tool() {
    let code = "double(number=1)";
    let texts = shown(&run(
        with(PythonExec::Stateful),
        Vec::new(),
        vec![python(code), says("done")],
    ));
    assert!(texts[0].contains("NameError"), "{texts:?}");
    // The model has the tool itself.
    let replies = vec![calls("double", json!({ "number": 2 })), says("done")];
    let texts = shown(&run(with(PythonExec::Stateful), Vec::new(), replies));
    assert_eq!(texts, ["4.0"]);
    // Without the setting there is no such tool.
    let texts = shown(&run(
        with(PythonExec::None),
        Vec::new(),
        vec![python("1"), says("done")],
    ));
    assert!(texts[0].contains("python_exec"), "{texts:?}");
}

#[test]
fn inputs_are_in_the_scope_of_the_tool() {
    let inputs = vec![Input::value("data", json!({ "a": [1, 2, 3] })).unwrap()];
    for kind in [PythonExec::Stateful, PythonExec::Stateless] {
        let replies = vec![python("sum(data['a'])"), says("done")];
        let result = run(with(kind), inputs.clone(), replies);
        assert_eq!(shown(&result), ["6"], "{kind:?}");
        let prompt = &result.trajectory.steps[0].text;
        assert!(prompt.contains("data: dict[1]"), "{prompt}");
    }
}

#[test]
fn inputs_are_served_by_tools_where_there_is_no_scope() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.csv");
    std::fs::write(&path, "region,units\nnorth,3\nsouth,4\n").unwrap();
    let inputs = vec![
        Input::new("sales", &path).unwrap(),
        Input::value("note", json!("all of it")).unwrap(),
    ];
    let replies = vec![
        calls("list_inputs", json!({})),
        after(
            "sales: DataFrame[2×2]",
            calls("list_input_tables", json!({})),
        ),
        calls(
            "query_input",
            json!({ "query": "select sum(units) as s from sales" }),
        ),
        after("7", calls("read_input", json!({ "name": "note" }))),
        after("all of it", says("done")),
    ];
    let result = run(with(PythonExec::None), inputs, replies);
    assert_eq!(
        result.answer.as_deref(),
        Some("done"),
        "{:?}",
        shown(&result)
    );
    let prompt = &result.trajectory.steps[0].text;
    assert!(prompt.contains("sales: DataFrame[2×2]"), "{prompt}");
}
