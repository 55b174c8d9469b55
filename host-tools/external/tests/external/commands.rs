//! Command tools, with real processes.

use std::time::Duration;

use memex_host_tools::Arguments;
use serde_json::json;

use crate::support::{
    Folder, LONG, SECRET, arguments, call, context, error, exists, is_running, named, until, value,
};

/// A tool `t` that runs `script`.
fn tool(folder: &Folder, script: &str, more: &str) -> String {
    folder.write("t.py", &format!("import json, os, sys, time\n{script}"));
    format!("[[command]]\nname='t'\nargv=['PYTHON','t.py']\n{more}")
}

#[tokio::test]
async fn arguments_go_in_and_the_answer_comes_out() {
    let folder = Folder::new();
    let script = "given = json.load(sys.stdin)\n\
        json.dump({'got': given, 'cwd': os.getcwd(), 'env': {k: os.environ.get(k) for k in ['ALLOWED', 'WITHHELD', 'SET']}, 'argv': sys.argv[1:]}, sys.stdout)";
    folder.write("t.py", &format!("import json, os, sys\n{script}"));
    std::fs::create_dir(folder.path("sub")).unwrap();
    let tools = folder
        .open(&format!(
            "[[command]]\nname='t'\nargv=['PYTHON', '{}', '$HOME; echo x']\ncwd='sub'\nenv=['ALLOWED']\nenv_set={{SET='1'}}",
            folder.path("t.py").display()
        ))
        .await
        .unwrap();
    let found = value(&tools, "t", json!({"n": 1, "text": "ä\u{0}"})).await;
    let sub = folder.path("sub").canonicalize().unwrap();
    assert_eq!(
        found,
        json!({
            "got": {"n": 1, "text": "ä\u{0}"},
            "cwd": sub.to_str().unwrap(),
            "env": {"ALLOWED": "yes", "WITHHELD": null, "SET": "1"},
            "argv": ["$HOME; echo x"],
        })
    );
    let binary = Arguments {
        json: arguments(json!({"data": [{"$part": 0}]})).json,
        parts: vec![b"hello".to_vec()],
    };
    let answer = named(&tools, "t").call(context(), binary).await.unwrap();
    assert_eq!(answer.json["got"], json!({"data": ["aGVsbG8="]}));
}

#[tokio::test]
async fn answers_and_failures_are_told_apart() {
    let folder = Folder::new();
    let folder = &folder;
    let long = "m".repeat(3_000);
    for (script, expected) in [
        ("pass", Ok(json!(null))),
        ("print('[1]')", Ok(json!([1]))),
        (
            "print('{\"error\": \"e\", \"data\": 1}')",
            Ok(json!({"error": "e", "data": 1})),
        ),
        (
            "print('{\"error\": \"no such city\"}')",
            Err("RuntimeError: t: no such city".to_owned()),
        ),
        (
            "print('{\"error\": {\"type\": \"KeyError\", \"message\": \"x\"}}'); sys.exit(1)",
            Err("KeyError: t: x".to_owned()),
        ),
        (
            "print('{\"error\": {\"type\": \"SystemExit\", \"message\": \"x\"}}')",
            Err("RuntimeError: t: x".to_owned()),
        ),
        (
            "print('inner\\nfor the guest\\n', file=sys.stderr); sys.exit(3)",
            Err("RuntimeError: t: for the guest".to_owned()),
        ),
        (
            "sys.exit(3)",
            Err("RuntimeError: t: the command failed without a message".to_owned()),
        ),
        (
            "print('/etc/hidden: inner', file=sys.stderr); sys.exit(1)",
            Err("RuntimeError: t: the command failed with exit status 1".to_owned()),
        ),
        (
            "os.kill(os.getpid(), 9)",
            Err("RuntimeError: t: the command was ended by a signal".to_owned()),
        ),
        (
            "print('{\"a\": ')",
            Err("RuntimeError: t: the answer is not valid JSON: EOF while parsing a value at line 2 column 0".to_owned()),
        ),
        (
            "print('[{\"$part\": 0}]')",
            Err("RuntimeError: t: the answer contains an object with the reserved key `$part`".to_owned()),
        ),
        (
            "print('{\"a\": {\"$table\": {}}}')",
            Err("RuntimeError: t: the answer contains an object with the reserved key `$table`".to_owned()),
        ),
        (
            &format!("print('{{\"error\": \"{long}\"}}')"),
            Err(format!("RuntimeError: t: {}…", "m".repeat(1_997))),
        ),
    ] {
        let tools = folder.open(&tool(folder, script, "")).await.unwrap();
        let found = call(&tools, "t", json!({})).await;
        let found = found
            .map(|answer| answer.json)
            .map_err(|error| error.to_string());
        assert_eq!(found, expected, "{script}");
    }
}

#[tokio::test]
async fn what_a_command_writes_beside_goes_to_the_log_only() {
    let folder = Folder::new();
    let script = "print('internal path', file=sys.stderr); sys.exit(1)";
    let tools = folder.open(&tool(&folder, script, "")).await.unwrap();
    let failure = call(&tools, "t", json!({})).await.unwrap_err();
    assert!(!failure.message.contains("internal"));
    assert_eq!(failure.detail.as_deref(), Some("internal path\n"));
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_declared_and_no_longer() {
    let folder = Folder::new();
    let script = "n = json.load(sys.stdin)['n']\n\
        sys.stdout.write('\"' + 'x' * (n - 2) + '\"')";
    let tools = folder
        .open(&tool(&folder, script, "output_max_bytes=1000"))
        .await
        .unwrap();
    let text = value(&tools, "t", json!({"n": 1000})).await;
    assert_eq!(text.as_str().unwrap().len(), 998);
    assert_eq!(
        error(&tools, "t", json!({"n": 1001})).await,
        "RuntimeError: t: the answer is longer than 1000 bytes"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let folder = Folder::new();
    let script = "open('pid', 'w').write(str(os.getpid()))\n\
        chunk = 'x' * (1 << 20)\nwhile True: sys.stdout.write(chunk)";
    let tools = folder
        .open(&tool(
            &folder,
            script,
            "output_max_bytes=1000000\ntimeout_ms=120000",
        ))
        .await
        .unwrap();
    assert_eq!(
        error(&tools, "t", json!({})).await,
        "RuntimeError: t: the answer is longer than 1000000 bytes"
    );
    let pid = std::fs::read_to_string(folder.path("pid")).unwrap();
    until("the process is gone", || !exists(&pid)).await;
}

/// Starts a child of its own, says so, and hangs.
const FAMILY: &str = "import subprocess\n\
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n\
    open('tmp', 'w').write(f'{os.getpid()} {child.pid}')\nos.rename('tmp', 'pids')\n\
    sys.stdin.read()\n";

async fn family(folder: &Folder) -> Vec<String> {
    until("the processes run", || folder.path("pids").exists()).await;
    let pids = std::fs::read_to_string(folder.path("pids")).unwrap();
    let pids: Vec<_> = pids.split(' ').map(str::to_owned).collect();
    assert_eq!(pids.len(), 2);
    pids
}

async fn all_gone(pids: &[String]) {
    until("all processes are gone", || {
        pids.iter().all(|pid| !is_running(pid))
    })
    .await;
    until("no zombie is left", || !exists(&pids[0])).await;
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_it_started() {
    let folder = Folder::new();
    let tools = folder
        .open(&tool(
            &folder,
            &format!("{FAMILY}time.sleep(600)"),
            "timeout_ms=5000",
        ))
        .await
        .unwrap();
    let calling = tokio::spawn(named(&tools, "t").call(context(), arguments(json!({}))));
    let failure = calling.await.unwrap().unwrap_err();
    assert_eq!(
        failure.to_string(),
        "TimeoutError: t: no answer within 5000 ms"
    );
    all_gone(&family(&folder).await).await;
}

/// A host that names no supervisor finds what has left the program's group and session
/// by its mark, as long as that is handed on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_supervisor_what_left_the_group_is_found_by_its_mark() {
    const LEAVES: &str = "import subprocess\n\
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n\
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
        open('tmp', 'w').write(f'{os.getpid()} {child.pid}')\nos.rename('tmp', 'pids')\n\
        sys.stdin.read()\n";
    for (then, timeout_ms, is_answered) in [
        ("print(1)", 600_000, true),
        ("time.sleep(600)", 5_000, false),
    ] {
        let folder = Folder::new();
        // The control: a process of somebody else's lives on.
        let mut other = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let script = format!("{LEAVES}{then}");
        let timeout = format!("timeout_ms={timeout_ms}");
        let tools = folder
            .open(&tool(&folder, &script, &timeout))
            .await
            .unwrap();
        let calling = tokio::spawn(named(&tools, "t").call(context(), arguments(json!({}))));
        assert_eq!(calling.await.unwrap().is_ok(), is_answered, "{then}");
        let pids = family(&folder).await;
        all_gone(&pids).await;
        assert!(is_running(&other.id().to_string()));
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_its_processes() {
    for by_token in [true, false] {
        let folder = Folder::new();
        let tools = folder
            .open(&tool(
                &folder,
                &format!("{FAMILY}time.sleep(600)"),
                "timeout_ms=600000",
            ))
            .await
            .unwrap();
        let context = context();
        let cancelled = context.cancelled.clone();
        let calling = tokio::spawn(named(&tools, "t").call(context, arguments(json!({}))));
        let pids = family(&folder).await;
        assert!(pids.iter().all(|pid| is_running(pid)));
        if by_token {
            cancelled.cancel();
            let failure = calling.await.unwrap().unwrap_err();
            assert_eq!(
                failure.to_string(),
                "InterruptedError: t: the call was given up"
            );
        } else {
            calling.abort();
        }
        all_gone(&pids).await;
    }
}

#[tokio::test]
async fn what_a_command_leaves_behind_does_not_hold_the_answer_up() {
    let folder = Folder::new();
    let tools = folder
        .open(&tool(
            &folder,
            &format!("{FAMILY}print('1')"),
            "timeout_ms=600000",
        ))
        .await
        .unwrap();
    let answer = tokio::time::timeout(LONG, value(&tools, "t", json!({})))
        .await
        .unwrap();
    assert_eq!(answer, json!(1));
    all_gone(&family(&folder).await).await;
}

#[tokio::test]
async fn a_large_input_that_nobody_reads_is_no_failure() {
    let folder = Folder::new();
    let tools = folder.open(&tool(&folder, "print('2')", "")).await.unwrap();
    let text = "x".repeat(4 << 20);
    assert_eq!(value(&tools, "t", json!({"text": text})).await, json!(2));
}

#[tokio::test]
async fn the_callers_deadline_ends_a_call_before_the_tools_own() {
    let folder = Folder::new();
    let tools = folder
        .open(&tool(&folder, "time.sleep(600)", "timeout_ms=600000"))
        .await
        .unwrap();
    let mut context = context();
    context.deadline = std::time::Instant::now() + Duration::from_millis(200);
    let failure = named(&tools, "t")
        .call(context, arguments(json!({})))
        .await
        .unwrap_err();
    assert_eq!(failure.class, "TimeoutError");
}

#[tokio::test]
async fn secrets_reach_the_command_and_nobody_else() {
    let folder = Folder::new();
    let script = "import base64, urllib.parse\nmode = json.load(sys.stdin)['mode']\ns = os.environ['KEY']\n\
        if mode == 'fail': print('bad key ' + s, file=sys.stderr); sys.exit(3)\n\
        if mode == 'log': print('bad key ' + s, file=sys.stderr); sys.exit(1)\n\
        if mode == 'long': print('y' * 1990 + s, file=sys.stderr); sys.exit(3)\n\
        json.dump({'length': len(s), s: [s, 'x' + s + 'y', urllib.parse.quote(s, safe=''), urllib.parse.quote_plus(s), base64.b64encode(s.encode()).decode(), json.dumps(s)]}, sys.stdout)";
    let tools = folder
        .open(&tool(&folder, script, "env_secrets={KEY='TOKEN'}"))
        .await
        .unwrap();
    let label = "[secret TOKEN]";
    assert_eq!(
        value(&tools, "t", json!({"mode": "echo"})).await,
        json!({
            "length": SECRET.len(),
            label: [label, format!("x{label}y"), label, label, label, format!("\"{label}\"")],
        })
    );
    assert_eq!(
        error(&tools, "t", json!({"mode": "fail"})).await,
        format!("RuntimeError: t: bad key {label}")
    );
    let logged = call(&tools, "t", json!({"mode": "log"})).await.unwrap_err();
    assert_eq!(
        logged.detail.as_deref(),
        Some(&*format!("bad key {label}\n"))
    );
    let clipped = error(&tools, "t", json!({"mode": "long"})).await;
    assert!(!clipped.contains("s3c"), "{clipped}");
}

/// The encodings that `fetch` knows are those of tools, and the reverse.
#[tokio::test]
async fn a_secret_is_found_in_every_encoding() {
    const ECHO: &str = r#"import base64, html, os, urllib.parse
s = os.environ['KEY']
b = s.encode()
mixed = ''.join('%%%02x' % c if i % 3 == 0 else '%%%02X' % c if i % 3 == 1 else chr(c) for i, c in enumerate(b))
out = [s.upper(), mixed, mixed.lower(), ''.join('%%%02X' % c for c in b), ''.join('%%25%02x' % c for c in b),
    ''.join('\\u%04x' % c for c in b), ''.join('\\u%04X' % c for c in b), ''.join('&#%d;' % c for c in b),
    ''.join('&#x%x;' % c for c in b), html.escape(s), b.hex(), b.hex().upper(), b.hex(':'), s[::-1],
    json.dumps(json.dumps(s))[1:-1], repr(b'\n' + b)]
for prefix in ('', 'a', 'ab', 'abc', 'user:', 'Bearer '):
    for suffix in ('', 'z', 'zz'):
        text = (prefix + s + suffix).encode()
        for encoded in (base64.b64encode(text), base64.urlsafe_b64encode(text)):
            out += [encoded.decode(), encoded.decode().rstrip('='), urllib.parse.quote(encoded.decode(), safe='')]
json.dump(out, sys.stdout)"#;
    let folder = Folder::new();
    let tools = folder
        .open(&tool(&folder, ECHO, "env_secrets={KEY='TOKEN'}"))
        .await
        .unwrap();
    let answer = value(&tools, "t", json!({})).await;
    let echoes = answer.as_array().unwrap();
    assert_eq!(echoes.len(), 16 + 6 * 3 * 6);
    for echo in echoes {
        let echo = echo.as_str().unwrap();
        assert!(echo.contains("[secret TOKEN]"), "{echo}");
    }
    // The control: without the secret, the same text stays.
    let plain = folder
        .open(&tool(&folder, ECHO, "env_set={KEY='s3cr3t/+ value'}"))
        .await
        .unwrap();
    let answer = value(&plain, "t", json!({})).await.to_string();
    assert!(
        answer.contains("S3CR3T/+ VALUE") && !answer.contains("[secret"),
        "{answer}"
    );
}

#[tokio::test]
async fn tables_are_refused_before_anything_starts() {
    let folder = Folder::new();
    let tools = folder
        .open(&tool(&folder, "open('started', 'w')", ""))
        .await
        .unwrap();
    assert_eq!(
        error(&tools, "t", json!({"df": {"$table": {}}})).await,
        "TypeError: t: df: this tool takes no tables; pass df.to_dict(\"records\")"
    );
    assert!(!folder.path("started").exists());
    let _ = value(&tools, "t", json!({})).await;
    assert!(folder.path("started").exists());
}

#[test]
fn calls_run_on_the_runtime_that_opened_the_tools() {
    let folder = Folder::new();
    let text = tool(&folder, "print('3')", "");
    let opened_on = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let tools = opened_on.block_on(folder.open(&text)).unwrap();
    // A session's own runtime needs neither I/O nor time.
    let session = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(session.block_on(value(&tools, "t", json!({}))), json!(3));
}

#[tokio::test]
async fn programs_are_found_beside_the_tool_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let script = folder.write("run.sh", "#!/bin/sh\necho 4\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tools = folder
        .open("[[command]]\nname='t'\nargv=['./run.sh']")
        .await
        .unwrap();
    assert_eq!(value(&tools, "t", json!({})).await, json!(4));
    let spec = named(&tools, "t").spec().clone();
    assert_eq!(spec.timeout, Some(Duration::from_secs(30)));
}
