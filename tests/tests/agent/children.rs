//! Agents that agents spawn.

use crate::support::{after, agent, by, coder, run, runs, says, shown};
use memex_agent::{AgentConfig, RunRequest};
use memex_models::ScriptEntry;
use memex_trajectories::Status;
use serde_json::json;

fn parent(entry: ScriptEntry) -> ScriptEntry {
    by("agent", entry)
}

fn child(entry: ScriptEntry) -> ScriptEntry {
    by("child", entry)
}

/// A run whose own replies and whose children's are given.
fn family(
    config: AgentConfig,
    own: Vec<ScriptEntry>,
    theirs: Vec<ScriptEntry>,
) -> memex_agent::RunResult {
    let own = own.into_iter().map(parent);
    run(config, own.chain(theirs.into_iter().map(child)).collect())
}

#[test]
fn a_child_sees_the_parents_objects_and_cannot_change_them() {
    let result = family(
        coder(),
        vec![
            runs(
                "data = {'n': 20}\nh = spawn_agent('add', output=int)\nprint(h.result() + 1, data)",
            ),
            after("43 {'n': 20}", says("done")),
        ],
        vec![runs("data['n'] += 22\nsubmit(data['n'])")],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let children = &result.trajectory.children;
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].status, Status::Submitted);
    let record = children[0].trajectory.as_ref().unwrap();
    assert_eq!(record.parent.as_ref().unwrap().id, result.trajectory.id);
    assert_eq!(result.totals.turns, 3);
}

#[test]
fn results_are_what_they_were() {
    let table = [
        ("output=int", "submit(42)", "r == 42"),
        ("", "", "r == 'in words'"),
        ("output=list[str]", "submit(['a'])", "r == ['a']"),
        (
            "output=object",
            "import numpy as np\nsubmit(np.arange(6).reshape(2, 3))",
            "r.shape == (2, 3) and r.sum() == 15",
        ),
        (
            "output=object",
            "import pandas as pd\nsubmit(pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}, index=[5, 6]))",
            "list(r.index) == [5, 6] and list(r.b) == ['x', 'y']",
        ),
        ("output=Point", "submit(x=1, y=2.5)", "r == Point(1, 2.5)"),
        (
            "output={'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}",
            "submit(7)",
            "r.n == 7",
        ),
        ("output=object", "submit(Point(3, 4))", "r == Point(3, 4)"),
        ("output=set[int]", "submit({1, 2})", "r == {1, 2}"),
    ];
    for (output, code, check) in table {
        let answer = match code {
            "" => says("in words"),
            code => runs(code),
        };
        let block = format!(
            "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: float\n\
             h = spawn_agent('go', {output})\nr = await h\nprint('right' if {check} else repr(r))"
        );
        let result = family(
            coder(),
            vec![runs(&block), after("right", says("done"))],
            vec![answer],
        );
        assert_eq!(
            result.status,
            Status::Answered,
            "{output}: {:?}",
            shown(&result)
        );
    }
}

#[test]
fn a_failed_child_is_an_exception_of_the_parent() {
    let failing = ScriptEntry {
        stop: Some(memex_models::StopReason::Refusal),
        ..says("No.")
    };
    let code = "h = spawn_agent('go')\ntry:\n    h.result()\nexcept RuntimeError as error:\n    print(type(error).__name__, error)";
    let result = family(
        coder(),
        vec![runs(code), after("AgentError", says("done"))],
        vec![failing],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    assert!(
        shown(&result)[0].contains("refused"),
        "{:?}",
        shown(&result)
    );
}

#[test]
fn children_run_side_by_side_and_are_gathered() {
    let slow = ScriptEntry {
        latency_ms: Some(300),
        ..says("slow")
    };
    let code = "import asyncio\nhandles = [spawn_agent(f'task {n}') for n in range(8)]\n\
        results = await asyncio.gather(*handles)\nprint(results.count('slow'))";
    let began = std::time::Instant::now();
    let result = family(
        coder(),
        vec![runs(code), after("8", says("done"))],
        vec![slow],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    assert_eq!(result.trajectory.children.len(), 8);
    // One after the other they would take 2.4 s of waiting alone.
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn a_map_gives_each_child_its_item() {
    let code = "print(map_agents([1, 2, 3], 'square {item}', output=int))";
    let result = family(
        coder(),
        vec![runs(code), after("[1, 4, 9]", says("done"))],
        vec![runs("submit(item * item)")],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let tasks: Vec<&str> = result
        .trajectory
        .children
        .iter()
        .map(|c| c.task.as_str())
        .collect();
    assert_eq!(tasks, ["square 1", "square 2", "square 3"]);
}

#[test]
fn the_board_is_seen_by_all() {
    let code = "shared['n'] = 10\nmap_agents(range(6), 'add')\nprint(shared['n'], list(shared))";
    let result = family(
        coder(),
        vec![runs(code), after("16 ['n']", says("done"))],
        vec![runs("shared.update('n', lambda n: n + 1)"), says("added")],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}

#[test]
fn shares_tools_and_limits_are_kept() {
    let table = [
        (
            "spawn_agent('go', share=['a'])",
            "print('b' in globals(), a)",
            "False 1",
        ),
        ("spawn_agent('go', share=['nothing'])", "", "NameError"),
        (
            "spawn_agent('go', tools=[])",
            "double(1)",
            "NameError: name 'double' is not defined",
        ),
        (
            "spawn_agent('go', tools=['double'])",
            "print(double(4))",
            "8.0",
        ),
        (
            "spawn_agent('go', tools=['launch'])",
            "",
            "is not a tool that this agent may call",
        ),
        (
            "spawn_agent('go', model='gpt-nothing')",
            "",
            "this run has no model \"gpt-nothing\"",
        ),
        ("spawn_agent('')", "", "a task has 1 to"),
        (
            "spawn_agent('go', output=3)",
            "",
            "a type or a JSON Schema is expected",
        ),
    ];
    for (call, code, expected) in table {
        let block = format!("a = 1\nb = 2\nh = {call}\nprint(h.result())");
        let result = family(
            coder(),
            vec![runs(&block), says("done")],
            vec![runs(code), says("said")],
        );
        let mut seen = shown(&result);
        seen.extend(
            result
                .trajectory
                .children
                .iter()
                .filter_map(|c| c.trajectory.as_ref())
                .flat_map(|run| {
                    run.steps
                        .iter()
                        .map(|step| step.text.clone())
                        .collect::<Vec<_>>()
                }),
        );
        assert!(
            seen.iter().any(|text| text.contains(expected)),
            "{call}: {seen:#?}"
        );
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let mut config = coder();
    config.agents.depth = 1;
    let result = family(
        config,
        vec![
            runs("print(spawn_agent('go').result())"),
            after("said", says("done")),
        ],
        vec![
            runs("spawn_agent('deeper')"),
            after("NameError", says("said")),
        ],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let mut config = coder();
    config.agents.agents = 2;
    let result = family(
        config,
        vec![
            runs("for _ in range(3):\n    spawn_agent('go').result()"),
            after("has spawned its 2 agents", says("done")),
        ],
        vec![says("said")],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}

#[test]
fn a_childs_budget_is_part_of_its_parents() {
    let mut config = coder();
    config.budgets.tokens = 6_000;
    let spend = ScriptEntry {
        usage: Some(memex_models::Usage {
            input: 3_000,
            output: 100,
            ..Default::default()
        }),
        ..runs("1")
    };
    let result = family(
        config,
        vec![runs("h = spawn_agent('spend')\nh.result()"), says("never")],
        (0..5).map(|_| spend.clone()).collect(),
    );
    assert_eq!(result.trajectory.children[0].status.word(), "exhausted");
    assert_eq!(result.status.word(), "exhausted");
}

#[test]
fn a_child_is_cancelled_by_its_handle_and_with_its_parent() {
    let code = "h = spawn_agent('wait')\nh.cancel()\ntry:\n    h.result()\nexcept RuntimeError as error:\n    print(error)\nleft = spawn_agent('wait')";
    let wait = ScriptEntry {
        latency_ms: Some(600_000),
        ..says("never")
    };
    let result = family(
        coder(),
        vec![runs(code), after("cancelled", says("done"))],
        vec![wait],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let children = &result.trajectory.children;
    assert_eq!(children.len(), 2);
    assert!(
        children
            .iter()
            .all(|child| child.status == Status::Cancelled),
        "{children:?}"
    );
}

#[test]
fn what_a_child_hands_back_is_data() {
    let evil = "class Evil:\n    def __reduce__(self):\n        return (exec, ('leaked = 1',))\nsubmit(Evil())";
    let code = "h = spawn_agent('go', output=object)\ntry:\n    print(h.result())\nexcept ValueError as error:\n    print('refused:', error)\nprint('leaked' in globals())";
    let result = family(coder(), vec![runs(code), says("done")], vec![runs(evil)]);
    let told = &shown(&result)[0];
    assert!(
        told.contains(
            "refused: what was handed over is not taken: ValueError: it is of the class 'Evil'"
        ),
        "{told}"
    );
    assert!(told.contains("False"), "{told}");
}

#[test]
fn single_questions_go_to_the_model() {
    let replies = vec![
        by(
            "agent",
            runs(
                "import asyncio\nprint(llm('2 + 2?'))\nprint(await asyncio.gather(llm.aio('a'), llm.aio('b')))",
            ),
        ),
        by("agent", after("['b', 'c']", says("done"))),
        by("llm", after("2 + 2?", says("4"))),
        by("llm", says("b")),
        by("llm", says("c")),
    ];
    let result = agent(coder(), replies)
        .run(RunRequest::new("Ask."))
        .unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    assert!(shown(&result)[0].starts_with("4\n"));
}

#[test]
fn a_question_can_ask_for_a_type() {
    let code = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: float\n\
        p = llm('where?', output=Point)\nprint(p)\n\
        print(llm('how many?', output=int) + 1)\n\
        print(await llm.aio('all?', output=list[Point]))";
    let typed = |shown: &str, arguments: serde_json::Value| {
        by(
            "llm",
            after(shown, crate::support::calls("answer", arguments)),
        )
    };
    let replies = vec![
        by("agent", runs(code)),
        by(
            "agent",
            after("Point(x=1, y=2.5)\n43\n[Point(x=0, y=0.5)]", says("done")),
        ),
        // One that does not fit is told why, and the model answers again.
        typed("where?", json!({ "x": "one", "y": 2.5 })),
        typed("x: expected", json!({ "x": 1, "y": 2.5 })),
        // A model that calls no tools, and writes JSON.
        by("llm", after("how many?", says("```json\n42\n```"))),
        typed("all?", json!({ "value": [{ "x": 0, "y": 0.5 }] })),
    ];
    let result = agent(coder(), replies)
        .run(RunRequest::new("Ask."))
        .unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}

#[test]
fn a_question_without_a_fitting_answer_is_an_exception() {
    let code =
        "try:\n    llm('how many?', output=int)\nexcept ValueError as error:\n    print(error)";
    let replies = vec![
        by("agent", runs(code)),
        by("agent", after("no answer that fits `output`", says("done"))),
        by("llm", says("many")),
        by("llm", says("lots")),
        by("llm", says("a few")),
        by("llm", says("42")),
    ];
    let result = agent(coder(), replies)
        .run(RunRequest::new("Ask."))
        .unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}

#[test]
fn questions_are_on_the_bill_of_their_run() {
    let asked = ScriptEntry {
        usage: Some(memex_models::Usage {
            input: 70_000,
            output: 5,
            ..Default::default()
        }),
        ..says("4")
    };
    let replies = vec![
        by("agent", runs("llm('2 + 2?')")),
        by("agent", says("done")),
        by("llm", asked),
    ];
    let result = agent(coder(), replies)
        .run(RunRequest::new("Ask."))
        .unwrap();
    assert!(result.totals.input_tokens > 70_000, "{:?}", result.totals);
    assert_eq!(result.totals.turns, 2);
}

#[test]
fn a_child_is_told_what_it_holds_and_short_values_of_what_was_handed_to_it() {
    let own = vec![
        runs(
            "secret = 'sesame'\nyear = 2024\nrows = [{'a': 1}] * 3\n\
             print(map_agents(['alder'], 'Read {item}.', output=int, share=['year', 'rows']))",
        ),
        after("[7]", says("done")),
    ];
    let result = family(coder(), own, vec![runs("submit(7)")]);
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let record = result.trajectory.children[0].trajectory.as_ref().unwrap();
    let system = &record.steps[0].text;
    let told = "In the scope already:\nyear: int = 2024\nrows: list[3] of {'a': int} = \
        [{'a': 1}, {'a': 1}, {'a': 1}]\nitem: str, 5 characters = 'alder'\n\n\
        You are a sub-agent: what you submit or answer goes to the code of the agent that \
        started you, which sees nothing else of you.";
    assert!(system.ends_with(told), "{system}");
    // What comes of the parent without being named is told by type and size.
    let own = vec![
        runs("secret = 'sesame'\nprint(spawn_agent('Go.', output=int).result())"),
        after("7", says("done")),
    ];
    let result = family(coder(), own, vec![runs("submit(7)")]);
    let record = result.trajectory.children[0].trajectory.as_ref().unwrap();
    let system = &record.steps[0].text;
    assert!(system.contains("secret: str, 6 characters\n"), "{system}");
    assert!(!system.contains("sesame"), "{system}");
}
