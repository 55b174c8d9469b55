//! What worker processes have of the process that starts them.

use super::support::{Bench, after, runs, says};
use crate::memex::spawn;
use std::path::Path;
use std::time::{Duration, Instant};

const BACKENDS: [&str; 2] = ["subprocess", "pool"];
/// From the start of a run to its worker; the machine may be busy.
const STARTING: Duration = Duration::from_secs(120);

/// The worker that a process started, when it is there.
fn worker_of(parent: u32) -> Option<u32> {
    let is_worker = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name of the program may have spaces and brackets in it.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let is_child = fields.split_whitespace().nth(1) == Some(&parent.to_string());
        let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        is_child && arguments.ends_with(b"\0agent\0worker\0")
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let mut ids = ids.filter(is_worker);
    ids.next()
}

fn environment_of(id: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{id}/environ")).unwrap()
}

#[test]
fn a_worker_has_an_empty_environment() {
    for backend in BACKENDS {
        let bench = Bench::new();
        bench.script(
            "m.json",
            &[runs("import time\ntime.sleep(600)"), says("never")],
        );
        let mut command = bench.command(&["run", "Wait.", "--model", "script:m.json", "--json"]);
        command.args(["--backend", backend]);
        command.env("MEMEX_SECRET_TOKEN", "a-value-that-must-not-travel");
        command.env("ANTHROPIC_API_KEY", "a-key-that-must-not-travel");
        let mut parent = spawn(&mut command);
        let begun = Instant::now();
        let worker = loop {
            if let Some(worker) = worker_of(parent.id()) {
                break worker;
            }
            assert!(begun.elapsed() < STARTING, "{backend}: no worker came");
            assert!(parent.try_wait().unwrap().is_none(), "{backend}: it ended");
            std::thread::sleep(Duration::from_millis(20));
        };
        let (own, passed) = (environment_of(parent.id()), environment_of(worker));
        parent.kill().unwrap();
        parent.wait().unwrap();
        let has = |needle: &[u8]| own.windows(needle.len()).any(|window| window == needle);
        assert!(has(b"MEMEX_SECRET_TOKEN=a-value-that-must-not-travel"));
        assert!(has(b"ANTHROPIC_API_KEY=a-key-that-must-not-travel"));
        let passed = String::from_utf8_lossy(&passed);
        assert_eq!(passed, "", "{backend}");
    }
}

#[test]
fn a_policy_of_the_configuration_file_holds_in_workers() {
    let bench = Bench::new();
    let home = bench.at("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("note"), "kept").unwrap();
    let grants = "version = 1\nextends = 'read-files'\n[[directories]]\nhost = 'home'\nguest = '/home-of-memex'\n";
    bench.write("granting.toml", grants);
    let code = "try:\n    print('wrote', open('/tmp/x', 'w').write('abc'))\n\
        except OSError as error:\n    print('refused:', type(error).__name__)\n\
        import os\nprint('granted:', os.path.exists('/home-of-memex/note'))";
    let run = |policy: &str, backend: &str, shown: &str| {
        bench.write("config.toml", format!("policy = '{policy}'\n"));
        bench.script("m.json", &[runs(code), after(shown, says("done"))]);
        let mut command = bench.command(&["run", "Write.", "--model", "script:m.json"]);
        command.args(["--backend", backend]);
        command.arg("--config").arg(bench.at("config.toml"));
        let ran: crate::memex::Ran = command.output().unwrap().into();
        assert_eq!(
            (ran.status, ran.stdout.as_str()),
            (0, "done\n"),
            "{policy}, {backend}: {ran:#?}"
        );
    };
    assert!(Path::new("/tmp").is_dir());
    for backend in ["in_process", "subprocess", "pool"] {
        run("compute", backend, "wrote 3\ngranted: False");
        run(
            "deny-all",
            backend,
            "refused: FileNotFoundError\ngranted: False",
        );
        run("granting.toml", backend, "wrote 3\ngranted: True");
    }
}
