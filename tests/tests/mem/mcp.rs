//! The server over standard streams and HTTP, with a real client and the real
//! command.

mod http;

use crate::desk::RUNTIME;
use crate::memex::command;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest,
    ProgressNotificationParam, ServerResult,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RunningService};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const SCRIPT: &str = r#"
[[reply]]
text = "<think>t</think><python>text = read_file('user.md')</python>"
expect.contains = "Who am I?"
[[reply]]
text = "<think>t</think><reply>You are Ada.</reply>"
expect.contains = "- name: Ada"
"#;

/// Hears of progress.
#[derive(Clone, Default)]
struct Client {
    steps: Arc<Mutex<Vec<(f64, String)>>>,
}

impl ClientHandler for Client {
    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let step = (told.progress, told.message.unwrap_or_default());
        self.steps.lock().unwrap().push(step);
    }
}

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("memory")).unwrap();
        std::fs::write(directory.path().join("memory/user.md"), "- name: Ada\n").unwrap();
        std::fs::write(directory.path().join("script.toml"), SCRIPT).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The arguments of a server.
    fn serve(&self, more: &[&str]) -> std::process::Command {
        self.serve_any(&[&["--compat"], more].concat())
    }

    /// The same for models that were not trained for it.
    fn serve_any(&self, more: &[&str]) -> std::process::Command {
        let mut serve = command(&["mem", "serve"]);
        serve.arg("--memory").arg(self.path("memory"));
        serve
            .arg("--model")
            .arg(format!("script:{}", self.path("script.toml").display()));
        serve.args(more);
        serve
    }
}

type Connected = RunningService<RoleClient, Client>;

async fn over_streams(serve: std::process::Command) -> (Connected, tokio::process::Child) {
    let mut serve = tokio::process::Command::from(serve);
    serve
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = serve.spawn().unwrap();
    let (stdout, stdin) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let transport = AsyncRwTransport::new(stdout, stdin);
    (Client::default().serve(transport).await.unwrap(), child)
}

fn text(result: &CallToolResult) -> String {
    let block = serde_json::to_value(&result.content[0]).unwrap();
    block["text"].as_str().unwrap().to_owned()
}

/// Calls with a progress token, as clients do that want to hear of it.
async fn call(client: &Connected, tool: &str, arguments: Value) -> CallToolResult {
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

#[test]
fn an_agent_answers_over_standard_streams() {
    let place = Place::new();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&[])).await;
        let info = serde_json::to_value(client.peer_info().unwrap()).unwrap();
        assert_eq!(info["serverInfo"]["name"], "memory-agent-server");
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
        assert_eq!(names, ["use_memory_agent"]);
        assert_eq!(tools[0].input_schema["required"], json!(["question"]));
        // Each call is a fresh agent, which plays the script from its beginning.
        for _ in 0..2 {
            let result = call(
                &client,
                "use_memory_agent",
                json!({"question": "Who am I?"}),
            )
            .await;
            assert_eq!(text(&result), "You are Ada.");
        }
        let steps = client.service().steps.lock().unwrap().clone();
        let told: Vec<&str> = steps.iter().map(|(_, step)| step.as_str()).collect();
        assert!(told.contains(&"reading the question"), "{told:?}");
        assert!(told.contains(&"working on the memory"), "{told:?}");
        client.cancel().await.unwrap();
    });
}

#[test]
fn a_client_hears_of_an_agent_whose_model_is_slow() {
    const SLOW: &str = r#"
[[reply]]
text = "<reply>Here.</reply>"
latency_ms = 5500
"#;
    let place = Place::new();
    std::fs::write(place.path("script.toml"), SLOW).unwrap();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&[])).await;
        let result = call(&client, "use_memory_agent", json!({"question": "wait"})).await;
        assert_eq!(text(&result), "Here.");
        // One when the model is asked, and one every two seconds.
        let steps = client.service().steps.lock().unwrap().clone();
        assert!((3..=6).contains(&steps.len()), "{steps:?}");
        client.cancel().await.unwrap();
    });
}

#[test]
fn an_agent_that_does_not_answer_is_an_error() {
    let place = Place::new();
    std::fs::write(
        place.path("script.toml"),
        "[[reply]]\ntimes = 0\ntext = \"\"\n",
    )
    .unwrap();
    RUNTIME.block_on(async {
        for (serve, calls) in [(place.serve_any(&[]), 3), (place.serve(&[]), 21)] {
            let (client, _child) = over_streams(serve).await;
            let result = call(&client, "use_memory_agent", json!({"question": "Who?"})).await;
            assert_eq!(result.is_error, Some(true));
            let told = format!(
                "agent_error: NoAnswer: the model replied {calls} times and did not answer"
            );
            assert_eq!(text(&result), told);
            client.cancel().await.unwrap();
        }
    });
}

#[test]
fn failures_of_the_agent_are_texts() {
    let place = Place::new();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&[])).await;
        // The script expects another question.
        let result = call(&client, "use_memory_agent", json!({"question": "What?"})).await;
        assert!(
            text(&result).starts_with("agent_error: ModelError: "),
            "{result:?}"
        );
        assert_eq!(result.is_error, Some(true));
        std::fs::remove_dir_all(place.path("memory")).unwrap();
        let result = call(
            &client,
            "use_memory_agent",
            json!({"question": "Who am I?"}),
        )
        .await;
        let told = "agent_error: FileNotFoundError: the memory's directory is gone";
        assert!(text(&result).starts_with(told), "{result:?}");
        let wrong = CallToolRequestParams::new("use_memory_agent");
        assert!(
            client
                .call_tool(wrong)
                .await
                .unwrap_err()
                .to_string()
                .contains("question")
        );
        let unknown = CallToolRequestParams::new("read_file");
        assert!(
            client
                .call_tool(unknown)
                .await
                .unwrap_err()
                .to_string()
                .contains("no tool")
        );
        client.cancel().await.unwrap();
    });
}

#[test]
fn the_ten_tools_are_served_on_request() {
    let place = Place::new();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&["--tools"])).await;
        assert_eq!(client.list_all_tools().await.unwrap().len(), 11);
        let read = call(&client, "read_file", json!({"file_path": "user.md"})).await;
        assert_eq!(text(&read), "- name: Ada\n");
        let made = call(
            &client,
            "create_file",
            json!({"file_path": "a.md", "content": "x"}),
        )
        .await;
        assert_eq!(text(&made), "true");
        let out = call(&client, "create_file", json!({"file_path": "../a.md"})).await;
        assert_eq!(out.is_error, Some(true), "{out:?}");
        let wrong = call(&client, "read_file", json!({"path": "user.md"})).await;
        assert!(text(&wrong).contains("path: is no parameter"), "{wrong:?}");
        client.cancel().await.unwrap();
    });
    assert_eq!(std::fs::read(place.path("memory/a.md")).unwrap(), b"x");
    assert!(!place.path("a.md").exists());
}

#[test]
fn a_client_reaches_the_memory_and_nothing_else() {
    let place = Place::new();
    std::fs::write(place.path("secret.md"), "secret").unwrap();
    let link = place.path("memory/link.md");
    std::os::unix::fs::symlink("../secret.md", link).unwrap();
    let absolute = place.path("secret.md").display().to_string();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&["--tools"])).await;
        for path in [
            "../secret.md",
            "link.md",
            &absolute,
            "/dev/zero",
            ".memex/lock",
        ] {
            let read = call(&client, "read_file", json!({"file_path": path})).await;
            assert!(text(&read).starts_with("Error: "), "{path}: {read:?}");
            let change = json!({"file_path": path, "old_content": "secret", "new_content": "x"});
            let changed = call(&client, "update_file", change).await;
            assert!(text(&changed).starts_with("Error: "), "{path}: {changed:?}");
            let size = call(&client, "get_size", json!({"file_or_dir_path": path})).await;
            assert_eq!(size.is_error, Some(true), "{path}: {size:?}");
        }
        let read = call(&client, "read_file", json!({"file_path": "user.md"})).await;
        assert_eq!(text(&read), "- name: Ada\n");
        client.cancel().await.unwrap();
    });
    assert_eq!(std::fs::read(place.path("secret.md")).unwrap(), b"secret");
}
