//! Another task over the scope and the conversation of a saved run.

use super::support::{after, agent, calls, coder, config, runs, says, shown};
use memex_agent::{ActionSpace, CodeForm, Input, OutputSchema, RunRequest};
use serde_json::json;
use std::path::Path;

fn first(path: &Path, leave_scope: bool) {
    let replies = vec![
        runs("total = sum(data)\nimport random\ntoken = random.random()"),
        runs("print(token)\nsubmit(total)"),
    ];
    let result = agent(coder(), replies)
        .run(RunRequest {
            output: Some(OutputSchema::new(json!({ "type": "integer" })).unwrap()),
            inputs: vec![Input::value("data", json!([1, 2, 3])).unwrap()],
            trajectory: Some(path.to_owned()),
            leave_scope,
            ..RunRequest::new("Add it up.")
        })
        .unwrap();
    assert_eq!(result.submission, Some(json!(6)));
    assert_eq!(path.with_extension("scope").exists(), leave_scope);
}

#[test]
fn a_run_goes_on_in_the_scope_that_another_left() {
    for leave_scope in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first.jsonl");
        first(&path, leave_scope);
        let before = std::fs::read(&path).unwrap();
        let second = folder.path().join("second.jsonl");
        let replies = vec![runs("print(token)\nsubmit(total * 10)")];
        let result = agent(coder(), replies)
            .continue_from(
                &path,
                RunRequest {
                    output: Some(OutputSchema::new(json!({ "type": "integer" })).unwrap()),
                    trajectory: Some(second.clone()),
                    ..RunRequest::new("Ten times that?")
                },
            )
            .unwrap();
        // The first answer, which its code hands in again where it runs again, is none to this.
        assert_eq!(result.submission, Some(json!(60)), "{leave_scope}");
        let texts = shown(&result);
        let printed = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let (was, is) = (printed(&texts[1]), printed(&texts[2]));
        assert_eq!(
            was == is,
            leave_scope,
            "the scope is the one that was left: {texts:?}"
        );
        assert_eq!(
            std::fs::read(&path).unwrap(),
            before,
            "the first record stays as it is"
        );
        let loaded = memex_trajectories::load(&second).unwrap().trajectory;
        assert_eq!(
            loaded.metadata["goes_on_from"],
            json!(memex_trajectories::load(&path).unwrap().trajectory.id)
        );
        assert!(loaded.steps.iter().any(|step| step.text == "Add it up."));
    }
}

#[test]
fn a_run_of_tools_goes_on_in_its_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first.jsonl");
    let space = || config(ActionSpace::Tools, CodeForm::Tool);
    let replies = vec![calls("double", json!({ "number": 2 })), says("It is 4.")];
    agent(space(), replies)
        .run(RunRequest {
            trajectory: Some(path.clone()),
            ..RunRequest::new("Twice 2?")
        })
        .unwrap();
    let replies = vec![after("And 3?", says("6"))];
    let result = agent(space(), replies).continue_from(&path, RunRequest::new("And 3?"));
    assert_eq!(result.unwrap().answer.as_deref(), Some("6"));
    let other = agent(coder(), vec![says("6")]).continue_from(&path, RunRequest::new("And 3?"));
    assert!(other.unwrap_err().to_string().contains("space `tools`"));
}
