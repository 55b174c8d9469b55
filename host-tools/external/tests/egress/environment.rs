//! What stands in the environment has no say in where requests go.

use crate::servers::Server;
use crate::world::{Names, get, grant, send};
use memex_external::egress::{Egress, EgressRules, TcpDialer};
use std::process::{Command, Stdio};

const TARGET: &str = "MEMEX_TEST_TARGET_PORT";
const VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Runs in a process of its own, started by the test below.
#[tokio::test]
#[ignore = "runs in a process with a proxy in its environment"]
async fn request_with_a_proxy_in_the_environment() {
    let port = std::env::var(TARGET).unwrap().parse().unwrap();
    let egress = Egress::builder(EgressRules::new([grant("api.example.test", port)]))
        .resolver(Names::local())
        .dialer(TcpDialer)
        .build()
        .unwrap();
    let url = format!("http://api.example.test:{port}/");
    assert_eq!(send(&egress, get(url)).await.unwrap().body, b"direct");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_of_the_environment_are_ignored() {
    let server = Server::with_body("direct").await;
    let proxy = Server::with_body("by proxy").await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "environment::request_with_a_proxy_in_the_environment",
            "--ignored",
        ])
        .env(TARGET, server.port.to_string())
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in VARIABLES {
        command.env(name, format!("http://{}", proxy.address()));
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

/// The resolver and the dialer of the system work too.
#[tokio::test]
async fn the_system_resolves_and_connects() {
    let server = Server::with_body("direct").await;
    let egress = |private| {
        let mut rule = grant("localhost", server.port);
        rule.private_addresses = private;
        Egress::builder(EgressRules::new([rule])).build().unwrap()
    };
    let url = format!("http://localhost:{}/", server.port);
    assert_eq!(
        send(&egress(true), get(&url)).await.unwrap().body,
        b"direct"
    );
    let error = send(&egress(false), get(&url)).await.unwrap_err();
    assert_eq!(error.class(), "PermissionError");
    assert_eq!(server.connections(), 1);
}
