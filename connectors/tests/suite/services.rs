//! Services that are asked live, and their documents.

use crate::{importer, memory, put, saved, skipped, zipped};
use memex_connectors::{Fetch, FetchError, FetchRequest, Fetched, GITHUB_API, GOOGLE_API};
use memex_memory::Mode;
use serde_json::{Value, json};
use std::cell::RefCell;

const REPOSITORY: &[(&str, &[u8])] = &[
    ("README.md", b"# Tool\n\nDoes things.\n"),
    ("LICENSE", b"\nMIT License\n\nText\n"),
    ("src/main.rs", b"fn main() {} // a program in Rust"),
    ("run.py", b"pass"),
    ("docs/guide.md", b"Use [[it]].\n"),
    ("docs/latin.md", b"\xe9"),
];

const ABOUT: &str = "# NAME\n- source: github\n- repository: NAME\nFACTS- languages: Rust 89 %, Python 10 %\n- files: 6\n- license: MIT License\n\n## Documents\n- readme: [[entities/github/SLUG/readme.md]]\n- docs_guide: [[entities/github/SLUG/docs_guide.md]]\n\n## Top level\n```\nLICENSE\nREADME.md\ndocs/\nrun.py\nsrc/\n```\n";

fn about(name: &str, slug: &str, facts: &str) -> String {
    ABOUT
        .replace("NAME", name)
        .replace("SLUG", slug)
        .replace("FACTS", facts)
}

#[test]
fn repositories_are_read_from_folders_and_archives() {
    let place = tempfile::tempdir().unwrap();
    for (path, bytes) in REPOSITORY {
        put(place.path(), &format!("tool/{path}"), bytes);
    }
    put(place.path(), "tool/node_modules/x/README.md", b"not ours");
    put(place.path(), "secret.md", b"secret");
    std::os::unix::fs::symlink("../secret.md", place.path().join("tool/link.md")).unwrap();
    std::os::unix::fs::symlink("..", place.path().join("tool/up")).unwrap();
    let (_directory, folder) = memory(Mode::Extended);
    let report = importer(&folder).github(place.path().join("tool")).unwrap();
    assert_eq!(
        skipped(&report),
        ["docs/latin.md: is not UTF-8; save it as UTF-8 and import it again"]
    );
    assert_eq!(
        folder.read_file("entities/github/tool.md"),
        about("tool", "tool", "")
    );
    assert_eq!(
        folder.read_file("entities/github/tool/docs_guide.md"),
        "# tool: docs/guide.md\n- source: github\n- repository: [[entities/github/tool.md]]\n- file: docs/guide.md\n\n> Use [ [it]].\n"
    );
    assert_eq!(folder.check().unwrap(), []);
    put(
        place.path(),
        "tool/.git/config",
        b"[remote \"origin\"]\n\turl = git@github.com:ada/tool.git\n",
    );
    let (_directory, cloned) = memory(Mode::Extended);
    importer(&cloned).github(place.path().join("tool")).unwrap();
    assert_eq!(
        cloned.read_file("entities/github/ada_tool.md"),
        about("ada/tool", "ada_tool", "")
    );
    let named: Vec<(String, &[u8])> = REPOSITORY
        .iter()
        .map(|(path, bytes)| (format!("tool-main/{path}"), *bytes))
        .collect();
    let entries: Vec<(&str, &[u8])> = named
        .iter()
        .map(|(path, bytes)| (&path[..], *bytes))
        .collect();
    let export = saved(place.path(), "download.zip", &zipped(&entries));
    let (_directory, archive) = memory(Mode::Extended);
    importer(&archive).github(export).unwrap();
    assert_eq!(
        archive.read_file("entities/github/tool_main.md"),
        about("tool-main", "tool_main", "")
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Answers from a table, and remembers what it was asked.
struct Table<'t> {
    answers: Vec<(&'t str, u16, Vec<u8>)>,
    asked: RefCell<Vec<String>>,
}

impl<'t> Table<'t> {
    fn new(answers: Vec<(&'t str, u16, Vec<u8>)>) -> Self {
        Self {
            answers,
            asked: RefCell::default(),
        }
    }
}

impl Fetch for Table<'_> {
    fn get(&self, request: &FetchRequest<'_>) -> Result<Fetched, FetchError> {
        self.asked.borrow_mut().push(request.url.to_owned());
        let found = self
            .answers
            .iter()
            .find(|(url, _, _)| request.url.contains(url));
        match found {
            Some((_, status, body)) => Ok(Fetched {
                status: *status,
                body: body.clone(),
            }),
            None => Err(FetchError("no route to host".to_owned())),
        }
    }
}

#[test]
fn repositories_are_read_through_the_api() {
    // As GitHub has it: lines of sixty letters.
    let encoded = |bytes: &[u8]| {
        let letters = base64(bytes).into_bytes();
        let lines = letters
            .chunks(60)
            .map(|line| String::from_utf8_lossy(line) + "\n");
        lines.collect::<String>()
    };
    let entries: Vec<Value> = (1..)
        .zip(REPOSITORY)
        .map(|(sha, (path, bytes))| json!({"path": path, "mode": "100644", "type": "blob", "sha": format!("{sha:040x}"), "size": bytes.len()}))
        .chain([json!({"path": "src", "mode": "040000", "type": "tree", "sha": "ab"})])
        .collect();
    let tree = json!({"tree": entries, "truncated": false});
    let blobs: Vec<(String, Vec<u8>)> = (1..)
        .zip(REPOSITORY)
        .map(|(sha, (_, bytes))| {
            let blob = json!({"content": encoded(bytes), "encoding": "base64"});
            (
                format!("/git/blobs/{sha:040x}"),
                blob.to_string().into_bytes(),
            )
        })
        .collect();
    let description = json!({
        "description": "Does\nthings", "default_branch": "main", "homepage": null,
        "created_at": "2024-01-02T03:04:05Z", "topics": ["a", "b"],
    });
    let mut answers: Vec<(&str, u16, Vec<u8>)> = blobs
        .iter()
        .map(|(url, body)| (&url[..], 200, body.clone()))
        .collect();
    answers.push((
        "/git/trees/main?recursive=1",
        200,
        tree.to_string().into_bytes(),
    ));
    answers.push(("/repos/ada/tool", 200, description.to_string().into_bytes()));
    let fetch = Table::new(answers);
    let (_directory, memory) = memory(Mode::Extended);
    importer(&memory)
        .github_live(&fetch, GITHUB_API, "ada/tool")
        .unwrap();
    let facts = "- description: Does things\n- default_branch: main\n- created_on: 2024-01-02\n- topics: a, b\n";
    assert_eq!(
        memory.read_file("entities/github/ada_tool.md"),
        about("ada/tool", "ada_tool", facts)
    );
    for (status, expect) in [
        (404, "is not there"),
        (401, "check the token"),
        (500, "did not answer"),
    ] {
        let fetch = Table::new(vec![("/repos", status, Vec::new())]);
        let error = importer(&memory)
            .github_live(&fetch, GITHUB_API, "ada/tool")
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{error}");
    }
    for name in [
        "ada",
        "ada/tool/x",
        "../tool",
        "ada/..",
        "ada/to ol",
        "ada/tool?x",
        "",
    ] {
        let fetch = Table::new(vec![]);
        let error = importer(&memory)
            .github_live(&fetch, GITHUB_API, name)
            .unwrap_err()
            .to_string();
        assert!(error.contains("owner/name"), "{error}");
        assert!(fetch.asked.borrow().is_empty(), "nothing is asked");
    }
    let error = importer(&memory)
        .github_live(&Table::new(vec![]), GITHUB_API, "ada/tool")
        .unwrap_err();
    assert!(error.to_string().contains("no route to host"));
}

#[test]
fn issues_and_pull_requests_become_entities() {
    let issues = json!([
        {"number": 7, "title": "It\ncrashes", "state": "closed", "body": "At [[once]]", "user": {"login": "bo"}, "labels": [{"name": "bug"}], "created_at": "2024-01-02T03:04:05Z", "closed_at": "2024-01-03T00:00:00Z"},
        {"number": 8, "title": "Mend it", "state": "open", "body": null, "user": null, "created_at": "2024-01-03T03:04:05Z", "pull_request": {"url": "x"}},
    ]);
    let comments = json!([
        {"issue_url": "https://api.github.com/repos/ada/tool/issues/7", "user": {"login": "ada"}, "body": "Where?", "created_at": "2024-01-02T05:00:00Z"},
        {"issue_url": "https://api.github.com/repos/ada/tool/issues/99", "body": "lost"},
    ]);
    let bytes = |value: &Value| value.to_string().into_bytes();
    let fetch = Table::new(vec![
        ("/issues/comments?", 200, bytes(&comments)),
        ("/issues?state=all", 200, bytes(&issues)),
        ("/git/trees/", 409, Vec::new()),
        (
            "/repos/ada/tool",
            200,
            bytes(&json!({"default_branch": "main"})),
        ),
    ]);
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory)
        .github_live(&fetch, GITHUB_API, "ada/tool")
        .unwrap();
    assert!(report.is_complete(), "{:?}", skipped(&report));
    assert_eq!(
        memory.read_file("entities/github/ada_tool/issue_7.md"),
        "# Issue 7: It crashes\n- source: github\n- repository: [[entities/github/ada_tool.md]]\n- state: closed\n- author: bo\n- created_on: 2024-01-02\n- closed_on: 2024-01-03\n- labels: bug\n\n> At [ [once]]\n\n## Comments\n\n**ada**, 2024-01-02\n\n> Where?\n"
    );
    assert_eq!(
        memory.read_file("entities/github/ada_tool/pull_8.md"),
        "# Pull request 8: Mend it\n- source: github\n- repository: [[entities/github/ada_tool.md]]\n- state: open\n- created_on: 2024-01-03\n"
    );
    let about = memory.read_file("entities/github/ada_tool.md");
    assert!(
        about.contains("- issues: 1\n- pull_requests: 1\n"),
        "{about}"
    );
    assert_eq!(memory.check().unwrap(), []);
    // A refusal loses the issues only, and is told.
    let fetch = Table::new(vec![
        ("/issues?", 403, Vec::new()),
        ("/git/trees/", 409, Vec::new()),
        ("/repos/ada/tool", 200, bytes(&json!({}))),
    ]);
    let report = importer(&memory)
        .github_live(&fetch, GITHUB_API, "ada/tool")
        .unwrap();
    assert!(skipped(&report)[0].starts_with("issues: "), "{report:?}");
}

#[test]
fn google_docs_of_every_kind_become_entities() {
    let place = tempfile::tempdir().unwrap();
    let xml = "<w:document xmlns:w=\"x\"><w:p><w:pPr><w:pStyle w:val=\"Title\"/></w:pPr><w:r><w:t>The Plan</w:t></w:r></w:p><w:p><w:r><w:t>Step</w:t></w:r></w:p></w:document>";
    let docx = zipped(&[
        ("[Content_Types].xml", b"<x/>"),
        ("word/document.xml", xml.as_bytes()),
    ]);
    let inner = zipped(&[
        (
            "Letter.html",
            b"<html><head><title>Letter</title></head><body><h1>Dear</h1><p>Bo</p></body></html>",
        ),
        ("images/x.png", b"x"),
    ]);
    let files = [
        saved(place.path(), "plan.docx", &docx),
        saved(place.path(), "notes.md", b"# My Notes\n\nText\n"),
        saved(place.path(), "plain.txt", b"- one\n"),
        saved(place.path(), "takeout.zip", &inner),
        saved(place.path(), "broken.docx", b"PK not really"),
        saved(place.path(), "sheet.xlsx", b"PK"),
    ];
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory).google_docs(&files).unwrap();
    assert_eq!(report.skipped.len(), 2, "{:?}", skipped(&report));
    for (name, expect) in [
        ("the_plan", "# The Plan\n- source: google_docs\n\nStep\n"),
        ("my_notes", "# My Notes\n- source: google_docs\n\nText\n"),
        ("plain", "# plain\n- source: google_docs\n\n> - one\n"),
        (
            "letter",
            "# Letter\n- source: google_docs\n\n## Dear\n\nBo\n",
        ),
    ] {
        assert_eq!(
            memory.read_file(&format!("entities/google_docs/{name}.md")),
            expect
        );
    }
    assert_eq!(memory.check().unwrap(), []);
}

#[test]
fn google_docs_are_listed_and_exported_through_the_api() {
    let first = json!({"nextPageToken": "t/1", "files": [{"id": "d1", "name": "One", "modifiedTime": "2024-05-06T07:08:09Z"}]});
    let second = json!({"files": [{"id": "d2", "name": "Two"}, {"id": "d3", "name": "Three"}]});
    let fetch = Table::new(vec![
        ("files/d1/export", 200, b"# One\n\nFirst\n".to_vec()),
        ("files/d2/export", 200, b"Second\n".to_vec()),
        ("files/d3/export", 403, Vec::new()),
        ("pageToken=t%2F1", 200, second.to_string().into_bytes()),
        ("files?q=", 200, first.to_string().into_bytes()),
        (
            "files/d2?fields",
            200,
            json!({"id": "d2", "name": "Two"}).to_string().into_bytes(),
        ),
    ]);
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory)
        .google_docs_live(&fetch, GOOGLE_API, &[])
        .unwrap();
    assert_eq!(report.skipped.len(), 1, "{:?}", skipped(&report));
    assert_eq!(
        memory.read_file("entities/google_docs/one.md"),
        "# One\n- source: google_docs\n- document_id: d1\n- updated_on: 2024-05-06\n\nFirst\n"
    );
    let report = importer(&memory)
        .google_docs_live(&fetch, GOOGLE_API, &["d2"])
        .unwrap();
    assert_eq!(
        (report.unchanged, report.updated.as_slice()),
        // The pages that are there already stay in the index.
        (2, &[][..])
    );
    let error = importer(&memory)
        .google_docs_live(&fetch, GOOGLE_API, &["a/b"])
        .unwrap_err();
    assert!(error.to_string().contains("no identifier"), "{error}");
}
