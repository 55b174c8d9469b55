//! `memex serve` and `memex key`, as processes.

use crate::memex::{command, memex};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    child: Child,
    address: String,
    key: String,
}

impl Server {
    /// Starts a server on a data directory; its first line says where it is.
    fn start(data: &Path, more: &[&str]) -> Self {
        // Nobody reads its log.
        Self::logging(data, more, Stdio::null())
    }

    fn logging(data: &Path, more: &[&str], log: Stdio) -> Self {
        let data = data.display().to_string();
        let mut arguments = vec!["serve", "--dev", "--data", &data];
        arguments.extend(more);
        Self::of(command(&arguments), log)
    }

    /// Starts a server none of whose files may have more than 12 MiB, which stands for a full
    /// disk: a write comes to nothing in the middle.
    fn without_room(data: &Path) -> Self {
        let data = data.display().to_string();
        let inner = command(&["serve", "--dev", "--data", &data]);
        let mut bounded = std::process::Command::new("bash");
        bounded
            .args(["-c", "trap '' XFSZ; ulimit -f 12288; exec \"$@\"", "serve"])
            .arg(inner.get_program())
            .args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => bounded.env(name, value),
                None => bounded.env_remove(name),
            };
        }
        Self::of(bounded, Stdio::null())
    }

    fn of(mut command: std::process::Command, log: Stdio) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let url = said["url"].as_str().unwrap();
        Self {
            child,
            address: url.strip_prefix("http://").unwrap().to_owned(),
            key: said["key"].as_str().unwrap().to_owned(),
        }
    }

    /// A request on a connection of its own; none where the server is gone.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.ask_with(method, path, "", body)
    }

    /// The same, with a header line of its own.
    fn ask_with(
        &self,
        method: &str,
        path: &str,
        header: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             {header}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }

    fn sandbox(&self) -> String {
        self.made_with("process")
    }

    fn made_with(&self, durability: &str) -> String {
        let body = json!({ "durability": durability });
        let (status, made) = self.ask("POST", "/v1/sandboxes", &body).unwrap();
        assert_eq!(status, 201, "{made}");
        format!("/v1/sandboxes/{}", made["id"].as_str().unwrap())
    }

    /// The value of a block; none where the server did not acknowledge it.
    fn value(&self, sandbox: &str, code: &str) -> Option<String> {
        let (status, outcome) = self.ask(
            "POST",
            &format!("{sandbox}/turns"),
            &json!({ "code": code }),
        )?;
        assert_eq!(
            (status, &outcome["status"]),
            (200, &json!("ok")),
            "{outcome}"
        );
        Some(outcome["value"].as_str().unwrap_or_default().to_owned())
    }
}

impl Server {
    /// The value of a turn that counts, asked for with the key of this number; none where the
    /// server did not acknowledge it.
    fn counted(&self, sandbox: &str, number: u64) -> Option<String> {
        let header = format!("idempotency-key: count-{number}\r\n");
        let code = json!({ "code": "n += 1\nn" });
        let (status, outcome) =
            self.ask_with("POST", &format!("{sandbox}/turns"), &header, &code)?;
        assert_eq!(
            (status, &outcome["status"]),
            (200, &json!("ok")),
            "{outcome}"
        );
        Some(outcome["value"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// What was acknowledged is there after a kill, in every sandbox, whenever it comes.
#[test]
fn a_turn_that_was_acknowledged_survives_a_kill() {
    const CLIENTS: usize = 3;
    const ROUNDS: u64 = 4;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    // One of them has every turn on the disk.
    let sandboxes = ["process", "process", "power"].map(|durability| server.made_with(durability));
    for sandbox in &sandboxes {
        server.value(sandbox, "n = 0").unwrap();
    }
    let mut known = [0_u64; CLIENTS];
    for round in 0..ROUNDS {
        let acknowledged: Vec<u64> = std::thread::scope(|scope| {
            let server = &server;
            let clients: Vec<_> = sandboxes
                .iter()
                .map(|sandbox| {
                    scope.spawn(move || {
                        let mut last = 0;
                        while let Some(value) = server.value(sandbox, "n += 1\nn") {
                            last = value.parse().unwrap();
                        }
                        last
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(150 + 130 * round));
            kill(server.child.id());
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .collect()
        });
        server.child.wait().unwrap();
        server = Server::start(folder.path(), &[]);
        for ((sandbox, acknowledged), known) in sandboxes.iter().zip(&acknowledged).zip(&mut known)
        {
            let found: u64 = server.value(sandbox, "n").unwrap().parse().unwrap();
            // One more may have been saved whose answer did not get out.
            let least = (*acknowledged).max(*known);
            assert!(
                found >= least && found <= least + 1,
                "round {round}: {found}, {acknowledged} acknowledged, {known} before"
            );
            *known = found;
        }
    }
    assert!(
        known.iter().all(|n| *n > ROUNDS),
        "{known:?}: the clients were busy"
    );
}

/// Sandboxes that were made are there after a kill, those that were ended are not, and a
/// turn with a key runs once, whenever the kill comes.
#[test]
fn what_was_made_ended_and_asked_with_a_key_before_a_kill_is_so_after_it() {
    const ROUNDS: u64 = 3;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let counted = server.sandbox();
    server.value(&counted, "n = 0").unwrap();
    let (mut made, mut ended) = (Vec::new(), Vec::new());
    let mut asked = 0;
    for round in 0..ROUNDS {
        let pending = std::thread::scope(|scope| {
            let (server, counted) = (&server, &counted);
            let making = scope.spawn(move || {
                let (mut made, mut ended) = (Vec::new(), Vec::new());
                for number in 0_u64.. {
                    let durability = ["process", "power"][usize::from(number % 2 == 1)];
                    let body = json!({ "durability": durability });
                    let Some((201, view)) = server.ask("POST", "/v1/sandboxes", &body) else {
                        break;
                    };
                    let sandbox = format!("/v1/sandboxes/{}", view["id"].as_str().unwrap());
                    if number % 3 == 2 {
                        match server.ask("DELETE", &sandbox, &Value::Null) {
                            Some((204, _)) => ended.push(sandbox),
                            // Whether it has ended is not known.
                            _ => break,
                        }
                    } else {
                        made.push(sandbox);
                    }
                }
                (made, ended)
            });
            let counting = scope.spawn(move || {
                let mut number = asked;
                while server.counted(counted, number).is_some() {
                    number += 1;
                }
                number
            });
            std::thread::sleep(Duration::from_millis(170 + 210 * round));
            kill(server.child.id());
            let (new, over) = making.join().unwrap();
            made.extend(new);
            ended.extend(over);
            counting.join().unwrap()
        });
        server.child.wait().unwrap();
        server = Server::start(folder.path(), &[]);
        for sandbox in &made {
            let (status, view) = server.ask("GET", sandbox, &Value::Null).unwrap();
            assert_eq!(
                (status, &view["ended"]),
                (200, &Value::Null),
                "round {round}"
            );
        }
        for sandbox in &ended {
            let (status, view) = server.ask("GET", sandbox, &Value::Null).unwrap();
            assert_eq!((status, &view["ended"]["reason"]), (200, &json!("deleted")));
        }
        // The request that had no answer, again and again: it ran once.
        for _ in 0..2 {
            let value = server.counted(&counted, pending).unwrap();
            assert_eq!(value, (pending + 1).to_string(), "round {round}");
        }
        asked = pending + 1;
    }
    assert!(
        made.len() > 20 && ended.len() > 10 && asked > 10,
        "the clients were busy"
    );
}

/// Where there is no room, turns are refused and undone, sandboxes can be ended, and nothing
/// that was acknowledged is lost.
#[test]
fn a_full_disk_refuses_turns_and_lets_sandboxes_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::without_room(folder.path());
    let [sandbox, other] = [server.sandbox(), server.sandbox()];
    server.value(&other, "1").unwrap();
    let turns = format!("{sandbox}/turns");
    let mut last = 0;
    let refused = loop {
        let code = format!("import os\nx = os.urandom(60_000)\nn = {}\nn", last + 1);
        let (status, answer) = server
            .ask("POST", &turns, &json!({ "code": code }))
            .unwrap();
        if status != 200 {
            break (status, answer["code"].clone());
        }
        last += 1;
        assert!(last < 1_000, "there is no bound");
    };
    assert_eq!(refused, (507, json!("no-space")));
    assert!(last > 20, "{last} turns fit");
    assert_eq!(server.ask("GET", &sandbox, &Value::Null).unwrap().0, 200);
    assert_eq!(server.ask("DELETE", &other, &Value::Null).unwrap().0, 204);
    kill(server.child.id());
    server.child.wait().unwrap();
    let server = Server::start(folder.path(), &[]);
    assert_eq!(server.value(&sandbox, "n"), Some(last.to_string()));
    let (_, ended) = server.ask("GET", &other, &Value::Null).unwrap();
    assert_eq!(ended["ended"]["reason"], "deleted");
    server.value(&sandbox, "y = 1").unwrap();
}

/// As `kill -9` does.
fn kill(pid: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn sigterm_lets_a_turn_end_and_exits_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let sandbox = server.sandbox();
    let has_dev_key = || {
        let keys = std::fs::read_to_string(folder.path().join("keys.json")).unwrap();
        keys.contains("made by --dev")
    };
    assert!(has_dev_key());
    let value = std::thread::scope(|scope| {
        let run = scope.spawn(|| server.value(&sandbox, "import time\ntime.sleep(1)\nx = 6\nx"));
        std::thread::sleep(Duration::from_millis(400));
        let pid = server.child.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .arg(&pid)
                .status()
                .unwrap()
                .success()
        );
        run.join().unwrap()
    });
    assert_eq!(value.as_deref(), Some("6"));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(!has_dev_key(), "the key for trying it ends with the server");
    let again = Server::start(folder.path(), &[]);
    assert_eq!(again.value(&sandbox, "x").as_deref(), Some("6"));
}

#[test]
fn keys_are_made_listed_and_revoked_and_a_running_server_follows() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let mut server = Server::start(folder.path(), &[]);
    let made = memex(&["key", "add", "--data", &data, "--label", "one"]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    server.key = made.stdout.trim().to_owned();
    wait_for(|| server.ask("GET", "/v1/sandboxes", &json!({})).unwrap().0 == 200);
    let listed = memex(&["key", "list", "--data", &data]);
    let line = listed
        .stdout
        .lines()
        .find(|line| line.contains("one"))
        .unwrap();
    assert!(line.contains("create,run,files") && !listed.stdout.contains(&server.key));
    let id = line.split(' ').next().unwrap();
    assert_eq!(memex(&["key", "revoke", id, "--data", &data]).status, 0);
    wait_for(|| server.ask("GET", "/v1/sandboxes", &json!({})).unwrap().0 == 401);
    let unknown = memex(&["key", "revoke", "nothing", "--data", &data]);
    assert_eq!(unknown.status, 1);
    assert!(unknown.stderr.contains("hint: "));
}

#[test]
fn sighup_takes_up_the_file_and_a_bad_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [config, log] = ["c.toml", "log"].map(|name| folder.path().join(name));
    let write = |text: &str| std::fs::write(&config, text).unwrap();
    write("[serve.tenants.a.quota]\nsandboxes = 1");
    let stderr = std::fs::File::create(&log).unwrap();
    let file = config.display().to_string();
    let data = folder.path().join("data");
    let server = Server::logging(&data, &["--config", &file], stderr.into());
    let hang_up = |said: &str| {
        let before = std::fs::read_to_string(&log).unwrap().len();
        let signal = ["-HUP", &server.child.id().to_string()];
        let sent = std::process::Command::new("kill").args(signal).status();
        assert!(sent.unwrap().success());
        wait_for(|| std::fs::read_to_string(&log).unwrap()[before..].contains(said));
    };
    let create = || server.ask("POST", "/v1/sandboxes", &json!({})).unwrap().0;
    assert_eq!((create(), create()), (201, 429));
    write("[serve.tenants.a.quota]\nsandboxes = 2");
    hang_up("the configuration was read again");
    assert_eq!((create(), create()), (201, 429));
    for (bad, said) in [
        (
            "[serve.tenants.a.quota]\nsandboxes = -1",
            "line 2, column 13",
        ),
        (
            "[serve.tenants.a]\npolicy = 'nowhere.toml'",
            "the tenants stay as they were",
        ),
        (
            "[serve]\nidle_s = 3\n[serve.tenants.a.quota]\nsandboxes = 2",
            "when the server starts again",
        ),
    ] {
        write(bad);
        hang_up(said);
        assert_eq!(create(), 429, "{bad}");
    }
}

fn wait_for(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it did not come to be");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_that_cannot_be_safe_or_cannot_listen_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let config = folder.path().join("c.toml");
    let file = config.display().to_string();
    for (arguments, text, said) in [
        (vec!["--listen", "0.0.0.0:0"], "", "there is no key"),
        (
            vec!["--dev", "--listen", "0.0.0.0:0"],
            "",
            "--dev is for this one",
        ),
        (vec!["--dev", "--listen", &taken], "", "cannot listen"),
        (vec![], "[serve]\nlisten = 'x'", "line 2, column 10"),
        (vec![], "[serve]\nunknown = 1", "unknown field"),
        (
            vec![],
            "[serve.tls]\ncertificate = 'none.pem'\nkey = 'none.key'",
            "none.pem cannot be read",
        ),
        (vec![], "[serve.tenants.'A b']", "a tenant's name"),
        (
            vec![],
            "[serve.tenants.a]\npolicy = 'nowhere.toml'",
            "nowhere.toml",
        ),
    ] {
        std::fs::write(&config, text).unwrap();
        let mut all = vec!["serve", "--data", &data, "--config", &file];
        all.extend(&arguments);
        let ran = memex(&all);
        assert_eq!(ran.status, 2, "{arguments:?} {text}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(said) && ran.stderr.contains("hint: "),
            "{}",
            ran.stderr
        );
        assert!(ran.stdout.is_empty());
    }
}
