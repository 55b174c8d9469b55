//! `ask_user`, and the scratch that sessions share.

use crate::memex::{Ran, command, memex};
use std::path::Path;
use std::process::Command;

/// Runs the command at a terminal of its own, which types the lines as they are
/// asked for. Python's standard library has the terminal.
const TERMINAL: &str = r#"
import os, pty, select, sys
answers = sys.argv[1].split("|")
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
typed = 0
while True:
    ready, _, _ = select.select([terminal], [], [], 300)
    try:
        chunk = os.read(terminal, 4096) if ready else b""
    except OSError:
        chunk = b""
    if not chunk:
        break
    seen += chunk
    while typed < len(answers) and seen.count(b"> ") > typed:
        os.write(terminal, answers[typed].encode() + b"\n")
        typed += 1
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

pub(crate) fn at_a_terminal(answers: &[&str], arguments: &[&str]) -> Ran {
    let mut memex = command(arguments);
    memex.env_remove("NO_COLOR");
    typed_at(answers, memex)
}

/// The same at a terminal whose user wants no colours.
pub(crate) fn at_a_plain_terminal(arguments: &[&str]) -> Ran {
    let mut memex = command(arguments);
    memex.env("NO_COLOR", "1");
    typed_at(&[], memex)
}

fn typed_at(answers: &[&str], memex: Command) -> Ran {
    let mut terminal = Command::new("python3");
    terminal.args(["-c", TERMINAL]).arg(answers.join("|"));
    terminal.arg(memex.get_program()).args(memex.get_args());
    for (name, value) in memex.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    terminal.output().unwrap().into()
}

#[test]
fn questions_need_a_grant_and_a_terminal() {
    let ask = "ask_user('Which colour?', choices=['red', 'green'])";
    let ran = memex(&["run", "-c", ask]);
    assert!(ran.stderr.contains("NameError"), "{ran:#?}");
    let ran = memex(&["run", "--ask-user", "-c", ask, "-c", "input('x')"]);
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.stderr
            .matches("nobody is at a terminal to answer")
            .count(),
        2,
        "{ran:#?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let policy = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("version = 1\n{text}")).unwrap();
        path.display().to_string()
    };
    let granting = policy("asks.toml", "[ask_user]\nenabled = true\n");
    let turns = [
        "-c",
        "'it is ' + ask_user('Which colour?', choices=['red', 'green'])",
        "-c",
        "'hello ' + input('name?')",
    ];
    let ran = at_a_terminal(
        &["blue", "2", "Ada"],
        &[&["run", "--policy", &granting][..], &turns].concat(),
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    for text in [
        "? Which colour?",
        "answer with 1 to 2",
        "'it is green'",
        "'hello Ada'",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {ran:#?}");
    }
    // What an overlay takes away, or a list denies, is gone.
    let without = policy("quiet.toml", "[ask_user]\nenabled = false\n");
    let denied = policy("denied.toml", "[tools]\ndeny = ['ask_user']\n");
    for overlay in [without, denied] {
        let policies = ["--policy", &granting, "--policy", &overlay];
        let ran = memex(&[&["run"][..], &policies, &["-c", ask]].concat());
        assert!(ran.stderr.contains("NameError"), "{ran:#?}");
    }
    let ran = memex(&["run", "--policy", "deny-all", "--ask-user", "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    let ran = memex(&["policy", "show", &granting]);
    assert!(ran.stdout.contains("Code can ask the user questions."));
}

fn with_data(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command
        .env("XDG_DATA_HOME", folder)
        .output()
        .unwrap()
        .into()
}

#[test]
fn a_scratch_is_shared_by_the_sessions_that_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let run = |arguments: &[&str]| with_data(&data, &[&["run"][..], arguments].concat());
    let set =
        "import pandas as pd\nkv_set('t', pd.DataFrame({'n': [1, 2]}))\nkv_set('k', {'a': [1]})";
    let ran = run(&["--shared-scratch", "team", "-c", set]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    // Another process, another session: the same values.
    let get = "kv_list(), kv_get('k'), int(kv_get('t').n.sum())";
    let ran = run(&[
        "--shared-scratch",
        "team:ro",
        "-c",
        get,
        "-c",
        "kv_set('k', 2)",
    ]);
    assert_eq!(ran.stdout, "(['k', 't'], {'a': [1]}, 3)\n", "{ran:#?}");
    assert!(ran.stderr.contains("NameError"), "{ran:#?}");
    let ran = run(&[
        "--shared-scratch",
        "other",
        "-c",
        get.split(',').next().unwrap(),
    ]);
    assert_eq!(ran.stdout, "[]\n", "{ran:#?}");
    let ran = run(&["-c", "kv_list()"]);
    assert!(ran.stderr.contains("NameError"), "{ran:#?}");
    // By policy, narrowed by an overlay.
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("version = 1\n{text}")).unwrap();
        path.display().to_string()
    };
    let team = write("team.toml", "[shared_scratch]\nname = 'team'\n");
    let reading = write(
        "ro.toml",
        "[shared_scratch]\nname = 'team'\naccess = 'read-only'\n",
    );
    let other = write("other.toml", "[shared_scratch]\nname = 'other'\n");
    let ran = run(&["--policy", &team, "-c", "kv_set('k', 2)\nkv_get('k')"]);
    assert_eq!(ran.stdout, "2\n", "{ran:#?}");
    let ran = run(&[
        "--policy",
        &team,
        "--policy",
        &reading,
        "-c",
        "kv_set('k', 3)",
    ]);
    assert!(ran.stderr.contains("NameError"), "{ran:#?}");
    let ran = run(&["--policy", &team, "--policy", &other, "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    for name in ["../team", "", "a/b", "."] {
        let ran = run(&["--shared-scratch", name, "-c", "1"]);
        assert_eq!(ran.status, 2, "{name}: {ran:#?}");
    }
    assert!(data.join("memex/scratch/team.sqlite").is_file());
}
