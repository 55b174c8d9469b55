//! Imports, from archives and folders made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod conversations;

use memex_connectors::{
    Fetch, FetchError, FetchRequest, Fetched, GITHUB_API, GOOGLE_API, ImportLimits, ImportReport,
    Importer,
};
use memex_memory::{Author, Error, Memory, Mode, Options};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn memory(mode: Mode) -> (TempDir, Memory) {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::open(directory.path(), Options::of(mode)).unwrap();
    (directory, memory)
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn saved(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    put(directory, name, bytes);
    directory.join(name)
}

fn importer(memory: &Memory) -> Importer<'_> {
    Importer::new(memory, Author::person("import"))
}

fn skipped(report: &ImportReport) -> Vec<String> {
    report
        .skipped
        .iter()
        .map(|s| format!("{}: {}", s.place, s.why))
        .collect()
}

fn turn(id: &str, parent: Option<&str>, role: &str, text: &str) -> (String, Value) {
    let turn = json!({
        "id": id,
        "parent": parent,
        "message": {
            "author": {"role": role},
            "create_time": 1_700_000_000.5,
            "content": {"content_type": "text", "parts": [text, {"image": 1}]},
            "metadata": {},
        },
    });
    (id.to_owned(), turn)
}

fn conversation(title: &str, created: f64, turns: Vec<(String, Value)>, current: &str) -> Value {
    let mapping: serde_json::Map<String, Value> = turns.into_iter().collect();
    json!({
        "title": title,
        "create_time": created,
        "update_time": created + 86_400.0,
        "default_model_slug": "model-x",
        "current_node": current,
        "mapping": mapping,
    })
}

#[test]
fn chatgpt_conversations_become_entities() {
    let place = tempfile::tempdir().unwrap();
    let conversations = json!([
        conversation(
            "Trip to Rome!",
            1_700_000_000.0,
            vec![
                turn("root", None, "system", "hidden"),
                turn("q", Some("root"), "user", "Where to?\n- [[secret]] list"),
                turn("other", Some("q"), "assistant", "Discarded"),
                turn("a", Some("q"), "assistant", "Rome."),
            ],
            "a"
        ),
        conversation("Trip to Rome!", 1_600_000_000.0, vec![turn("q", Some("q"), "user", "Circle?")], "q"),
        conversation("Nothing said", 1.0, vec![turn("s", None, "system", "x")], "s"),
        {"title": "no mapping"},
    ]);
    let conversations = conversations.to_string();
    let json = saved(place.path(), "conversations.json", conversations.as_bytes());
    let archive = zipped(&[
        ("chat.html", b"<html>"),
        ("conversations.json", conversations.as_bytes()),
        ("../conversations-2.json", b"[]"),
    ]);
    let archive = saved(place.path(), "export.zip", &archive);
    let mut listings = Vec::new();
    for (export, refused) in [(&json, 0), (&archive, 1)] {
        let (directory, memory) = memory(Mode::Extended);
        put(
            directory.path(),
            "user.md",
            b"# User Information\n- name: Ada\n",
        );
        let report = importer(&memory).chatgpt(export).unwrap();
        assert_eq!(report.created.len(), 3, "{report:?}");
        assert_eq!(report.updated, ["user.md"]);
        // The one that says nothing, and the one that is none.
        assert_eq!(report.skipped.len(), 2 + refused, "{:?}", skipped(&report));
        assert_eq!(
            memory.read_file("entities/chatgpt/trip_to_rome_2.md"),
            "# Trip to Rome!\n- source: chatgpt\n- created_on: 2023-11-14\n- updated_on: 2023-11-15\n- messages: 2\n- model: model-x\n\n## Conversation\n\n**User**\n\n> Where to?\n> - [ [secret]] list\n\n**Assistant**\n\n> Rome.\n\n## Other branches\n\n### After message 1\n\n**Assistant**\n\n> Discarded\n"
        );
        assert!(
            memory
                .read_file("entities/chatgpt/trip_to_rome.md")
                .contains("Circle?")
        );
        assert_eq!(
            memory.read_file("user.md"),
            "# User Information\n- name: Ada\n\n## Imports\n- chatgpt: [[entities/chatgpt.md]]\n"
        );
        assert_eq!(memory.check().unwrap(), []);
        let again = importer(&memory).chatgpt(export).unwrap();
        assert_eq!(
            (again.created.len(), again.updated.len(), again.unchanged),
            (0, 0, 3)
        );
        listings.push(memory.export("m").unwrap());
    }
    assert_eq!(listings[0], listings[1]);
}

#[test]
fn notion_pages_tables_and_archives_in_archives_become_entities() {
    let id = |digit: &str| digit.repeat(32);
    let page = format!("Trips/Rome {}.md", id("a"));
    let table = format!("Trips/Costs {}", id("b"));
    let inner = zipped(&[
        (
            &page,
            format!(
                "# Rome\n\nStatus: Done\nTravel Date: 2024-05-01\nWith: [Bo](../People/Bo%20{}.md)\n\nWe saw [Bo](../People/Bo%20{}.md) and [costs](Costs%20{}.csv), ![x](x.png).\n",
                id("c"),
                id("c"),
                id("b")
            )
            .as_bytes(),
        ),
        (&format!("People/Bo {}.md", id("c")), "\u{feff}# Bo\n\nA friend: dear, old.\n".as_bytes()),
        (&format!("{table}.csv"), b"Name,Price\nview,0\n"),
        (&format!("{table}_all.csv"), "Name,Unit Price\nBus,\"1,50\"\nHotel,\n".as_bytes()),
        ("image.png", b"\x89PNG"),
        ("latin.md", b"caf\xe9"),
        ("wide.md", b"\xff\xfe#\0 \0W\0\n\0"),
    ]);
    let place = tempfile::tempdir().unwrap();
    let export = saved(
        place.path(),
        "export.zip",
        &zipped(&[("Part-1.zip", &inner)]),
    );
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory).notion(&export).unwrap();
    assert_eq!(
        skipped(&report),
        [
            "image.png: is no text; only Markdown and tables are imported",
            "latin.md: is not UTF-8; save it as UTF-8 and import it again",
        ]
    );
    assert_eq!(
        memory.list_files(),
        "./\n├── entities/\n│   ├── notion/\n│   │   ├── bo.md\n│   │   ├── costs.md\n│   │   ├── rome.md\n│   │   └── wide.md\n│   └── notion.md\n└── user.md"
    );
    assert_eq!(
        memory.read_file("entities/notion/rome.md"),
        "# Rome\n- source: notion\n- status: Done\n- travel_date: 2024-05-01\n- with: [[entities/notion/bo.md]]\n\nWe saw [[entities/notion/bo.md]] and costs [[entities/notion/costs.md]], ![x](x.png).\n"
    );
    assert_eq!(
        memory.read_file("entities/notion/costs.md"),
        "# Costs\n- source: notion\n- rows: 2\n\n## Bus\n- unit_price: 1,50\n\n## Hotel\n"
    );
    assert_eq!(memory.check().unwrap(), []);
}

#[test]
fn nuclino_items_become_entities() {
    let place = tempfile::tempdir().unwrap();
    let archive = zipped(&[
        (
            "Space/Index 0011aabb.md",
            b"# Index\n\n[Plan](<Plan ffee0099.md>)\n",
        ),
        ("Space/Plan ffee0099.md", b"Ship it.\n"),
    ]);
    let export = saved(place.path(), "export.zip", &archive);
    let (_directory, memory) = memory(Mode::Extended);
    importer(&memory).nuclino(&export).unwrap();
    assert_eq!(
        memory.read_file("entities/nuclino/index.md"),
        "# Index\n- source: nuclino\n\n[[entities/nuclino/plan.md]]\n"
    );
    assert!(
        memory
            .read_file("entities/nuclino/plan.md")
            .ends_with("\n\nShip it.\n")
    );
}

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

#[test]
fn a_conversation_is_bounded_by_what_it_takes_as_values() {
    let place = tempfile::tempdir().unwrap();
    let export = place.path().join("conversations.json");
    let (_directory, memory) = memory(Mode::Extended);
    let hostile = format!("[[{}]]", vec![r#"{"":0}"#; 500_000].join(","));
    std::fs::write(&export, &hostile).unwrap();
    let refused = importer(&memory).chatgpt(&export).unwrap_err().to_string();
    assert!(refused.contains("as values"), "{refused}");
    // As much in many conversations, and a text of the same length, are read.
    let some = format!("[{}]", vec![r#"{"":0}"#; 100_000].join(","));
    let many = format!("[{}]", vec![some.as_str(); 6].join(","));
    let text = json!(["x".repeat(hostile.len())]).to_string();
    for (content, skipped) in [(many, 6), (text, 1)] {
        std::fs::write(&export, content).unwrap();
        let report = importer(&memory).chatgpt(&export).unwrap();
        assert_eq!(report.skipped.len(), skipped);
    }
}

#[test]
fn archives_are_bounded() {
    let place = tempfile::tempdir().unwrap();
    // A thousand to one.
    let bomb = zipped(&[("a.md", &vec![0x20; 4 << 20]), ("b.md", b"b")]);
    assert!(bomb.len() < 10_000);
    let nested = zipped(&[(
        "1.zip",
        &zipped(&[("2.zip", &zipped(&[("3.zip", &zipped(&[("x.md", b"x")]))]))]),
    )]);
    let many: Vec<(String, &[u8])> = (0..50)
        .map(|n| (format!("{n}.md"), b"x" as &[u8]))
        .collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, bytes)| (&name[..], *bytes))
        .collect();
    let many = zipped(&many);
    let limits = ImportLimits::default();
    for (bytes, limits, expect) in [
        (&bomb, limits, None),
        (
            &bomb,
            ImportLimits {
                entry_bytes_max: 1 << 20,
                ..limits
            },
            Some("a.md: unpacks to more than 1048576 bytes"),
        ),
        (
            &bomb,
            ImportLimits {
                unpacked_bytes_max: 4 << 20,
                ..limits
            },
            Some("b.md: unpacks to more than 0 bytes"),
        ),
        (
            &bomb,
            ImportLimits {
                archive_bytes_max: 100,
                ..limits
            },
            Some("the limit is 100"),
        ),
        (
            &many,
            ImportLimits {
                entries_max: 50,
                ..limits
            },
            None,
        ),
        (
            &many,
            ImportLimits {
                entries_max: 49,
                ..limits
            },
            Some("more entries than an import may read (49)"),
        ),
        (
            &nested,
            ImportLimits {
                nesting_max: 3,
                ..limits
            },
            None,
        ),
        (
            &nested,
            limits,
            Some("3.zip: is an archive too deep in archives"),
        ),
        (
            &b"PK\x03\x04 cut".to_vec(),
            limits,
            Some("is no ZIP archive"),
        ),
        (
            &many[..many.len() - 30].to_vec(),
            limits,
            Some("is no ZIP archive"),
        ),
    ] {
        let (_directory, memory) = memory(Mode::Extended);
        let export = saved(place.path(), "export.zip", bytes);
        let imported = importer(&memory).with_limits(limits).notion(&export);
        let told = match &imported {
            Ok(report) => skipped(report).join("\n"),
            Err(error) => error.to_string(),
        };
        match expect {
            None => assert!(
                imported.is_ok_and(|report| report.skipped.is_empty()),
                "{told}"
            ),
            Some(expect) => assert!(told.contains(expect), "{expect}: {told}"),
        }
    }
}

#[test]
fn names_in_archives_are_never_paths() {
    let place = tempfile::tempdir().unwrap();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for name in [
        "../../out.md",
        "/abs.md",
        "a\\..\\..\\out2.md",
        "C:\\x.md",
        "good\\in.md",
        "..md",
        "a/b/.memex/lock.md",
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(b"text").unwrap();
    }
    archive
        .add_symlink("link.md", "/etc/passwd", options)
        .unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    let root = place.path().join("memory");
    std::fs::create_dir(&root).unwrap();
    let memory = Memory::open(&root, memex_memory::Options::default()).unwrap();
    let export = saved(place.path(), "export.zip", &bytes);
    let report = importer(&memory).notion(&export).unwrap();
    let mut refused: Vec<&str> = report.skipped.iter().map(|s| s.place.as_str()).collect();
    refused.sort_unstable();
    assert_eq!(refused.len(), 5, "{refused:?}");
    assert_eq!(
        memory.list_files(),
        "./\n├── entities/\n│   ├── notion/\n│   │   ├── in.md\n│   │   ├── lock.md\n│   │   └── untitled.md\n│   └── notion.md\n└── user.md"
    );
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn what_does_not_fit_is_skipped_and_what_is_long_is_split() {
    let place = tempfile::tempdir().unwrap();
    let long = format!("# Long\n\n{}", "é".repeat(120));
    let archive = zipped(&[
        ("Long.md", long.as_bytes()),
        ("Next.md", b"x"),
        ("Third.md", b"x"),
    ]);
    let export = saved(place.path(), "export.zip", &archive);
    let (_directory, memory) = memory(Mode::Extended);
    let limits = ImportLimits {
        file_text_bytes_max: 101,
        files_max: 4,
        ..ImportLimits::default()
    };
    let report = importer(&memory)
        .with_limits(limits)
        .notion(&export)
        .unwrap();
    assert_eq!(
        skipped(&report),
        ["Third: more files than an import may write"]
    );
    for (name, expect) in [
        (
            "long",
            format!(
                "# Long\n- source: notion\n\n{}\n\nContinues in [[entities/notion/long_part_2.md]]\n",
                "é".repeat(50)
            ),
        ),
        (
            "long_part_2",
            format!(
                "# Long (part 2)\n- source: notion\n- part_of: [[entities/notion/long.md]]\n\n{}\n\nContinues in [[entities/notion/long_part_3.md]]\n",
                "é".repeat(50)
            ),
        ),
        (
            "long_part_3",
            format!(
                "# Long (part 3)\n- source: notion\n- part_of: [[entities/notion/long.md]]\n\n{}\n",
                "é".repeat(20)
            ),
        ),
    ] {
        assert_eq!(
            memory.read_file(&format!("entities/notion/{name}.md")),
            expect
        );
    }
    assert_eq!(memory.check().unwrap(), []);
}

#[test]
fn links_relations_and_rows_of_notion_lead_to_pages() {
    let id = |digit: &str| digit.repeat(32);
    let (list, rome, table) = (id("a"), id("b"), id("c"));
    let home = format!(
        "# Home\n\nTrip: Rome (Trips/Rome%20{rome}.md)\n\n* [Packing list (v2)](Packing%20list%20(v2)%20{list}.md)\n* [Rome](https://www.notion.so/team/Rome-{rome}?pvs=4)\n"
    );
    let rows = format!(
        "Name,List,Notes\nRome,\"Packing list (v2) (Packing%20list%20(v2)%20{list}.md)\",{}\nOslo,,short\n",
        "long ".repeat(100)
    );
    let entries: Vec<(String, Vec<u8>)> = vec![
        (format!("Home {}.md", id("d")), home.into_bytes()),
        (
            format!("Packing list (v2) {list}.md"),
            b"# Packing list (v2)\n\nSocks\n".to_vec(),
        ),
        (format!("Trips {table}.csv"), rows.into_bytes()),
        (
            format!("Trips/Rome {rome}.md"),
            b"# Rome\n\nEternal\n".to_vec(),
        ),
    ];
    let place = tempfile::tempdir().unwrap();
    let borrowed: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    let export = saved(place.path(), "export.zip", &zipped(&borrowed));
    for (name, bytes) in &entries {
        put(place.path(), &format!("folder/{name}"), bytes);
    }
    for export in [export, place.path().join("folder")] {
        let (_directory, memory) = memory(Mode::Extended);
        let report = importer(&memory).notion(&export).unwrap();
        assert!(report.is_complete(), "{:?}", skipped(&report));
        assert_eq!(
            memory.read_file("entities/notion/home.md"),
            "# Home\n- source: notion\n- trip: [[entities/notion/rome.md]]\n\n* Packing list (v2) [[entities/notion/packing_list_v2.md]]\n* [[entities/notion/rome.md]]\n"
        );
        assert_eq!(
            memory.read_file("entities/notion/trips.md"),
            format!(
                "# Trips\n- source: notion\n- rows: 2\n\n## Rome\n- page: [[entities/notion/rome.md]]\n- list: Packing list (v2) [[entities/notion/packing_list_v2.md]]\n\n**Notes**\n\n> {}\n\n## Oslo\n- notes: short\n",
                "long ".repeat(100).trim()
            )
        );
    }
}

#[test]
fn what_is_no_export_says_so() {
    let place = tempfile::tempdir().unwrap();
    let (_directory, memory) = memory(Mode::Extended);
    let text = saved(place.path(), "x.txt", b"hello");
    let empty = saved(place.path(), "x.zip", &zipped(&[("x.png", b"x")]));
    let importer = importer(&memory);
    let errors = [
        importer.chatgpt(place.path().join("none")),
        importer.chatgpt(place.path()),
        importer.chatgpt(&text),
        importer.chatgpt(&empty),
        importer.notion(&text),
        importer.notion(&empty),
        importer.claude(&text),
        importer.claude(&empty),
        importer.obsidian(&text),
        importer.obsidian(&empty),
        importer.github(&text),
    ];
    for error in errors {
        assert!(matches!(error, Err(Error::Malformed { .. })), "{error:?}");
    }
    assert_eq!(memory.list_files(), "./");
}
