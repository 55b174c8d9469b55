//! Sessions in worker processes.

use crate::support::{Number, after, by, coder, place, reactor, runs, says, shown, tools};
use memex_agent::{Agent, Backend, OutputSchema, RunRequest, WorkerCommand, Workers};
use memex_host_tools::{Tool, ToolError, immediate};
use memex_models::{Script, ScriptEntry, ScriptedModel};
use memex_policies::{Policy, Preset};
use memex_sessions::{PolicySource, Resolved, SessionSpec};
use memex_tests::cache;
use memex_trajectories::Status;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// The command beside this test's own binary.
fn worker() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program
        .parent()
        .unwrap()
        .join("../memex")
        .canonicalize()
        .unwrap()
}

fn arguments_of_worker() -> Vec<OsString> {
    ["agent", "worker"].map(Into::into).to_vec()
}

pub(crate) fn workers() -> Workers {
    Workers::new(WorkerCommand {
        program: worker(),
        arguments: arguments_of_worker(),
    })
}

/// What sessions in workers are made of.
pub(crate) fn resolved(policy: &Policy) -> Resolved {
    let spec = SessionSpec {
        policy: PolicySource::of(policy).unwrap(),
        ..SessionSpec::default()
    };
    spec.resolve().unwrap()
}

/// An agent whose sessions are in this backend.
pub(crate) fn remote(backend: Backend, workers: &Workers, replies: Vec<ScriptEntry>) -> Agent {
    let mut config = coder();
    config.backend = backend;
    let model = ScriptedModel::new("script", Script::new("test", replies));
    let agent = Agent::builder(config, Arc::new(model), reactor());
    if backend == Backend::InProcess {
        let agent = agent.sandbox(place().clone()).tools(tools());
        return agent.build().unwrap();
    }
    agent
        .workers(workers.clone(), &resolved(place().policy()), &cache())
        .unwrap()
        .tools(tools())
        .build()
        .unwrap()
}

#[test]
fn a_session_in_a_worker_is_like_one_here() {
    let agent = remote(
        Backend::Subprocess,
        &workers(),
        vec![
            runs("x = double(21)"),
            after(
                "New: x: float",
                runs("print(x)\nprint(await double.aio(2))"),
            ),
            after("42.0\n4.0", runs("submit(x)")),
        ],
    );
    let result = agent.run(RunRequest {
        output: Some(OutputSchema::new(json!({ "type": "number" })).unwrap()),
        ..RunRequest::new("Do it.")
    });
    let result = result.unwrap();
    assert_eq!(result.submission, Some(json!(42.0)), "{:?}", shown(&result));
}

/// A large answer passes a worker as it passes here: its head has more than a request's may.
#[test]
fn a_large_answer_reaches_a_session_in_a_worker() {
    let numbers = |_, given: Number| -> Result<Vec<u32>, ToolError> {
        Ok((0..given.number as u32).collect())
    };
    let code = "x = [numbers(300_000), await numbers.aio(300_000)]\n\
                submit([len(x[0]), sum(x[1])])";
    let told = |backend: Backend| {
        let mut config = coder();
        config.backend = backend;
        let model = ScriptedModel::new("script", Script::new("test", vec![runs(code)]));
        let tool: Arc<dyn Tool> = Arc::new(immediate("numbers", "Numbers.", numbers));
        let agent = Agent::builder(config, Arc::new(model), reactor())
            .workers(workers(), &resolved(place().policy()), &cache())
            .unwrap()
            .tools(vec![tool])
            .build()
            .unwrap();
        let request = RunRequest {
            output: Some(OutputSchema::new(json!({ "type": "array" })).unwrap()),
            ..RunRequest::new("Do it.")
        };
        let result = agent.run(request).unwrap();
        (result.submission.clone(), shown(&result))
    };
    for backend in [Backend::Subprocess, Backend::Pool] {
        let (submission, shown) = told(backend);
        let expected = json!([300_000, 300_000_u64 * 299_999 / 2]);
        assert_eq!(submission, Some(expected), "{shown:?}");
    }
}

#[test]
fn a_worker_that_dies_is_one_failed_turn() {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    // The shell writes down the id that the worker will have.
    let script = format!("echo $$ > '{}'; exec \"$@\"", id.display());
    let mut arguments = vec!["-c".into(), script.into(), "sh".into(), worker().into()];
    arguments.extend(arguments_of_worker());
    let workers = Workers::new(WorkerCommand {
        program: "/bin/sh".into(),
        arguments,
    });
    let agent = remote(
        Backend::Subprocess,
        &workers,
        vec![
            runs("x = 1"),
            runs("double(13)"),
            after(
                "worker process of the session died",
                runs("'x' in globals()"),
            ),
            after("False", says("done")),
        ],
    );
    let result = agent.run(RunRequest {
        watcher: Box::new(Kills(id)),
        ..RunRequest::new("Do it.")
    });
    let result = result.unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let lost =
        |step: &&memex_trajectories::Step| step.observation.as_ref().is_some_and(|o| o.state_lost);
    assert_eq!(result.trajectory.steps.iter().filter(lost).count(), 1);
}

/// Ends the worker when a block is about to run that says 13.
struct Kills(std::path::PathBuf);

impl memex_agent::Watcher for Kills {
    fn step(&mut self, step: &memex_trajectories::Step) {
        if step.code.as_ref().is_some_and(|code| code.contains("13")) {
            let id = std::fs::read_to_string(&self.0).unwrap();
            let mut kill = std::process::Command::new("kill");
            assert!(kill.arg("-9").arg(id.trim()).status().unwrap().success());
        }
    }
}

#[test]
fn workers_of_a_pool_serve_many_runs() {
    let workers = workers();
    for _ in 0..3 {
        let agent = remote(
            Backend::Pool,
            &workers,
            vec![
                runs("'x' in globals()"),
                after("False", runs("x = 1")),
                says("done"),
            ],
        );
        let result = agent.run(RunRequest::new("Do it.")).unwrap();
        assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    }
}

#[test]
fn one_worker_serves_sessions_of_several_specs() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let script = format!("echo $$ >> '{}'; exec \"$@\"", ids.display());
    let mut arguments = vec!["-c".into(), script.into(), "sh".into(), worker().into()];
    arguments.extend(arguments_of_worker());
    let workers = Workers::new(WorkerCommand {
        program: "/bin/sh".into(),
        arguments,
    });
    let mut told = Policy::from_preset(Preset::Compute);
    told.set_variable("TENANT".to_owned(), "second".to_owned())
        .unwrap();
    let tenants = [
        (Policy::from_preset(Preset::Compute), "True None"),
        (told, "True second"),
        (Policy::from_preset(Preset::DenyAll), "False None"),
    ];
    let code = "import os\nprint(os.path.isdir('/tmp'), os.environ.get('TENANT'))";
    // Each comes again when the others were there.
    for (policy, shown_text) in tenants.iter().chain(&tenants) {
        let mut config = coder();
        config.backend = Backend::Pool;
        let replies = vec![
            runs("'x' in globals()"),
            after("False", runs("x = 1")),
            runs(code),
            after(shown_text, says("done")),
        ];
        let model = ScriptedModel::new("script", Script::new("test", replies));
        let agent = Agent::builder(config, Arc::new(model), reactor())
            .workers(workers.clone(), &resolved(policy), &cache())
            .unwrap()
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("Do it.")).unwrap();
        assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    }
    let started = std::fs::read_to_string(ids).unwrap();
    assert_eq!(started.lines().count(), 1, "{started}");
}

#[test]
fn a_session_whose_spec_cannot_be_opened_fails_alone() {
    let workers = workers();
    let folder = tempfile::tempdir().unwrap();
    let mut policy = Policy::from_preset(Preset::ReadFiles);
    policy
        .grant_directory(folder.path(), "/data", memex_policies::Access::ReadOnly)
        .unwrap();
    let resolved = resolved(&policy);
    let run = || {
        let mut config = coder();
        config.backend = Backend::Pool;
        let replies = vec![
            runs("import os\nos.path.isdir('/data')"),
            after("True", says("done")),
        ];
        let model = ScriptedModel::new("script", Script::new("test", replies));
        let agent = Agent::builder(config, Arc::new(model), reactor())
            .workers(workers.clone(), &resolved, &cache())
            .unwrap()
            .build()
            .unwrap();
        agent.run(RunRequest::new("Do it."))
    };
    let place = folder.path().to_owned();
    std::fs::remove_dir(&place).unwrap();
    let error = run().map(|result| result.status).unwrap_err().to_string();
    assert!(
        error.contains("granted at /data, cannot be used"),
        "{error}"
    );
    std::fs::create_dir(&place).unwrap();
    assert_eq!(run().unwrap().status, Status::Answered);
}

fn spawning(backend: Backend, replies: Vec<ScriptEntry>) -> memex_agent::RunResult {
    let agent = remote(backend, &workers(), replies);
    agent.run(RunRequest::new("Do it.")).unwrap()
}

#[test]
fn agents_are_spawned_in_the_worker_of_their_parent() {
    for backend in [Backend::Subprocess, Backend::Pool] {
        let code = "import pandas as pd\ndata = {'n': 20}\nframe = pd.DataFrame({'a': [1, 2]})\n\
            h = spawn_agent('add', share=['data'], output=int)\n\
            g = spawn_agent('look', output=object)\n\
            print(h.result() + 1, data, (await g).a.sum())\n\
            print(map_agents([1, 2, 3], 'square {item}', output=int), shared['seen'])";
        let result = spawning(
            backend,
            vec![
                by("agent", runs(code)),
                by("agent", after("43 {'n': 20} 30\n[1, 4, 9] 3", says("done"))),
                by(
                    "child",
                    runs(
                        "if 'item' in globals():\n    \
                           shared.update('seen', lambda n: n + 1, 0)\n    submit(item * item)\n\
                         if 'frame' in globals():\n    submit(frame * 10)\n\
                         data['n'] += 22\nsubmit(data['n'])",
                    ),
                ),
            ],
        );
        assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
        let children = &result.trajectory.children;
        assert_eq!(children.len(), 5);
        assert!(
            children
                .iter()
                .all(|child| child.status == Status::Submitted)
        );
    }
}

#[test]
fn a_forks_fork_runs_in_the_same_worker() {
    let result = spawning(
        Backend::Subprocess,
        vec![
            by(
                "agent",
                runs("x = [1]\nprint(spawn_agent('go', name='middle').result())"),
            ),
            by("agent", after("[1, 2, 3]", says("done"))),
            by(
                "middle",
                runs("x.append(2)\nprint(spawn_agent('go', name='leaf').result())"),
            ),
            by("middle", after("[1, 2, 3]", says("[1, 2, 3]"))),
            by("leaf", runs("x.append(3)\nprint(x)")),
            by("leaf", after("[1, 2, 3]", says("[1, 2, 3]"))),
        ],
    );
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}

#[test]
fn a_spawned_agent_is_cancelled_in_its_worker() {
    let endless = by("child", runs("while True: pass"));
    let code = "h = spawn_agent('wait')\nh.cancel()\n\
        try:\n    h.result()\nexcept RuntimeError as error:\n    print(error)\n\
        left = spawn_agent('wait')";
    let result = spawning(
        Backend::Subprocess,
        vec![
            by("agent", runs(code)),
            by("agent", after("cancelled", runs("print('still here')"))),
            by("agent", after("still here", says("done"))),
            endless,
        ],
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
fn limits_on_agents_hold_in_workers() {
    let mut config = coder();
    config.backend = Backend::Subprocess;
    config.agents.agents = 1;
    config.agents.depth = 1;
    let model = ScriptedModel::new(
        "script",
        Script::new(
            "test",
            vec![
                by(
                    "agent",
                    runs("print(spawn_agent('go').result())\nspawn_agent('go')"),
                ),
                by("agent", after("has spawned its 1 agents", says("done"))),
                by("child", runs("spawn_agent('deeper')")),
                by("child", after("NameError", says("said"))),
            ],
        ),
    );
    let agent = Agent::builder(config, Arc::new(model), reactor())
        .workers(workers(), &resolved(place().policy()), &cache())
        .unwrap()
        .build()
        .unwrap();
    let result = agent.run(RunRequest::new("Do it.")).unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
}
