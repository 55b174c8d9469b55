//! Live imports, from servers on the loopback that speak as GitHub and Google do.

use crate::memex::{Ran, command};
use crate::standin::{Reply, Request, StandIn};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TOKEN: &str = "ghp_0123456789abcdefghijklmnop";

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.memory()).unwrap();
        place
    }

    fn memory(&self) -> PathBuf {
        self.0.path().join("memory")
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.memory().join(name)).unwrap()
    }

    fn import(&self, arguments: &[&str], token: Option<(&str, &str)>) -> Ran {
        let mut import = command(&[&["mem", "import"], arguments].concat());
        import.arg("--memory").arg(self.memory());
        import.env_remove("GITHUB_TOKEN").env_remove("GOOGLE_TOKEN");
        import.envs(token);
        import.output().unwrap().into()
    }

    /// Nothing that was told or written has the token, or what a header makes
    /// of it.
    fn has_no_token(&self, ran: &Ran) {
        let mut texts = vec![ran.stdout.clone(), ran.stderr.clone()];
        read_all(&self.memory(), &mut texts);
        assert!(texts.len() > 2, "the memory is empty");
        for text in texts {
            assert!(!text.contains(TOKEN), "{text}");
        }
    }
}

fn read_all(directory: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => read_all(&path, texts),
            false => {
                let bytes = std::fs::read(&path).unwrap();
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
}

fn found(body: &Value) -> Reply {
    (200, Vec::new(), body.to_string().into_bytes())
}

fn missing() -> Reply {
    let body = json!({"message": "Not Found", "status": "404"});
    (404, Vec::new(), body.to_string().into_bytes())
}

fn blob(text: &str) -> Reply {
    // As GitHub has it: base64 in lines.
    let letters = STANDARD.encode(text);
    let lines: Vec<String> = letters
        .as_bytes()
        .chunks(60)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    found(&json!({"encoding": "base64", "content": lines.join("\n") + "\n", "size": text.len()}))
}

fn entry(path: &str, kind: &str, sha: u8, size: usize) -> Value {
    let mode = if kind == "tree" { "040000" } else { "100644" };
    json!({"path": path, "mode": mode, "type": kind, "sha": format!("{sha:040x}"), "size": size})
}

/// A repository whose server repeats the token wherever it can.
fn github(request: &Request) -> Reply {
    let echoed = request.header("authorization").to_owned();
    if echoed != format!("Bearer {TOKEN}") {
        let body = json!({"message": format!("Bad credentials: {echoed}")});
        return (401, Vec::new(), body.to_string().into_bytes());
    }
    let sha = |sha: u8| format!("/repos/ada/tool/git/blobs/{sha:040x}");
    match request.target.as_str() {
        "/repos/ada/tool" => found(&json!({
            "full_name": "ada/tool", "description": format!("Sorts screws. {echoed}"),
            "default_branch": "release/2", "created_at": "2024-01-02T03:04:05Z",
            "pushed_at": "2025-06-07T08:09:10Z", "homepage": null, "topics": ["screws"],
        })),
        "/repos/ada/tool/git/trees/release%2F2?recursive=1" => found(&json!({
            "sha": "aa", "truncated": false, "tree": [
                entry("LICENSE", "blob", 1, 12),
                entry("README.md", "blob", 2, 30),
                entry("docs", "tree", 9, 0),
                entry("docs/guide.md", "blob", 3, 20),
                entry("src/main.rs", "blob", 4, 4_000),
                {"path": "link.md", "mode": "120000", "type": "blob", "sha": "05", "size": 9},
                {"path": "other", "mode": "160000", "type": "commit", "sha": "06"},
            ],
        })),
        target if target == sha(1) => blob("MIT License\n"),
        target if target == sha(2) => blob(&format!("# Tool\n\nSorts screws by size. {echoed}\n")),
        target if target == sha(3) => blob("Turn it on.\n"),
        _ => missing(),
    }
}

#[test]
fn a_repository_is_imported_live_and_the_token_stays_where_it_belongs() {
    let place = Place::new();
    let server = StandIn::new(github);
    let url = server.url();
    let arguments = ["github", "--live", "ada/tool", "--api", &url, "--json"];
    let ran = place.import(&arguments, Some(("GITHUB_TOKEN", TOKEN)));
    // Not everything was taken in.
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    let report = &ran.objects()[0];
    // The README repeats the token in its base64, of which nothing is left to read
    // once that is taken out.
    let skipped = report["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{report}");
    assert_eq!(skipped[0]["place"], "README.md", "{report}");
    assert!(
        skipped[0]["why"].as_str().unwrap().contains("base64"),
        "{report}"
    );
    let about = place.text("entities/github/ada_tool.md");
    for line in [
        "- description: Sorts screws. [secret]",
        "- default_branch: release/2",
        "- created_on: 2024-01-02",
        "- updated_on: 2025-06-07",
        "- topics: screws",
        "- license: MIT License",
        "- files: 5",
        "- languages: Rust 100 %",
    ] {
        assert!(about.lines().any(|one| one == line), "{line} in {about}");
    }
    assert!(
        place
            .text("entities/github/ada_tool/docs_guide.md")
            .contains("> Turn it on.")
    );
    place.has_no_token(&ran);
    // The server was sent it with every request, by the host alone.
    let requests = server.requests();
    assert_eq!(requests.len(), 6, "{requests:?}");
    assert!(
        requests
            .iter()
            .all(|one| one.header("authorization").ends_with(TOKEN))
    );
    // The same again changes nothing.
    let again = place.import(&arguments, Some(("GITHUB_TOKEN", TOKEN)));
    assert_eq!(again.objects()[0]["created"], json!([]), "{}", again.stdout);

    let other = "ghp_another_token_that_is_not_right";
    let refused = place.import(&arguments, Some(("GITHUB_TOKEN", other)));
    assert_eq!(refused.status, 2, "{}", refused.stdout);
    for words in ["check the token", "status 401", "Bad credentials: [secret]"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(!refused.stderr.contains(other), "{}", refused.stderr);
    let nobody = ["github", "--live", "ada/nobody", "--api", &url];
    let nobody = place.import(&nobody, Some(("GITHUB_TOKEN", TOKEN)));
    assert_eq!(nobody.status, 2, "{}", nobody.stdout);
    assert!(nobody.stderr.contains("is not there"), "{}", nobody.stderr);
}

/// A repository with more files than one answer names.
fn large(request: &Request) -> Reply {
    let tree = |truncated: bool, entries: Vec<Value>| {
        found(&json!({"sha": "aa", "truncated": truncated, "tree": entries}))
    };
    let prefix = "/repos/ada/large";
    let target = request.target.strip_prefix(prefix).unwrap_or_default();
    let folder = format!("/git/trees/{:040x}", 7);
    let below = format!("/git/trees/{:040x}", 8);
    match target {
        "" => found(&json!({"default_branch": "main"})),
        "/git/trees/main?recursive=1" => tree(true, vec![entry("README.md", "blob", 1, 5)]),
        "/git/trees/main" => tree(
            false,
            vec![
                entry("README.md", "blob", 1, 5),
                entry("docs", "tree", 7, 0),
                entry("vendor", "tree", 9, 0),
            ],
        ),
        target if target == folder => tree(
            false,
            vec![entry("a.md", "blob", 2, 5), entry("deep", "tree", 8, 0)],
        ),
        target if target == below => tree(false, vec![entry("b.md", "blob", 3, 5)]),
        target if target.starts_with("/git/blobs/") => blob("Text\n"),
        _ => missing(),
    }
}

#[test]
fn a_tree_that_is_cut_is_walked_folder_by_folder() {
    let place = Place::new();
    let server = StandIn::new(large);
    let ran = place.import(
        &[
            "github",
            "--live",
            "https://github.com/ada/large.git",
            "--api",
            &server.url(),
        ],
        None,
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    for file in ["readme", "docs_a", "docs_deep_b"] {
        let text = place.text(&format!("entities/github/ada_large/{file}.md"));
        assert!(text.contains("> Text"), "{text}");
    }
    let asked: Vec<String> = server
        .requests()
        .iter()
        .map(|one| one.target.clone())
        .collect();
    // What others wrote is not looked at, and nobody is told a token.
    assert!(
        !asked.iter().any(|target| target.ends_with("09")),
        "{asked:?}"
    );
    let headers = server.requests();
    assert!(
        headers
            .iter()
            .all(|one| one.header("authorization").is_empty())
    );
}

/// A Drive with three documents on two pages, one of which cannot be exported.
fn google(request: &Request) -> Reply {
    if request.header("authorization") != format!("Bearer {TOKEN}") {
        let body = json!({"error": {"code": 401, "message": "Invalid Credentials"}});
        return (401, Vec::new(), body.to_string().into_bytes());
    }
    let target = request
        .target
        .strip_prefix("/drive/v3/files")
        .unwrap_or_default();
    let document = |id: &str, name: &str| json!({"id": id, "name": name, "modifiedTime": "2024-05-06T07:08:09.000Z"});
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (path, query.contains("pageToken=p%2F2")) {
        ("", false) => found(&json!({
            "nextPageToken": "p/2", "files": [document("d1", "Plan"), document("d2", "Secret plan")],
        })),
        ("", true) => found(&json!({"files": [document("d_3-x", "Minutes")]})),
        ("/d1/export", _) => (
            200,
            vec![("content-type", "text/markdown".to_owned())],
            format!(
                "# Plan\n\nBuy screws. {}\n",
                request.header("authorization")
            )
            .into_bytes(),
        ),
        ("/d2/export", _) => {
            let body = json!({"error": {"code": 403, "message": "This file is too large to be exported."}});
            (403, Vec::new(), body.to_string().into_bytes())
        }
        ("/d_3-x/export", _) => (200, Vec::new(), b"We met.\n".to_vec()),
        ("/d_3-x", _) => found(&document("d_3-x", "Minutes")),
        _ => missing(),
    }
}

#[test]
fn documents_are_imported_live() {
    let place = Place::new();
    let server = StandIn::new(google);
    let url = server.url();
    let import = |documents: &[&str], token: Option<&str>| {
        let arguments = [&["gdocs", "--live", "--json", "--api", &url], documents].concat();
        place.import(&arguments, token.map(|token| ("GOOGLE_TOKEN", token)))
    };
    let all = import(&[], Some(TOKEN));
    assert_eq!(all.status, 1, "{}", all.stderr);
    let skipped = &all.objects()[0]["skipped"];
    assert_eq!(skipped[0]["place"], "Secret plan", "{skipped}");
    let why = skipped[0]["why"].as_str().unwrap();
    assert!(why.contains("too large to be exported"), "{why}");
    let plan = place.text("entities/google_docs/plan.md");
    assert!(plan.contains("Buy screws. [secret]"), "{plan}");
    assert!(plan.contains("- updated_on: 2024-05-06"), "{plan}");
    assert!(
        place
            .text("entities/google_docs/minutes.md")
            .contains("We met.")
    );
    place.has_no_token(&all);

    let address = "https://docs.google.com/document/d/d_3-x/edit?tab=t.0";
    let one = import(&[address, "gone"], Some(TOKEN));
    assert_eq!(one.status, 1, "{}", one.stderr);
    let report = &one.objects()[0];
    assert_eq!(
        (&report["created"], &report["unchanged"]),
        (&json!([]), &json!(2))
    );
    assert_eq!(report["skipped"][0]["place"], "gone", "{report}");
    let none = import(&["gone"], Some(TOKEN));
    assert_eq!(none.status, 2, "{}", none.stdout);
    let wrong = import(&[], Some("ya29.some-other-token-of-google"));
    assert_eq!(wrong.status, 2);
    assert!(
        wrong.stderr.contains("Invalid Credentials"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("ya29"), "{}", wrong.stderr);
    let missing = import(&[], None);
    assert_eq!(missing.status, 2);
    assert!(
        missing.stderr.contains("GOOGLE_TOKEN"),
        "{}",
        missing.stderr
    );
}

#[test]
fn a_token_goes_nowhere_in_the_clear_and_to_no_other_host() {
    let place = Place::new();
    let away = [
        "github",
        "--live",
        "ada/tool",
        "--api",
        "http://192.0.2.1:9",
    ];
    let ran = place.import(&away, Some(("GITHUB_TOKEN", TOKEN)));
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("in the clear"), "{}", ran.stderr);
    for api in [
        "ftp://x",
        "https://",
        "https://user@host",
        "https://host:0",
        "nonsense",
    ] {
        let ran = place.import(&["github", "--live", "a/b", "--api", api], None);
        assert_eq!(ran.status, 2, "{api}");
        assert!(
            ran.stderr.contains("is no address of an API"),
            "{}",
            ran.stderr
        );
    }
    // A server that sends the archive on to another host is not followed there,
    // and that host is not asked with the token.
    let other = StandIn::new(|_| (200, Vec::new(), b"PK".to_vec()));
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    let server = StandIn::new(move |_| (302, vec![("location", elsewhere.clone())], Vec::new()));
    let url = server.url();
    let ran = place.import(
        &["github", "--live", "ada/tool", "--api", &url],
        Some(("GITHUB_TOKEN", TOKEN)),
    );
    assert_eq!(ran.status, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("localhost"), "{}", ran.stderr);
    assert_eq!(server.requests().len(), 1);
    assert!(other.requests().is_empty());
    let unused = place.import(&["github", ".", "--api", &url], None);
    assert_eq!(unused.status, 2, "--api without --live");
}
