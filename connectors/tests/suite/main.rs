//! Imports, from archives and folders made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod archives;
mod conversations;
mod exports;
mod services;

use memex_connectors::{ImportReport, Importer};
use memex_memory::{Author, Error, Memory, Mode, Options};
use serde_json::{Value, json};
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
