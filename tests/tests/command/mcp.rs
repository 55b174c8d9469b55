//! `memex mcp` with a real client: sessions, files, cancellation, restarts, other servers'
//! tools.

use crate::memex::{command, memex};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest,
    ProgressNotificationParam, ServerResult,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RunningService};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Hears of progress.
#[derive(Clone, Default)]
pub(crate) struct Client(Arc<Mutex<Vec<String>>>);

impl ClientHandler for Client {
    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.0
            .lock()
            .unwrap()
            .push(told.message.unwrap_or_default());
    }
}

pub(crate) type Connected = RunningService<RoleClient, Client>;

pub(crate) async fn connected(server: Command) -> (Connected, tokio::process::Child) {
    let mut server = tokio::process::Command::from(server);
    server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = server.spawn().unwrap();
    let (stdout, stdin) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let transport = AsyncRwTransport::new(stdout, stdin);
    (Client::default().serve(transport).await.unwrap(), child)
}

pub(crate) async fn call(client: &Connected, tool: &str, arguments: Value) -> CallToolResult {
    let params = CallToolRequestParams::new(tool.to_owned())
        .with_arguments(arguments.as_object().unwrap().clone());
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    let handle = client
        .send_cancellable_request(request, PeerRequestOptions::no_options())
        .await
        .unwrap();
    match handle.await_response().await.unwrap() {
        ServerResult::CallToolResult(result) => result,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(result: &CallToolResult) -> String {
    let texts = result.content.iter().filter_map(|block| block.as_text());
    texts.map(|text| text.text.as_str()).collect()
}

pub(crate) async fn python(client: &Connected, code: &str) -> String {
    text(&call(client, "python", json!({ "code": code })).await)
}

pub(crate) fn is_error(result: &CallToolResult) -> bool {
    result.is_error == Some(true)
}

#[test]
fn a_session_persists_and_shows_what_its_code_shows() {
    RUNTIME.block_on(async {
        let (client, _child) = connected(command(&["mcp"])).await;
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
        let all = [
            "python",
            "fork",
            "reset",
            "list_files",
            "read_file",
            "write_file",
        ];
        assert_eq!(names, all);
        let told = tools[0].description.as_deref().unwrap();
        assert!(told.contains("persist") && told.len() < 900, "{told}");
        assert_eq!(python(&client, "x = 20").await, "[no output]");
        assert_eq!(python(&client, "print('a'); x + 22").await, "a\n42");
        let failed = call(&client, "python", json!({"code": "1 / 0"})).await;
        assert!(is_error(&failed));
        assert!(
            text(&failed).contains("ZeroDivisionError"),
            "{}",
            text(&failed)
        );
        assert_eq!(python(&client, "x").await, "20");
        let figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()";
        let shown = call(&client, "python", json!({ "code": figure })).await;
        let blocks = serde_json::to_value(&shown.content).unwrap();
        let pictures = blocks.as_array().unwrap().iter();
        let pictures: Vec<_> = pictures.filter(|block| block["type"] == "image").collect();
        assert_eq!(pictures.len(), 1, "{blocks}");
        assert_eq!(pictures[0]["mimeType"], "image/png");
        assert!(
            pictures[0]["data"]
                .as_str()
                .unwrap()
                .starts_with("iVBORw0KGgo")
        );
        let long = python(&client, "print('y' * 1_000_000)").await;
        assert!(long.len() < 70_000 && long.contains("bytes are left out"));
        client.cancel().await.unwrap();
    });
}

#[test]
fn forks_go_their_own_way_and_reset_empties() {
    RUNTIME.block_on(async {
        let (client, _child) = connected(command(&["mcp"])).await;
        python(&client, "x = [1]; open('f', 'w').write('a')").await;
        let copied = call(&client, "fork", json!({"new_session_id": "b"})).await;
        assert!(!is_error(&copied), "{}", text(&copied));
        python(&client, "x.append(2)").await;
        let inside = call(
            &client,
            "python",
            json!({"session_id": "b", "code": "x, open('f').read()"}),
        );
        assert_eq!(text(&inside.await), "([1], 'a')");
        assert_eq!(python(&client, "x").await, "[1, 2]");
        let again = call(&client, "fork", json!({"new_session_id": "b"})).await;
        assert!(
            is_error(&again) && text(&again).contains("hint:"),
            "{}",
            text(&again)
        );
        assert!(!is_error(&call(&client, "reset", json!({})).await));
        assert!(python(&client, "x").await.contains("NameError"));
        assert!(
            python(&client, "open('f')")
                .await
                .contains("FileNotFoundError")
        );
        let other = call(&client, "python", json!({"session_id": "b", "code": "x"}));
        assert_eq!(text(&other.await), "[1]");
    });
}

#[test]
fn files_go_in_and_come_out_within_their_bounds() {
    let host = tempfile::NamedTempFile::new().unwrap();
    let secret = host.path().display().to_string();
    RUNTIME.block_on(async {
        let (client, _child) = connected(command(&["mcp"])).await;
        let written = call(
            &client,
            "write_file",
            json!({"path": "a/b.csv", "content": "n\n1\n2\n"}),
        );
        assert_eq!(text(&written.await), "/home/user/a/b.csv has 6 bytes");
        let sum = "import pandas as pd\nint(pd.read_csv('/home/user/a/b.csv')['n'].sum())";
        assert_eq!(python(&client, sum).await, "3");
        let bytes = json!({"path": "/tmp/x.bin", "content": "/wD+", "base64": true});
        call(&client, "write_file", bytes).await;
        assert_eq!(
            python(&client, "open('/tmp/x.bin', 'rb').read()").await,
            r"b'\xff\x00\xfe'"
        );
        let listed = text(&call(&client, "list_files", json!({})).await);
        assert_eq!(listed, "/home/user/a/");
        python(&client, "open('/tmp/long', 'w').write('z' * 1_000_000)").await;
        let read = text(&call(&client, "read_file", json!({"path": "/tmp/long"})).await);
        assert!(
            read.len() < 300_000 && read.contains("offset=262144"),
            "{}",
            read.len()
        );
        let many = "for n in range(2000): open(f'/home/user/a/{n:0100}', 'w').close()";
        python(&client, many).await;
        let listed = text(&call(&client, "list_files", json!({"path": "/home/user/a"})).await);
        assert!(
            listed.len() < 70_000 && listed.contains("bytes are left out"),
            "{}",
            listed.len()
        );
        let rest = json!({"path": "/tmp/long", "offset": 999_998});
        assert_eq!(text(&call(&client, "read_file", rest).await), "zz");
        for (tool, arguments, want) in [
            ("read_file", json!({ "path": secret }), "is not there"),
            (
                "read_file",
                json!({ "path": format!("../..{secret}") }),
                "is not there",
            ),
            ("read_file", json!({"path": ""}), "the path is empty"),
            ("read_file", json!({"path": "/tmp"}), "is a folder"),
            ("list_files", json!({"path": "/tmp/long"}), "is no folder"),
            (
                "write_file",
                json!({"path": "/usr/x", "content": ""}),
                "may not be changed",
            ),
            (
                "write_file",
                json!({"path": "x", "content": "%", "base64": true}),
                "no base64",
            ),
            (
                "read_file",
                json!({"path": "x", "offset": -1}),
                "do not fit",
            ),
        ] {
            let refused = call(&client, tool, arguments.clone()).await;
            assert!(is_error(&refused), "{tool} {arguments}");
            assert!(
                text(&refused).contains(want),
                "{arguments}: {}",
                text(&refused)
            );
        }
    });
}

#[test]
fn a_cancelled_call_interrupts_its_turn_and_nothing_else() {
    RUNTIME.block_on(async {
        let (client, _child) = connected(command(&[
            "mcp",
            "--limit",
            "guest_time_ms=5min",
            "--limit",
            "wall_time_ms=5min",
        ]))
        .await;
        python(&client, "seen = 0").await;
        let code = "while True: seen += 1";
        let params = CallToolRequestParams::new("python")
            .with_arguments(json!({ "code": code }).as_object().unwrap().clone());
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let running = client
            .send_cancellable_request(request, PeerRequestOptions::no_options())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let begun = Instant::now();
        running.cancel(Some("enough".to_owned())).await.unwrap();
        // Softly: what the code did before is there.
        assert_eq!(python(&client, "seen > 0").await, "True");
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn progress_has_what_the_code_prints() {
    RUNTIME.block_on(async {
        let (client, _child) = connected(command(&["mcp"])).await;
        let code = "import time\nprint('step 1')\ntime.sleep(1)\nprint('step 2')";
        assert_eq!(python(&client, code).await, "step 1\nstep 2");
        let told = client.service().0.lock().unwrap().clone();
        assert!(
            told.iter().any(|message| message.contains("step 1")),
            "{told:?}"
        );
    });
}

#[test]
fn saved_sessions_are_found_after_a_restart() {
    let store = tempfile::tempdir().unwrap();
    let place = store.path().join("store").display().to_string();
    let serve = || command(&["mcp", "--store", &place]);
    RUNTIME.block_on(async {
        let (client, mut child) = connected(serve()).await;
        python(&client, "x = 41").await;
        call(&client, "fork", json!({"new_session_id": "copy"})).await;
        let file = json!({"path": "f", "content": "kept"});
        call(&client, "write_file", file).await;
        call(
            &client,
            "python",
            json!({"session_id": "gone", "code": "y = 1"}),
        )
        .await;
        call(&client, "reset", json!({"session_id": "gone"})).await;
        // Killed, and not asked to end.
        child.kill().await.unwrap();
        let (client, _child) = connected(serve()).await;
        assert_eq!(
            python(&client, "x + 1, open('/home/user/f').read()").await,
            "(42, 'kept')"
        );
        let copy = call(
            &client,
            "python",
            json!({"session_id": "copy", "code": "x"}),
        )
        .await;
        assert_eq!(text(&copy), "41");
        let taken = call(&client, "fork", json!({"new_session_id": "gone"})).await;
        assert!(text(&taken).contains("already"), "{}", text(&taken));
        let gone = call(
            &client,
            "python",
            json!({"session_id": "gone", "code": "y"}),
        )
        .await;
        assert!(text(&gone).contains("NameError"), "{}", text(&gone));
    });
}

#[test]
fn tools_of_other_servers_are_functions_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    let inner = command(&[]);
    let program = inner.get_program().to_str().unwrap();
    let cache = inner
        .get_envs()
        .find(|(name, _)| *name == "MEMEX_CACHE")
        .unwrap()
        .1
        .unwrap();
    let servers = json!({ "mcpServers": {
        "calc": { "command": "/bin/sh", "args": ["-c", "exec \"$0\" mcp", program],
            "env": { "MEMEX_CACHE": cache.to_str().unwrap() } },
        "memex": { "command": program, "args": ["mcp", "--servers", "mcp.json"] },
    } });
    std::fs::write(&file, servers.to_string()).unwrap();
    RUNTIME.block_on(async {
        let serve = command(&["mcp", "--servers", file.to_str().unwrap()]);
        let (client, _child) = connected(serve).await;
        let tools = client.list_all_tools().await.unwrap();
        let told = tools[0].description.as_deref().unwrap();
        assert!(told.contains("def calc_python("), "{told}");
        assert!(!told.contains("memex_python"), "{told}");
        let code = "[calc_python(code=f'{n} * 7') for n in (5, 6)]";
        assert_eq!(python(&client, code).await, "['35', '42']");
        let found = python(&client, "str(tools.search('fork'))").await;
        assert!(found.contains("calc_fork"), "{found}");
    });
    let broken = json!({ "mcpServers": { "a": { "comand": "x" } } });
    std::fs::write(&file, broken.to_string()).unwrap();
    let ran = memex(&["mcp", "--servers", file.to_str().unwrap()]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("did you mean `command`"),
        "{}",
        ran.stderr
    );
}
