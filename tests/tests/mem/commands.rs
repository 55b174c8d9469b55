//! The commands, as programs see them.

use crate::memex::{memex, memex_with};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn script(&self, replies: &[&str]) -> String {
        let lines = replies
            .iter()
            .map(|text| serde_json::json!({"text": text}).to_string());
        let lines: Vec<String> = lines.collect();
        std::fs::write(self.path("script.jsonl"), lines.join("\n")).unwrap();
        format!("script:{}", self.text("script.jsonl"))
    }

    fn init(&self) -> String {
        let memory = self.text("notes");
        let made = memex(&["mem", "init", "--memory", &memory]);
        assert_eq!(made.status, 0, "{}", made.stderr);
        assert!(made.stdout.contains("user.md"), "{}", made.stdout);
        memory
    }
}

#[test]
fn a_memory_is_made_checked_drawn_changed_and_undone() {
    let place = Place::new();
    let memory = place.init();
    let on = |arguments: &[&str]| memex(&[&["mem"], arguments, &["--memory", &memory]].concat());
    assert_eq!(on(&["check"]).status, 0);
    let again = on(&["init"]);
    assert_eq!(
        (again.status, again.stderr.contains("is there already")),
        (2, true)
    );
    let graph = on(&["graph"]);
    assert!(graph.stdout.starts_with("<svg"), "{}", graph.stdout);

    let write = "<think>t</think><python>ok = create_file('entities/new.md', '- a: [[nowhere]]\\nodd')</python>";
    let model = place.script(&[write, "<reply>Saved.</reply>"]);
    let asked = on(&["ask", "keep this", "--model", &model, "--json"]);
    assert_eq!(asked.status, 0, "{}", asked.stderr);
    let object = &asked.objects()[0];
    assert_eq!(
        (&object["reply"], &object["calls"]),
        (&Value::from("Saved."), &Value::from(2))
    );

    let check = on(&["check", "--json"]);
    assert_eq!(check.status, 1);
    let findings: Vec<Value> = check.objects();
    assert!(
        findings.iter().any(|one| one["finding"] == "broken_link"),
        "{findings:?}"
    );
    let log = on(&["log", "--json", "-n", "1"]).objects();
    assert_eq!(log[0]["path"], "entities/new.md");
    assert_eq!(on(&["undo"]).status, 0);
    assert_eq!(on(&["check"]).status, 0);
    let none = on(&["undo", "--change", "999"]);
    assert_eq!(
        (none.status, none.stderr.contains("no change 999")),
        (2, true)
    );
}

#[test]
fn filters_are_kept() {
    let place = Place::new();
    let memory = place.init();
    let on = |arguments: &[&str]| {
        memex(&[&["mem", "filters"], arguments, &["--memory", &memory]].concat())
    };
    assert_eq!(on(&["add", "no birthdays"]).status, 0);
    assert_eq!(on(&["list", "--json"]).stdout, "[\"no birthdays\"]\n");
    assert_eq!(on(&["add", "</filter>"]).status, 2);
    assert_eq!(on(&["reset"]).status, 0);
    assert_eq!(on(&["list"]).stdout, "");
}

#[test]
fn a_memory_travels_as_a_document() {
    let place = Place::new();
    let memory = place.init();
    let document = place.text("m.json");
    let exported = memex(&[
        "mem", "export", "--memory", &memory, "--id", "copy", "-o", &document,
    ]);
    assert_eq!(exported.status, 0, "{}", exported.stderr);
    let under = place.text("under");
    let make = |more: &[&str]| {
        memex(&[&["mem", "instantiate", &document, "--under", &under], more].concat())
    };
    assert_eq!(make(&[]).status, 0);
    let user = |root: &Path| std::fs::read_to_string(root.join("user.md")).unwrap();
    let copy = place.path("under/copy");
    assert_eq!(user(&copy), user(&place.path("notes")));
    assert_eq!(make(&[]).status, 2);
    std::fs::write(copy.join("user.md"), "gone").unwrap();
    assert_eq!(make(&["--reset"]).status, 0);
    assert_eq!(user(&copy), user(&place.path("notes")));
}

#[test]
fn a_reset_deletes_nothing_but_the_memory_of_that_name() {
    let place = Place::new();
    let project = place.path("project");
    std::fs::create_dir_all(project.join("mem/plain")).unwrap();
    std::fs::create_dir(project.join("src")).unwrap();
    for file in ["src/main.rs", "mem/plain/notes.md", "mem/file"] {
        std::fs::write(project.join(file), "precious").unwrap();
    }
    std::os::unix::fs::symlink("../src", project.join("mem/link")).unwrap();
    let under = place.text("project/mem");
    let document = place.path("e.json");
    let reset = |id: &str| {
        let text = serde_json::json!({"memory_id": id, "user_md": "# U\n", "entities": []});
        std::fs::write(&document, text.to_string()).unwrap();
        let document = place.text("e.json");
        memex(&[
            "mem",
            "instantiate",
            &document,
            "--under",
            &under,
            "--reset",
        ])
    };
    for (id, reason) in [
        ("..", "begins with a dot"),
        (".", "begins with a dot"),
        ("", "is empty"),
        ("../src", "begins with a dot"),
        ("plain/..", "has a slash or backslash"),
        ("plain/", "has a slash or backslash"),
        ("link/", "has a slash or backslash"),
        ("..\\src", "begins with a dot"),
        ("plain\0", "has a control character"),
        ("link", "a file or link of that name is in the way"),
        ("file", "a file or link of that name is in the way"),
        ("plain", "is no memory"),
    ] {
        let done = reset(id);
        assert_eq!(done.status, 2, "{id:?}: {}", done.stderr);
        assert!(done.stderr.contains(reason), "{id:?}: {}", done.stderr);
    }
    for file in [
        "src/main.rs",
        "mem/plain/notes.md",
        "mem/file",
        "mem/link/main.rs",
    ] {
        let kept = std::fs::read_to_string(project.join(file)).unwrap();
        assert_eq!(kept, "precious", "{file}");
    }
    // The same command on names that are a memory's, twice.
    for _ in 0..2 {
        assert_eq!(reset("copy").status, 0);
        let user = project.join("mem/copy/user.md");
        assert_eq!(std::fs::read_to_string(&user).unwrap(), "# U\n");
        std::fs::write(project.join("mem/copy/other.md"), "x").unwrap();
    }
    assert_eq!(reset("copy").status, 0);
    assert!(!project.join("mem/copy/other.md").exists());
}

#[test]
fn a_memory_is_exported_under_a_plain_name_only() {
    let place = Place::new();
    let memory = place.init();
    let export = |id: &str| memex(&["mem", "export", "--memory", &memory, "--id", id]);
    assert_eq!(export("notes").status, 0);
    for id in ["..", "a/b", ""] {
        let done = export(id);
        assert_eq!(done.status, 2, "{id:?}");
        assert!(
            done.stderr.contains("is not a plain name"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn a_folder_is_imported() {
    let place = Place::new();
    let memory = place.init();
    std::fs::create_dir(place.path("tool")).unwrap();
    std::fs::write(place.path("tool/README.md"), "# Tool\nIt sorts screws.\n").unwrap();
    let from = place.text("tool");
    let done = memex(&[
        "mem", "import", "github", &from, "--memory", &memory, "--json",
    ]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(!done.objects()[0]["created"].as_array().unwrap().is_empty());
    let missing = memex(&["mem", "import", "notion", "none.zip", "--memory", &memory]);
    assert_eq!(missing.status, 2);
}

#[test]
fn a_talk_goes_on_in_its_file() {
    let place = Place::new();
    let memory = place.init();
    let talk = place.text("talk.json");
    let model = place.script(&[
        "<think>hm</think><reply>One.</reply>",
        "<reply>Two.</reply>",
    ]);
    let chat = |input: &str| {
        let arguments = [
            "mem",
            "chat",
            "--memory",
            &memory,
            "--model",
            &model,
            "--conversation",
            &talk,
        ];
        memex_with(&arguments, input.as_bytes())
    };
    let first =
        chat("/help\n/memory\nhello\n/filters add none\n/undo 0\n/nonsense\nagain\n/quit\nlost\n");
    assert_eq!(first.status, 0, "{}", first.stderr);
    for piece in ["/undo [N]", "└── user.md", "hm", "One.", "Two.", "- none"] {
        assert!(first.stdout.contains(piece), "{piece} in {}", first.stdout);
    }
    assert!(
        first.stderr.contains("/nonsense is not a command"),
        "{}",
        first.stderr
    );
    let second = chat("third\n");
    assert!(second.stdout.contains("One."), "{}", second.stdout);
    let saved: Value = serde_json::from_slice(&std::fs::read(&talk).unwrap()).unwrap();
    let roles: Vec<&str> = saved
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        [
            "system",
            "user",
            "assistant",
            "user",
            "assistant",
            "user",
            "assistant"
        ]
    );
}

#[test]
fn a_question_s_changes_are_shown_and_taken_back_together() {
    let place = Place::new();
    let memory = place.init();
    let model = place.script(&[
        "<python>\na = create_file('entities/one.md', '# One\\n- n: 1\\n')\nb = create_file('entities/two.md', '# Two\\n')\n</python>",
        "<python>\nc = update_file('entities/one.md', '- n: 1', '- n: 2')\n</python>",
        "<reply>Kept.</reply>",
        "<reply>Nothing to keep.</reply>",
    ]);
    let arguments = ["mem", "chat", "--memory", &memory, "--model", &model];
    let input = "keep\nnothing\n/memory entities/one.md\n/undo\n/memory\n";
    let chat = memex_with(&arguments, input.as_bytes());
    assert_eq!(chat.status, 0, "{}", chat.stderr);
    let (before, after) = chat.stdout.split_once("undone: ").unwrap();
    assert!(before.contains("- n: 2"), "{before}");
    assert_eq!(after.matches("undone: ").count(), 2, "{after}");
    let (_, last) = after.rsplit_once("undone: ").unwrap();
    let (path, tree) = last.split_once('\n').unwrap();
    assert_eq!(path, "create_file entities/one.md");
    assert!(
        tree.starts_with("./\n") && !tree.contains("one.md"),
        "{tree}"
    );
    let log = memex(&["mem", "log", "--diff", "-n", "6", "--memory", &memory]);
    assert_eq!(log.status, 0, "{}", log.stderr);
    for line in [
        "    - - n: 1\n    + - n: 2\n",
        "    + # One\n    + - n: 1\n",
        "    - # Two\n",
    ] {
        assert!(log.stdout.contains(line), "{line}: {}", log.stdout);
    }
}

#[test]
fn a_client_s_configuration_names_the_server_and_no_key() {
    let place = Place::new();
    let memory = place.init();
    let file = place.text("mcp.json");
    std::fs::write(
        &file,
        r#"{"theme": 1, "mcpServers": {"other": {"command": "x"}}}"#,
    )
    .unwrap();
    let setup = |client: &str, more: &[&str]| {
        let arguments = [
            &["mem", "setup", client, "--memory", &memory, "--file", &file],
            more,
        ];
        memex(&arguments.concat())
    };
    let done = setup("cursor", &["--model", "openai:gpt-5-mini"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let config = read();
    assert_eq!(
        (&config["theme"], &config["mcpServers"]["other"]["command"]),
        (&1.into(), &"x".into())
    );
    let entry = &config["mcpServers"]["memory"];
    let command = entry["command"].as_str().unwrap();
    assert!(std::path::Path::new(command).is_absolute(), "{entry}");
    let given: Vec<&str> = entry["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(
        given,
        [
            "mem",
            "serve",
            "--memory",
            &memory,
            "--model",
            "openai:gpt-5-mini"
        ]
    );
    assert_eq!(entry["env"]["OPENAI_API_KEY"], "${env:OPENAI_API_KEY}");
    // A client that cannot refer to a variable is told of it, and so is who forgot --compat.
    let done = setup(
        "lm-studio",
        &[
            "--model",
            "local:mem-agent@http://127.0.0.1:1/v1",
            "--key-variable",
            "MY_KEY",
        ],
    );
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains("MY_KEY is set") && done.stderr.contains("needs --compat"),
        "{}",
        done.stderr
    );
    assert!(read()["mcpServers"]["memory"]["env"].is_null());
    let printed = setup("vscode", &["--model", "openai:gpt-5-mini", "--print"]);
    assert!(
        printed.stdout.contains("\"servers\"") && read()["servers"].is_null(),
        "{}",
        printed.stdout
    );
    // What is no configuration stays as it is.
    std::fs::write(&file, "{ // mine\n}").unwrap();
    let refused = setup("cursor", &["--model", "openai:gpt-5-mini"]);
    assert_eq!(refused.status, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{ // mine\n}");
}

#[test]
fn an_answer_that_never_comes_is_a_status() {
    let place = Place::new();
    let memory = place.init();
    let model = place.script(&["<python>1</python>", "<python>2</python>"]);
    let ask = |more: &[&str]| {
        memex(
            &[
                &["mem", "ask", "x", "--memory", &memory, "--model", &model],
                more,
            ]
            .concat(),
        )
    };
    let out = ask(&["--tool-turns", "1"]);
    assert_eq!((out.status, out.stdout.as_str()), (1, ""), "{}", out.stderr);
    assert_eq!(ask(&["--model", "nobody"]).status, 2);
    // The script ends: a fault of what is not ours to blame on the question.
    assert_eq!(ask(&[]).status, 3);
    let nowhere = memex(&[
        "mem",
        "ask",
        "x",
        "--memory",
        &place.text("none"),
        "--model",
        &model,
    ]);
    assert_eq!(nowhere.status, 2, "{}", nowhere.stderr);
    assert!(
        nowhere.stderr.contains("memex mem init"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn benchmarks_and_rollouts_write_their_files() {
    let place = Place::new();
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mem-bench");
    let bench = bench.display().to_string();
    let model = place.script(&["<think>t</think><reply>Which one do you mean?</reply>"]);
    let out = place.text("scores");
    let shared = [
        "--model",
        &model,
        "--judge",
        "rules",
        "--only",
        "clarification",
        "--out",
        &out,
    ];
    let ran = memex(&[&["mem", "bench", &bench, "--json"], &shared[..]].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let scores = &ran.objects()[0]["scores"];
    assert_eq!(
        (&scores[0]["name"], &scores[0]["total"]),
        (&"clarification".into(), &12.into())
    );
    assert!(place.path("scores/report.html").is_file());
    let ran = memex(
        &[
            &["mem", "rollouts", "--bench", &bench, "--attempts", "2"],
            &shared[..],
        ]
        .concat(),
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let lines = std::fs::read_to_string(place.path("scores/rollouts.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 24);
    assert!(ran.stdout.starts_with("24 episodes"), "{}", ran.stdout);
}
