//! What a command leaves behind that is killed at any moment: everything that it
//! told of, and nothing that it started.

use crate::agent::{Bench, runs, says};
use crate::memex::{command, memex, spawn};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads so many of the lines that count, kills the command, and gives all such
/// lines that it wrote.
fn killed_after(mut child: Child, lines: usize, counts: impl Fn(&str) -> bool) -> Vec<String> {
    let mut told = Vec::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    while told.len() < lines {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap();
        assert!(read > 0, "it ended after {told:?}");
        if counts(&line) {
            told.push(line);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    // A line that was cut off by the end was not told.
    let whole = rest
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    told.extend(whole.filter(|line| counts(line)).map(str::to_owned));
    told
}

#[test]
fn a_turn_that_was_told_is_saved() {
    const TURNS: usize = 60;
    const ROUNDS: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let turns: Vec<String> = (1..=TURNS).map(|turn| format!("n = {turn}\nn")).collect();
    let mut cut_short = 0;
    for format in [&["--json"][..], &[]] {
        for round in 0..ROUNDS {
            let name = format!("s{round}-{}", format.len());
            let mut arguments = vec!["run", "--session", &name, "--store", &store];
            arguments.extend(format);
            arguments.extend(turns.iter().flat_map(|turn| ["-c", turn]));
            let child = spawn(&mut command(&arguments));
            let told = killed_after(child, 1 + round * 7 % 40, |_| true);
            let last = match format.is_empty() {
                true => told.last().unwrap().trim().parse().unwrap(),
                false => {
                    let object: Value = serde_json::from_str(told.last().unwrap()).unwrap();
                    object["turn"].as_u64().unwrap()
                }
            };
            assert_eq!(last, told.len() as u64);
            let ran = memex(&["session", "log", &name, "--store", &store, "--json"]);
            assert_eq!(ran.status, 0, "{ran:#?}");
            let saved = ran.objects().last().unwrap()["turn"].as_u64().unwrap();
            assert!(saved >= last, "{name}: {last} were told, {saved} are saved");
            cut_short += usize::from(saved < TURNS as u64);
            if round % 8 == 0 {
                let ran = memex(&["run", "--session", &name, "--store", &store, "-c", "n"]);
                assert_eq!(ran.stdout, format!("{saved}\n"), "{ran:#?}");
            }
        }
    }
    assert!(
        cut_short > ROUNDS,
        "most were killed before their end: {cut_short}"
    );
}

#[test]
fn a_turn_that_cannot_be_saved_is_not_told_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let run = |code: &str| {
        memex(&[
            "run",
            "--session",
            "s",
            "--store",
            &store,
            "--json",
            "-c",
            code,
        ])
    };
    // The control.
    let ran = run("x = 41");
    assert_eq!(
        (ran.status, &ran.objects()[0]["status"]),
        (0, &"ok".into()),
        "{ran:#?}"
    );
    // A file where the store keeps its chunks: nothing can be put there.
    let places = ["chunks", "snapshots", "sessions", "objects"];
    let kept: Vec<_> = places.iter().map(|name| folder.path().join(name)).collect();
    let kept: Vec<_> = kept.iter().filter(|path| path.is_dir()).collect();
    assert!(!kept.is_empty(), "the store keeps its parts elsewhere");
    for path in &kept {
        seal(path, true);
    }
    let ran = run("x + 1");
    for path in &kept {
        seal(path, false);
    }
    if ran.status == 0 {
        // Who may write everything is not kept from writing.
        return;
    }
    assert_eq!(ran.status, 3, "{ran:#?}");
    let told = ran.objects();
    assert!(
        told.iter().all(|turn| turn["status"] == "fault"),
        "{ran:#?}"
    );
    assert_eq!(run("x").objects()[0]["value"], "41");
}

fn seal(path: &Path, sealed: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if sealed { 0o500 } else { 0o700 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            std::fs::set_permissions(&entry, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

#[test]
fn a_step_that_was_told_is_saved_with_its_scope() {
    const BLOCKS: usize = 30;
    for (backend, rounds) in [("in_process", 12), ("subprocess", 4)] {
        for round in 0..rounds {
            let bench = Bench::new();
            let mut replies: Vec<Value> = (1..=BLOCKS).map(|n| runs(&format!("n = {n}"))).collect();
            replies.push(says("never"));
            bench.script("first.json", &replies);
            let arguments = [
                "run",
                "Count.",
                "--model",
                "script:first.json",
                "--save",
                "run.jsonl",
                "--json",
                "--backend",
                backend,
            ];
            let child = spawn(&mut bench.command(&arguments));
            let told = killed_after(child, 1 + round * 5 % 20, |line| {
                line.contains("\"kind\":\"observation\"")
            });
            bench.script("next.json", &[runs("print('n is', n)"), says("done")]);
            let arguments = [
                "resume",
                "run.jsonl",
                "--model",
                "script:next.json",
                "--json",
                "--backend",
                backend,
            ];
            let ran = bench.agent(&arguments);
            assert_eq!(ran.status, 0, "{ran:#?}");
            let objects = ran.objects();
            let seen = objects
                .iter()
                .find(|object| object["kind"] == "observation");
            let text = seen.unwrap()["text"].as_str().unwrap().to_owned();
            let n = text.split("n is ").nth(1).unwrap();
            let n: usize = n.split_whitespace().next().unwrap().parse().unwrap();
            assert!(
                n >= told.len(),
                "{backend}: {} were told, n is {n}",
                told.len()
            );
        }
    }
}

/// A program that starts others, in its group and out of it, and says who they are.
const NEST: &str = r#"
import json, os, sys, time

def start(name, leaves):
    if os.fork():
        return
    if leaves:
        os.setsid()
        if os.fork():
            os._exit(0)
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    beat(name)

def beat(name):
    with open(name + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(name + ".new", name)
    time.sleep(3600)
    os._exit(0)

def nest():
    start("inside", False)
    start("outside", True)
    beat("itself")

def leave():
    start("inside", False)
    start("outside", True)
    while not (os.path.exists("inside") and os.path.exists("outside")):
        time.sleep(0.01)
"#;

const TOOL: &str = r#"
mode = json.load(sys.stdin)["mode"]
if mode == "hang":
    nest()
if mode == "leave":
    leave()
print(json.dumps(os.getppid()))
"#;

const SERVER: &str = r#"
def answer(id, result):
    print(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}), flush=True)

for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        answer(message["id"], {"protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "nest", "version": "1"}})
    elif method == "tools/list":
        answer(message["id"], {"tools": [{"name": "t", "inputSchema": {"type": "object",
            "properties": {"mode": {"type": "string"}}, "required": ["mode"]}}]})
    elif method == "tools/call":
        mode = message["params"]["arguments"]["mode"]
        if mode == "hang":
            nest()
        if mode == "leave":
            leave()
            # The client gives such a server up.
            os.close(1)
            time.sleep(3600)
        answer(message["id"], {"content": [{"type": "text", "text": "here"}]})
"#;

pub(crate) fn is_running(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| {
        let rest = stat.rsplit_once(')').unwrap().1;
        let threads: u32 = rest.split_whitespace().nth(17).unwrap().parse().unwrap();
        // Where only the first thread has ended, the process has not.
        !rest.starts_with(" Z") || threads > 1
    })
}

pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) const COMMAND_TOOL: &str = "[[command]]\nname = 't'\ndescription = 'x'\nargv = ['python3', 'run.py']\nparameters = {type = 'object', properties = {mode = {type = 'string'}}, required = ['mode']}\n";
const SERVER_TOOL: &str =
    "[[mcp]]\nname = 's'\nprefix = ''\nargv = ['python3', 'run.py']\nstart_timeout_ms = 100000\n";

/// A folder with a tool and the program behind it.
pub(crate) struct Workshop(tempfile::TempDir);

impl Workshop {
    pub(crate) fn new(declared: &str, program: &str, timeout_ms: u32) -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        std::fs::write(shop.path("run.py"), format!("{NEST}{program}")).unwrap();
        let text = format!("version = 1\n{declared}timeout_ms = {timeout_ms}\n");
        std::fs::write(shop.path("tools.toml"), text).unwrap();
        shop
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, code: &str) -> std::process::Command {
        let tools = self.path("tools.toml").display().to_string();
        command(&[
            "run",
            "--tools",
            &tools,
            "--limit",
            "tool_time_ms=600s",
            "--limit",
            "wall_time_ms=600s",
            "-c",
            code,
        ])
    }

    /// The numbers of the processes of these names, once they are there and run.
    pub(crate) fn running<const N: usize>(&self, names: [&str; N]) -> [String; N] {
        wait_until("the tool does not start", || {
            names.iter().all(|name| self.path(name).exists())
        });
        names.map(|name| std::fs::read_to_string(self.path(name)).unwrap())
    }
}

#[test]
fn what_tools_have_started_ends_with_the_command() {
    for (declared, program) in [(COMMAND_TOOL, TOOL), (SERVER_TOOL, SERVER)] {
        let shop = Workshop::new(declared, program, 600_000);
        // The control: the same tool answers.
        let ran = shop
            .run("print('answered:', t(mode='no'))")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(said.starts_with("answered: "), "{ran:?}");

        let mut child = spawn(&mut shop.run("t(mode='hang')"));
        let names = ["itself", "inside", "outside"];
        let pids = shop.running(names);
        assert!(pids.iter().all(|pid| is_running(pid)), "{pids:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, pid) in names.iter().zip(&pids) {
            wait_until(&format!("{name} lives on"), || !is_running(pid));
        }
    }
}

/// At the end of its call, when the call takes too long, and when its server is
/// given up: each while the command goes on.
#[test]
fn what_a_tool_has_started_ends_with_its_call_or_its_server() {
    for (declared, program, timeout_ms, code) in [
        (COMMAND_TOOL, TOOL, 600_000, "t(mode='leave')"),
        (COMMAND_TOOL, TOOL, 10_000, "t(mode='hang')"),
        (
            SERVER_TOOL,
            SERVER,
            600_000,
            "try: t(mode='leave')\n  except Exception: t(mode='no')",
        ),
    ] {
        let shop = Workshop::new(declared, program, timeout_ms);
        let code = format!(
            "import time\ntry:\n  {code}\nexcept TimeoutError: pass\nprint('over', flush=True)\ntime.sleep(500)"
        );
        let mut child = spawn(&mut shop.run(&code));
        let names = ["inside", "outside"];
        let pids = shop.running(names);
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        for (name, pid) in names.iter().zip(&pids) {
            wait_until(&format!("{code}: {name} lives on"), || !is_running(pid));
        }
        assert_eq!(line, "over\n", "{code}");
        assert!(child.try_wait().unwrap().is_none(), "{code}: it goes on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_worker_ends_with_its_agent() {
    let bench = Bench::new();
    bench.script("m.json", &[runs("while True: pass"), says("never")]);
    let arguments = [
        "run",
        "Go.",
        "--model",
        "script:m.json",
        "--json",
        "--backend",
        "subprocess",
    ];
    let child = spawn(&mut bench.command(&arguments));
    let agent = child.id().to_string();
    let told = killed_after_with(child, "while True", || {
        let workers = children_of(&agent);
        assert_eq!(workers.len(), 1, "the control: it has a worker");
        workers
    });
    for worker in told {
        wait_until("the worker lives on", || !is_running(&worker));
    }
}

/// Kills the command once it has told of this, after a look at it.
fn killed_after_with<T>(mut child: Child, text: &str, look: impl FnOnce() -> T) -> T {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(
            reader.read_line(&mut line).unwrap() > 0,
            "{text} never came"
        );
    }
    // The block has begun by then.
    std::thread::sleep(Duration::from_millis(500));
    let seen = look();
    child.kill().unwrap();
    child.wait().unwrap();
    seen
}

fn children_of(process: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_child = |name: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().nth(1));
        parent.flatten() == Some(process)
    };
    names
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(is_child)
        .collect()
}
