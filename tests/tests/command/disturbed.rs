//! Programs of tools that turn against their supervisor: they kill it or stop it, when
//! others that they have started have left its group and its session.

use crate::killed::{COMMAND_TOOL, Workshop, is_running, wait_until};
use crate::memex::{memex, spawn};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

/// Starts `inside` and `outside`, the second one without any of its environment if the
/// mode says so, and attacks. Answers with what came of the attack.
const ATTACKER: &str = r##"
import signal, subprocess

# Processes of Python live long enough to be found one by one.
CHAIN = """#include <fcntl.h>
#include <unistd.h>
int main(int count, char **arguments) {
    int links = open("links", O_WRONLY | O_CREAT | O_APPEND, 0600);
    while (access("go", F_OK) == 0) {
        if (arguments[1][0] == 'y') setsid();
        if (arguments[2][0] == 'y') usleep(1000);
        write(links, ".", 1);
        int child = fork();
        if (child > 0) _exit(0);
        if (child < 0) usleep(100);
    }
}
"""

def bare():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    code = ("import os, time\nopen('outside.new', 'w').write(str(os.getpid()))\n"
            "os.rename('outside.new', 'outside')\ntime.sleep(3600)")
    os.execve(sys.executable, [sys.executable, "-c", code], {})

def headless():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    import ctypes, platform, threading
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    threading.Thread(target=beat, args=("outside",)).start()
    # Ends this thread, and not the process.
    ctypes.CDLL(None).syscall(93 if platform.machine() == "aarch64" else 60, 0)

def chain(leaves, pauses):
    """Processes that each start the next one and end, as long as there is the file `go`."""
    if os.fork():
        return
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    os.execv("./chain", ["chain"] + ["y" if is_so else "n" for is_so in (leaves, pauses)])

def tried(process, number):
    try:
        os.kill(process, number)
        return "done"
    except PermissionError as error:
        return type(error).__name__

def traced(process):
    try:
        open(f"/proc/{process}/mem", "r+b").close()
        return "done"
    except OSError as error:
        return type(error).__name__

mode = json.load(sys.stdin)["mode"]
if "chain" in mode:
    with open("chain.c", "w") as file:
        file.write(CHAIN)
    # Who builds the command has a compiler.
    subprocess.run(["cc", "-O2", "-o", "chain", "chain.c"], check=True)
    for _ in range(3):
        chain("setsid" in mode, "pause" in mode)
    while not (os.path.exists("links") and os.path.getsize("links") > 1000):
        time.sleep(0.01)
start("inside", False)
bare() if "bare" in mode else headless() if "headless" in mode else start("outside", True)
while not (os.path.exists("inside") and os.path.exists("outside")):
    time.sleep(0.01)
above = os.getppid()
with open("above", "w") as file:
    file.write(str(above))
answer = {}
if "session" in mode:
    answer["leads"] = os.getsid(0) == os.getpid()
if "own" in mode:
    answer["own"] = tried(int(open("inside").read()), signal.SIGKILL)
if "memory" in mode:
    answer["memory"] = traced(above)
if "stop" in mode:
    answer["stop"] = tried(above, signal.SIGSTOP)
if "kill" in mode:
    answer["kill"] = tried(above, signal.SIGKILL)
print(json.dumps(answer), flush=True)
if "hang" in mode:
    beat("itself")
"##;

fn workshop(is_confined: bool, timeout_ms: u32) -> Workshop {
    let more = if is_confined {
        ""
    } else {
        "unconfined = true\n"
    };
    Workshop::new(&format!("{COMMAND_TOOL}{more}"), ATTACKER, timeout_ms)
}

/// Whether this machine keeps programs from signalling what they did not start.
fn confines() -> bool {
    let ran = memex(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|check| check["name"] == "tool processes");
    check.unwrap()["state"] == "ok"
}

/// The first line that the code prints. The command goes on.
fn told(shop: &Workshop, mode: &str) -> (Child, String) {
    let code = format!(
        "import time\ntry: r = t(mode='{mode}')\nexcept Exception as e: r = type(e).__name__, str(e)\nprint(r, flush=True)\ntime.sleep(500)"
    );
    let mut child = spawn(&mut shop.run(&code));
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (child, line)
}

fn all_end<const N: usize>(what: &str, names: [&str; N], pids: &[String]) {
    for (name, pid) in names.iter().zip(pids) {
        wait_until(&format!("{what}: {name} lives on"), || !is_running(pid));
    }
}

#[test]
fn a_confined_program_reaches_its_supervisor_by_no_signal() {
    if !confines() {
        eprintln!("this kernel confines no signals: see the next tests");
        return;
    }
    for mode in [
        "own kill",
        "own stop kill",
        "own bare kill",
        "own memory bare stop kill",
    ] {
        let shop = workshop(true, 600_000);
        let (mut child, line) = told(&shop, mode);
        // The control: what it has started itself, it ends.
        assert!(line.contains("'own': 'done'"), "{mode}: {line}");
        for attack in ["memory", "stop", "kill"] {
            let refused = format!("'{attack}': 'PermissionError'");
            assert_eq!(line.contains(&refused), mode.contains(attack), "{line}");
        }
        let names = ["inside", "outside"];
        all_end(mode, names, &shop.running(names));
        assert!(child.try_wait().unwrap().is_none(), "{mode}: it goes on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// The control of the test above, and what the other kernels give: a supervisor that is
/// killed or stopped is noticed, and what it was to end is found by its mark.
#[test]
fn what_a_disturbed_supervisor_leaves_is_found_by_the_host() {
    for (mode, timeout_ms, wanted) in [
        ("kill", 600_000, "ended by a signal"),
        ("kill hang", 600_000, "ended by a signal"),
        ("stop", 600_000, "'stop': 'done'"),
        ("stop hang", 5_000, "TimeoutError"),
        // One that is stopped still gets the orphans: no mark is needed to find them.
        ("bare stop hang", 5_000, "TimeoutError"),
    ] {
        let shop = workshop(false, timeout_ms);
        let (mut child, line) = told(&shop, mode);
        assert!(line.contains(wanted), "{mode}: {line}");
        let names = ["inside", "outside"];
        all_end(mode, names, &shop.running(names));
        assert!(child.try_wait().unwrap().is_none(), "{mode}: it goes on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// The first thread of a process can end before the others. It looks like a zombie then,
/// and its own environment is gone.
#[test]
fn a_process_without_its_first_thread_is_ended_all_the_same() {
    for (is_confined, mode, timeout_ms, wanted) in [
        (true, "headless", 600_000, "{}"),
        (false, "headless", 600_000, "{}"),
        (false, "headless kill", 600_000, "ended by a signal"),
        (false, "headless stop hang", 5_000, "TimeoutError"),
    ] {
        if is_confined && !confines() {
            continue;
        }
        let shop = workshop(is_confined, timeout_ms);
        let (mut child, line) = told(&shop, mode);
        assert!(line.contains(wanted), "{mode}: {line}");
        let names = ["inside", "outside"];
        all_end(mode, names, &shop.running(names));
        assert!(child.try_wait().unwrap().is_none(), "{mode}: it goes on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A terminal's signals come from the system, and no confinement holds them back.
#[test]
fn a_confined_program_has_no_terminal() {
    if !confines() {
        eprintln!("this kernel confines no signals");
        return;
    }
    let shop = workshop(true, 600_000);
    let (mut child, line) = told(&shop, "session");
    assert!(line.contains("'leads': True"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    // The control: one that is not confined stays in its host's session.
    let shop = workshop(false, 600_000);
    let (mut child, line) = told(&shop, "session");
    assert!(line.contains("'leads': False"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What is documented to escape where signals are not confined: without the variable, and
/// below nobody. It proves that the attack of the first test is one.
#[test]
fn without_confinement_and_mark_a_process_escapes() {
    let shop = workshop(false, 600_000);
    let (mut child, line) = told(&shop, "bare kill");
    assert!(line.contains("ended by a signal"), "{line}");
    let [inside, outside] = shop.running(["inside", "outside"]);
    all_end("bare kill", ["inside"], &[inside]);
    assert!(is_running(&outside), "the attack did not run");
    let kill = std::process::Command::new("kill")
        .args(["-9", &outside])
        .status();
    assert!(kill.unwrap().success());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Side by side, three processes that each start the next one and end, for as long as a
/// file is there: what lists processes never finds them all. Dropping it ends them.
struct Chains<'a>(&'a Workshop);

impl<'a> Chains<'a> {
    fn may_run(shop: &'a Workshop) -> Self {
        std::fs::write(shop.path("go"), "").unwrap();
        Self(shop)
    }

    /// How many processes there were.
    fn links(&self) -> u64 {
        std::fs::metadata(self.0.path("links")).map_or(0, |file| file.len())
    }

    fn all_end(&self, what: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let before = self.links();
            std::thread::sleep(Duration::from_millis(500));
            if self.links() == before {
                break;
            }
            assert!(Instant::now() < until, "{what}: the chain goes on");
        }
        // The controls: it ran, and nothing but its end could have stopped it.
        assert!(self.links() > 1000, "{what}: there was no chain");
        assert!(self.0.path("go").exists(), "{what}");
    }
}

impl Drop for Chains<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0.path("go"));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// At the end of a call, when it takes too long, and when the host is killed.
#[test]
fn what_starts_others_without_a_pause_ends_with_its_call_or_its_host() {
    for (is_confined, mode) in [(true, "chain"), (true, "chain setsid"), (false, "chain")] {
        if is_confined && !confines() {
            eprintln!("this kernel confines no signals");
            continue;
        }
        for (more, timeout_ms, wanted) in [("", 600_000, "{}"), ("hang", 5_000, "TimeoutError")] {
            let what = format!("{is_confined} {mode} {more}");
            let shop = workshop(is_confined, timeout_ms);
            let chains = Chains::may_run(&shop);
            let (mut child, line) = told(&shop, &format!("{mode} {more}"));
            // What is not confined, and is killed with its supervisor, has no answer.
            let is_told = line.contains(wanted) || !is_confined && line.contains("by a signal");
            assert!(is_told, "{what}: {line}");
            chains.all_end(&what);
            assert!(child.try_wait().unwrap().is_none(), "{what}: it goes on");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let what = format!("{is_confined} {mode}: the host is gone");
        let shop = workshop(is_confined, 600_000);
        let chains = Chains::may_run(&shop);
        let mut child = spawn(&mut shop.run(&format!("t(mode='{mode} hang')")));
        let pids = shop.running(["itself"]);
        child.kill().unwrap();
        child.wait().unwrap();
        chains.all_end(&what);
        all_end(&what, ["itself"], &pids);
    }
}

/// A confined program's domain outlives its supervisor: the host ends it.
#[test]
fn what_a_supervisor_leaves_that_others_have_killed_ends_with_it() {
    if !confines() {
        eprintln!("this kernel confines no signals");
        return;
    }
    for signal in ["-KILL", "-STOP"] {
        let shop = workshop(true, 3_000);
        let chains = Chains::may_run(&shop);
        // With pauses: nobody collects what ends below a supervisor that is stopped, and the
        // machine's numbers of processes are not this test's alone.
        let mut child = spawn(&mut shop.run(
            "import time\ntry: t(mode='chain pause setsid bare hang')\nexcept Exception: pass\ntime.sleep(500)",
        ));
        let names = ["inside", "outside", "itself"];
        let pids = shop.running(names);
        let [supervisor] = shop.running(["above"]);
        let sent = std::process::Command::new("kill")
            .args([signal, &supervisor])
            .status();
        assert!(sent.unwrap().success());
        chains.all_end(signal);
        all_end(signal, names, &pids);
        assert!(child.try_wait().unwrap().is_none(), "{signal}: it goes on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A group that is stopped and loses its host is woken by the system with `SIGHUP`.
#[test]
fn a_supervisor_that_is_stopped_ends_all_when_its_host_is_killed() {
    let shop = workshop(false, 600_000);
    let mut child = spawn(&mut shop.run("t(mode='bare stop hang')"));
    let names = ["inside", "outside", "itself"];
    let pids = shop.running(names);
    assert!(pids.iter().all(|pid| is_running(pid)), "{pids:?}");
    // The control: it is stopped, and was before the host is killed.
    let [supervisor] = shop.running(["above"]);
    wait_until("the supervisor is not stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{supervisor}/stat"));
        stat.is_ok_and(|stat| stat.contains(") T "))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    all_end("the host is gone", names, &pids);
}
