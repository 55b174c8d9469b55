//! Memories as JSON documents.

use crate::common::{author, filled, memory, put, update};
use memex_memory::{Memory, Mode, Options, StaticEntity, StaticMemory};

const DOCUMENT: &str = r##"{
  "mem_id": "m1",
  "user_md": "- name: Ada\r\n",
  "entities": [
    {"entity_name": "bo", "entity_file_path": "entities/bo.md", "entity_file_content": "# Bo\n"}
  ]
}"##;

#[test]
fn a_document_becomes_a_memory_and_a_document_again() {
    let directory = tempfile::tempdir().unwrap();
    let document = StaticMemory::parse(DOCUMENT).unwrap();
    assert_eq!(document.memory_id, "m1");
    let under = directory.path().join("a/b");
    let memory = document
        .instantiate(author(), &under, Options::default())
        .unwrap();
    assert_eq!(
        memory.list_files(),
        "./\n├── entities/\n│   └── bo.md\n└── user.md"
    );
    assert_eq!(
        std::fs::read(under.join("m1/user.md")).unwrap(),
        b"- name: Ada\r\n"
    );
    let exported = memory.export("m1").unwrap();
    assert_eq!(exported, document);
    assert_eq!(
        StaticMemory::parse(&exported.to_json().unwrap()).unwrap(),
        document
    );
    assert!(exported.to_json().unwrap().contains("\"memory_id\""));
    let again = document.instantiate(author(), &under, Options::default());
    assert!(again.unwrap_err().to_string().contains("not empty"));
}

#[test]
fn a_reset_leaves_nothing_of_an_episode() {
    let directory = tempfile::tempdir().unwrap();
    let document = StaticMemory::parse(DOCUMENT).unwrap();
    let memory = document
        .instantiate(author(), directory.path(), Options::default())
        .unwrap();
    let other = Memory::open(directory.path().join("m1"), Options::default()).unwrap();
    for round in 0..3 {
        update(&memory, "user.md", "Ada", "Eve").unwrap();
        memory.create_file(author(), "new/x.md", "x").unwrap();
        memory.add_filter(author(), "nothing").unwrap();
        put(&directory.path().join("m1"), ".obsidian/x", b"x");
        std::os::unix::fs::symlink("/etc", directory.path().join("m1/etc")).unwrap();
        update(&other, "entities/bo.md", "Bo", "Bobo").unwrap();
        memory.reset(author(), &document).unwrap();
        assert_eq!(memory.export("m1").unwrap(), document, "{round}");
        assert_eq!(memory.log(10).unwrap(), []);
        assert!(memory.filters().unwrap().as_slice().is_empty());
        assert_eq!(
            std::fs::read_dir(directory.path().join("m1"))
                .unwrap()
                .count(),
            3
        );
        // Whoever has it open goes on.
        update(&other, "user.md", "Ada", "Eva").unwrap();
        assert_eq!(other.log(10).unwrap()[0].id, 1);
        other
            .undo(author(), memex_memory::Undo::Newest(1), false)
            .unwrap();
    }
    assert!(std::path::Path::new("/etc").exists());
}

#[test]
fn documents_that_would_reach_elsewhere_are_refused_whole() {
    let large = "x".repeat((1 << 20) + 1);
    for (path, content) in [
        ("../x.md", "x"),
        ("/x.md", "x"),
        ("a/../x.md", "x"),
        (".memex/lock", "x"),
        ("", "x"),
        ("d/", "x"),
        ("x.md", &large),
    ] {
        let (_directory, memory) = filled(Mode::Extended, &[("user.md", "kept")]);
        let mut document = StaticMemory::parse(DOCUMENT).unwrap();
        document.entities.push(StaticEntity {
            entity_name: "x".to_owned(),
            entity_file_path: path.to_owned(),
            entity_file_content: content.to_owned(),
        });
        assert!(memory.reset(author(), &document).is_err(), "{path}");
        assert_eq!(memory.list_files(), "./\n└── user.md");
        assert_eq!(memory.read_file("user.md"), "kept");
    }
    for id in [
        "",
        ".",
        "..",
        "a/b",
        ".memex",
        "a\0",
        "a\\b",
        &"x".repeat(201),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let document = StaticMemory {
            memory_id: id.to_owned(),
            ..StaticMemory::parse(DOCUMENT).unwrap()
        };
        let made = document.instantiate(author(), directory.path(), Options::default());
        assert!(made.is_err(), "{id:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    for json in ["", "[]", "{}", r#"{"memory_id": 1, "user_md": ""}"#] {
        assert!(StaticMemory::parse(json).is_err(), "{json}");
    }
}

/// Directory with a memory `m1`, a memory `m10` beside it and what is none.
fn neighbours() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let document = StaticMemory::parse(DOCUMENT).unwrap();
    for id in ["m1", "m10"] {
        let other = StaticMemory {
            memory_id: id.to_owned(),
            ..document.clone()
        };
        other
            .instantiate(author(), directory.path().join("mem"), Options::default())
            .unwrap();
    }
    for (path, text) in [
        ("precious/data", "precious"),
        ("mem/plain/notes.md", "precious"),
        ("mem/file", "precious"),
        ("mem/user.md", "precious"),
    ] {
        put(directory.path(), path, text.as_bytes());
    }
    directory
}

fn named(id: &str) -> StaticMemory {
    StaticMemory {
        memory_id: id.to_owned(),
        user_md: "# new".to_owned(),
        entities: Vec::new(),
    }
}

fn everything(directory: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let text = match kind.is_file() {
                true => std::fs::read(&path).unwrap(),
                false => Vec::new(),
            };
            found.push((path.display().to_string(), text));
            if kind.is_dir() {
                pending.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_reset_by_name_touches_the_memory_of_that_name_alone() {
    let directory = neighbours();
    let mem = directory.path().join("mem");
    let before = everything(&mem.join("m10"));
    let memory = named("m1")
        .reinstantiate(author(), &mem, Options::default())
        .unwrap();
    assert_eq!(memory.list_files(), "./\n└── user.md");
    assert_eq!(everything(&mem.join("m10")), before);
    // One that is not there is made, and one that is empty is filled.
    std::fs::create_dir(mem.join("empty")).unwrap();
    for id in ["empty", "new"] {
        named(id)
            .reinstantiate(author(), &mem, Options::default())
            .unwrap();
        assert_eq!(
            std::fs::read(mem.join(id).join("user.md")).unwrap(),
            b"# new"
        );
    }
}

#[test]
fn no_name_makes_a_reset_reach_another_directory() {
    let directory = neighbours();
    let mem = directory.path().join("mem");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, mem.join(name)).unwrap();
    };
    link("../precious", "out");
    link("m10", "beside");
    link("none", "dangling");
    link(".", "here");
    let before = everything(directory.path());
    let long = "x".repeat(201);
    let names = [
        "",
        ".",
        "..",
        "../",
        "../mem/m1",
        "../precious",
        "m1/",
        "m1/.",
        "m1/..",
        "m1/../m10",
        "/",
        "/tmp",
        "./m1",
        "..\\m1",
        "m1\\..",
        "m1\0",
        "\0",
        ".memex",
        "...",
        "m1\n",
        " ",
        " m1",
        "m1 ",
        "\u{202e}1m",
        &long,
    ];
    for id in names {
        let reset = named(id).reinstantiate(author(), &mem, Options::default());
        let error = reset
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains("is not a plain name"), "{id:?}: {error}");
        let json = named(id).to_json().unwrap();
        assert!(StaticMemory::parse(&json).is_err(), "{id:?}");
        let memory = Memory::open(mem.join("m1"), Options::default()).unwrap();
        assert!(memory.export(id).is_err(), "{id:?}");
    }
    for id in ["out", "beside", "dangling", "here", "file"] {
        for made in [
            named(id).reinstantiate(author(), &mem, Options::default()),
            named(id).instantiate(author(), &mem, Options::default()),
        ] {
            let error = made
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert!(
                error.contains("a file or link of that name"),
                "{id}: {error}"
            );
        }
    }
    let plain = named("plain").reinstantiate(author(), &mem, Options::default());
    assert!(matches!(plain, Err(memex_memory::Error::NotAMemory)));
    assert_eq!(everything(directory.path()), before);
    // Dots of other scripts are letters like any other.
    for id in ["\u{2025}", "\u{ff0e}\u{ff0e}", "m1.."] {
        named(id)
            .reinstantiate(author(), &mem, Options::default())
            .unwrap();
        assert!(mem.join(id).join("user.md").is_file());
    }
}

#[test]
fn only_a_memory_is_reset() {
    let document = StaticMemory::parse(DOCUMENT).unwrap();
    let reset = |directory: &std::path::Path| {
        let memory = Memory::open(directory, Options::default()).unwrap();
        memory.reset(author(), &document)
    };
    // What looks like the records of a memory and is none.
    let lookalikes: [&dyn Fn(&std::path::Path); 4] = [
        &|_| {},
        &|place| put(place, ".memex", b""),
        &|place| std::fs::create_dir_all(place.join(".memex/lock")).unwrap(),
        &|place| {
            let records = tempfile::tempdir().unwrap().keep();
            put(&records, "lock", b"");
            std::os::unix::fs::symlink(records, place.join(".memex")).unwrap();
        },
    ];
    for prepare in lookalikes {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "src/main.rs", b"precious");
        prepare(directory.path());
        let before = everything(directory.path());
        assert_eq!(
            reset(directory.path()),
            Err(memex_memory::Error::NotAMemory)
        );
        assert_eq!(everything(directory.path()), before);
    }
    // The same directory, once something was written to it as to a memory.
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "user.md", b"old");
    let memory = Memory::open(directory.path(), Options::default()).unwrap();
    memory.create_file(author(), "new.md", "x").unwrap();
    reset(directory.path()).unwrap();
    assert_eq!(memory.export("m1").unwrap(), document);
}

#[test]
fn a_reset_that_would_stop_halfway_removes_nothing() {
    let (directory, memory) = filled(Mode::Extended, &[("user.md", "kept")]);
    memory.create_file(author(), "a.md", "kept").unwrap();
    put(directory.path(), &format!("{}f", "d/".repeat(80)), b"deep");
    let document = StaticMemory::parse(DOCUMENT).unwrap();
    assert!(memory.reset(author(), &document).is_err());
    assert_eq!(memory.read_file("user.md"), "kept");
    assert_eq!(memory.read_file("a.md"), "kept");
    assert_eq!(memory.log(9).unwrap().len(), 1);
}

#[test]
fn what_is_no_text_is_named() {
    let (directory, memory) = memory(Mode::Extended);
    put(directory.path(), "entities/bad.md", b"\xff");
    let error = memory.export("m").unwrap_err().to_string();
    assert!(error.starts_with("entities/bad.md: "), "{error}");
}
