//! Runs that begin where something else ended.

use crate::support::{after, agent, coder, place, runs, says, shown};
use memex_agent::{
    Backend, Beginning, Cancellation, Check, KeptScope, NoWatcher, OutputSchema, RunRequest,
};
use memex_runtime::SessionOptions;
use memex_trajectories::{Status, StepKind};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

fn number() -> Option<OutputSchema> {
    Some(OutputSchema::new(json!({ "type": "integer" })).unwrap())
}

#[test]
fn runs_begin_in_a_scope_that_is_there() {
    let mut session = place().session(SessionOptions::default()).unwrap();
    session.run("data = [1, 2]").unwrap();
    let scope = session.snapshot().unwrap();
    let keep = KeptScope::default();
    let agent = agent(
        coder(),
        vec![runs("data.append(double(2))\nsubmit(int(sum(data)))")],
    );
    let run = |scope, keep: &KeptScope| {
        let result = agent.run(RunRequest {
            output: number(),
            beginning: Beginning {
                scope: Some(scope),
                described: vec!["data: list[2]".into()],
                after: None,
            },
            keep: Some(keep.clone()),
            ..RunRequest::new("Sum data.")
        });
        result.unwrap()
    };
    let first = run(scope, &keep);
    assert_eq!(first.submission, Some(json!(7)), "{:?}", shown(&first));
    assert!(first.trajectory.steps[0].text.contains("data: list[2]"));
    // `submit` is that of each run, not the one that came with the scope.
    let second = run(keep.take().unwrap(), &keep);
    assert_eq!(second.submission, Some(json!(11)), "{:?}", shown(&second));
    // Whoever the scope was taken from does not notice.
    assert_eq!(
        session.run("data").unwrap().value.as_deref(),
        Some("[1, 2]")
    );
}

#[test]
fn a_run_goes_on_in_the_conversation_of_another() {
    let keep = KeptScope::default();
    let first = agent(coder(), vec![runs("found = 20"), says("Found.")])
        .run(RunRequest {
            keep: Some(keep.clone()),
            ..RunRequest::new("Find it.")
        })
        .unwrap();
    let next = agent(
        coder(),
        vec![after(
            "Double it.",
            runs("print(found * 2)\nsubmit(found * 2)"),
        )],
    );
    let second = next
        .run(RunRequest {
            output: number(),
            beginning: Beginning {
                scope: keep.take(),
                described: Vec::new(),
                after: Some(first.trajectory.clone()),
            },
            ..RunRequest::new("Double it.")
        })
        .unwrap();
    assert_eq!(second.submission, Some(json!(40)), "{:?}", shown(&second));
    let steps = &second.trajectory.steps;
    let kinds: Vec<&str> = steps.iter().map(|step| step.kind.word()).collect();
    assert_eq!(
        kinds,
        [
            "system",
            "user",
            "model",
            "observation",
            "model",
            "user",
            "model",
            "observation"
        ]
    );
    // The instructions are those of the new run alone.
    assert!(steps[0].text.contains("submit"));
    assert!(!first.trajectory.steps[0].text.contains("submit"));
    assert!((0..).zip(steps).all(|(index, step)| step.index == index));
    assert_eq!(
        second.trajectory.metadata["goes_on_from"],
        json!(first.trajectory.id)
    );
    assert_ne!(second.trajectory.id, first.trajectory.id);
}

#[test]
fn a_scope_that_began_with_objects_is_not_made_again_of_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut session = place().session(SessionOptions::default()).unwrap();
    session.run("data = 5").unwrap();
    let mut config = coder();
    config.budgets.turns = 1;
    let result = agent(config, vec![runs("n = data")])
        .run(RunRequest {
            trajectory: Some(path.clone()),
            beginning: Beginning {
                scope: Some(session.snapshot().unwrap()),
                ..Beginning::default()
            },
            ..RunRequest::new("Look.")
        })
        .unwrap();
    assert!(matches!(result.status, Status::Exhausted { .. }));
    let resume = |path: &std::path::Path| {
        let agent = agent(coder(), vec![runs("print(n)"), after("5", says("five"))]);
        agent.resume(path, Cancellation::new(), Box::new(NoWatcher))
    };
    let alone = folder.path().join("alone.jsonl");
    std::fs::copy(&path, &alone).unwrap();
    let refused = resume(&alone).unwrap_err().to_string();
    assert!(refused.contains("its saved scope is gone"), "{refused}");
    assert_eq!(resume(&path).unwrap().status, Status::Answered);
}

#[test]
fn a_scope_goes_into_no_worker() {
    let scope = place().session(SessionOptions::default()).unwrap();
    let scope = { scope }.snapshot().unwrap();
    let mut config = coder();
    config.backend = Backend::Subprocess;
    let refused = agent(config, Vec::new()).run(RunRequest {
        beginning: Beginning {
            scope: Some(scope),
            ..Beginning::default()
        },
        ..RunRequest::new("Go.")
    });
    assert!(refused.unwrap_err().to_string().contains("in_process"));
}

/// Lets even numbers through, and notes what it is asked.
#[derive(Default)]
struct Even(Mutex<Vec<Value>>);

impl Check for Even {
    fn check(&self, answer: &Value, _: &[Vec<u8>]) -> Result<(), String> {
        self.0.lock().unwrap().push(answer.clone());
        match answer.as_i64() {
            Some(number) if number % 2 == 0 => Ok(()),
            _ => Err("submit: an even number is wanted".to_owned()),
        }
    }
}

#[test]
fn an_answer_is_checked_beyond_its_schema() {
    let check = Arc::new(Even::default());
    let result = agent(
        coder(),
        vec![
            runs("submit('x')"),
            after("TypeError", runs("submit(3)")),
            after(
                "ValueError: submit: an even number is wanted",
                runs("submit(4)\nsubmit(6)"),
            ),
        ],
    )
    .run(RunRequest {
        output: number().map(|schema| schema.checked_by(Arc::clone(&check) as Arc<dyn Check>)),
        ..RunRequest::new("An even number.")
    })
    .unwrap();
    assert_eq!(result.submission, Some(json!(4)), "{:?}", shown(&result));
    // What the schema refuses does not reach the check, and after an answer nothing does.
    assert_eq!(*check.0.lock().unwrap(), [json!(3), json!(4)]);
    let kinds = result.trajectory.steps.iter().map(|step| step.kind);
    assert_eq!(kinds.filter(|kind| *kind == StepKind::Model).count(), 3);
}
