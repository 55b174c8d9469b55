//! Exports as a whole: their size, what becomes of them the second time, and other sources of
//! conversations and notes.

use crate::conversations::imported;
use crate::{conversation, importer, memory, put, saved, skipped, turn, zipped};
use memex_connectors::ImportLimits;
use memex_memory::{Author, Mode};
use serde_json::{Value, json};

#[test]
fn an_export_of_real_size_fits_and_its_index_stays_small() {
    const COUNT: usize = 3_000;
    let export: Vec<Value> = (0..COUNT)
        .map(|number| {
            let words = format!("needle-{number} {}", "lorem ipsum ".repeat(960));
            let mut one = conversation(
                &format!("Talk {number}"),
                1.6e9 + number as f64 * 20_000.0,
                vec![turn("q", None, "user", &words)],
                "q",
            );
            one["conversation_id"] = json!(format!("id-{number}"));
            one
        })
        .collect();
    let export = json!(export);
    assert!(export.to_string().len() > 32 << 20);
    let started = std::time::Instant::now();
    let (directory, memory, report) = imported(&export);
    println!("{COUNT} conversations in {:?}", started.elapsed());
    assert!(report.is_complete(), "{:?}", skipped(&report));
    for path in ["entities/chatgpt.md", "user.md"] {
        assert!(memory.bytes(path).unwrap().len() < 16 << 10, "{path}");
    }
    let files = memory.files().unwrap();
    let pages = files
        .iter()
        .filter(|path| path.starts_with("entities/chatgpt/"))
        .count();
    assert_eq!(pages, COUNT);
    for path in files.iter().filter(|path| path.contains("_index/")) {
        assert!(memory.bytes(path).unwrap().len() < 32 << 10, "{path}");
    }
    assert_eq!(memory.check().unwrap(), []);
    assert!(
        std::fs::read_to_string(directory.path().join("entities/chatgpt/2020_09/talk_0.md"))
            .unwrap()
            .contains("needle-0 ")
    );
    // There is room for what an agent writes.
    let author = Author::session("s", "create_file");
    assert_eq!(memory.create_file(author, "entities/new.md", "x"), Ok(true));
    // Once more: everything is as it was.
    let place = tempfile::tempdir().unwrap();
    let export = saved(
        place.path(),
        "conversations.json",
        export.to_string().as_bytes(),
    );
    let again = importer(&memory).chatgpt(export).unwrap();
    assert_eq!(
        (again.created.len(), again.updated.len()),
        (0, 0),
        "{again:?}"
    );
}

#[test]
fn a_second_import_updates_and_keeps_what_was_edited_by_hand() {
    let export = |title: &str, turns: &[(&str, &str)]| {
        let nodes: Vec<(String, Value)> = turns
            .iter()
            .enumerate()
            .map(|(at, (role, words))| {
                let parent = at.checked_sub(1).map(|at| format!("n{at}"));
                turn(&format!("n{at}"), parent.as_deref(), role, words)
            })
            .collect();
        let current = format!("n{}", turns.len() - 1);
        let mut one = conversation(title, 1.7e9, nodes, &current);
        one["conversation_id"] = json!("c-1");
        let other = conversation("Other", 1.8e9, vec![turn("q", None, "user", "other")], "q");
        json!([one, other]).to_string()
    };
    let place = tempfile::tempdir().unwrap();
    let (directory, memory) = memory(Mode::Extended);
    let path = "entities/chatgpt/trip.md";
    let import = |text: &str| {
        let file = saved(place.path(), "conversations.json", text.as_bytes());
        importer(&memory).chatgpt(file).unwrap()
    };
    import(&export(
        "Trip",
        &[("user", "Where to?"), ("assistant", "Rome.")],
    ));
    let edited = memory
        .read_file(path)
        .replace("> Rome.", "> Rome. (we went to Naples)")
        .replace("# Trip\n", "# Trip\n- companion: Bo\n")
        + "\nMy own note.\n";
    put(directory.path(), path, edited.as_bytes());
    put(
        directory.path(),
        "user.md",
        b"# User\n- name: Ada\n\n## Imports\n- chatgpt: [[entities/chatgpt.md]]\n- mine: x\n",
    );
    std::fs::remove_file(directory.path().join("entities/chatgpt/other.md")).unwrap();
    // The conversation has another title now, and goes on.
    let report = import(&export(
        "Trip to Italy",
        &[
            ("user", "Where to?"),
            ("assistant", "Rome."),
            ("user", "When?"),
            ("assistant", "May."),
        ],
    ));
    let page = memory.read_file(path);
    for expect in [
        "- companion: Bo\n",
        "> Rome. (we went to Naples)\n",
        "> When?\n",
        "> May.\n",
        "My own note.\n",
        "- messages: 4\n",
    ] {
        assert!(page.contains(expect), "{expect}: {page}");
    }
    assert!(
        page.starts_with("# Trip to Italy\n") || page.starts_with("# Trip\n"),
        "{page}"
    );
    assert!(!memory.check_if_file_exists("entities/chatgpt/trip_to_italy.md"));
    assert!(memory.read_file("user.md").contains("- mine: x\n"));
    // What was deleted stays deleted, and that is told.
    assert!(!memory.check_if_file_exists("entities/chatgpt/other.md"));
    assert_eq!(report.left.len(), 1, "{report:?}");
    // Where both changed the same line, the person's stays and the import says so.
    let edited = memory.read_file(path).replace("> May.", "> June.");
    put(directory.path(), path, edited.as_bytes());
    let report = import(&export(
        "Trip to Italy",
        &[
            ("user", "Where to?"),
            ("assistant", "Rome."),
            ("user", "When?"),
            ("assistant", "April."),
        ],
    ));
    assert!(memory.read_file(path).contains("> June.\n"));
    assert!(
        skipped(&report)
            .iter()
            .any(|told| told.contains("edited by hand")),
        "{report:?}"
    );
}

#[test]
fn claude_exports_become_entities() {
    let conversations = json!([
        {"uuid": "u1", "name": "Bread", "created_at": "2024-03-01T10:00:00.000Z", "updated_at": "2024-03-02T10:00:00Z", "summary": "About dough.",
         "chat_messages": [
            {"sender": "human", "text": "How long?", "content": [{"type": "text", "text": "How long?"}], "attachments": [{"file_name": "dough.txt", "extracted_content": "500 g flour"}], "files": [{"file_name": "loaf.jpg"}]},
            {"sender": "assistant", "text": "", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "name": "artifacts", "input": {"title": "Recipe", "content": "Mix", "language": "text"}}, {"type": "text", "text": "A day."}]},
            {"text": "no sender"},
         ]},
        {"uuid": "u2", "name": "Empty", "chat_messages": []},
        {"mapping": {}},
    ]);
    let projects = json!([{"uuid": "p1", "name": "Bakery", "description": "Our shop", "prompt_template": "Be kind", "docs": [{"filename": "menu.md", "content": "Rye"}]}]);
    let memories = json!([{"conversations_memory": "Ada bakes.", "account_uuid": "x"}]);
    let archive = zipped(&[
        ("conversations.json", conversations.to_string().as_bytes()),
        ("projects.json", projects.to_string().as_bytes()),
        ("memories.json", memories.to_string().as_bytes()),
        ("users.json", b"[]"),
    ]);
    let place = tempfile::tempdir().unwrap();
    let export = saved(place.path(), "data.zip", &archive);
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory).claude(&export).unwrap();
    assert_eq!(
        memory.read_file("entities/claude/bread.md"),
        "# Bread\n- source: claude\n- created_on: 2024-03-01\n- updated_on: 2024-03-02\n- messages: 2\n- conversation_id: u1\n\n## Summary\n\n> About dough.\n\n## Conversation\n\n**User**\n\n> How long?\n>\n> [attachment: dough.txt]\n>\n> 500 g flour\n>\n> [attachment: loaf.jpg]\n\n**Assistant**\n\n> [artifacts: Recipe]\n> ```text\n> Mix\n> ```\n>\n> A day.\n"
    );
    assert!(
        memory
            .read_file("entities/claude/project_bakery.md")
            .contains("> Be kind\n")
    );
    assert!(
        memory
            .read_file("entities/claude/project_bakery.md")
            .contains("## menu.md\n\n> Rye\n")
    );
    assert!(
        memory
            .read_file("entities/claude/memory.md")
            .contains("> Ada bakes.\n")
    );
    let told = skipped(&report).join("\n");
    for expect in [
        "entry 1: message 3: names no sender",
        "entry 2: says nothing",
        "import it with `memex mem import chatgpt`",
    ] {
        assert!(told.contains(expect), "{told}");
    }
    assert_eq!(memory.check().unwrap(), []);
    // Each importer names the other.
    let alone = saved(place.path(), "c.json", conversations.to_string().as_bytes());
    let error = importer(&memory).chatgpt(&alone).unwrap_err().to_string();
    assert!(
        error.contains("import it with `memex mem import claude`"),
        "{error}"
    );
}

#[test]
fn a_vault_is_taken_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let note = "---\naliases: [Mum]\ntags: [family]\n---\n# Eva\nSee [[Daily/2024-05-01|that day]] and ![[pic.png]].\n";
    for (path, bytes) in [
        ("vault/People/Eva Ek.md", note.as_bytes()),
        (
            "vault/Daily/2024-05-01.md",
            b"Met [[Mum]] and [Eva](../People/Eva%20Ek.md).\n",
        ),
        ("vault/pic.png", b"png"),
        ("vault/.obsidian/app.json", b"{}"),
    ] {
        put(place.path(), path, bytes);
    }
    let (_directory, memory) = memory(Mode::Extended);
    let report = importer(&memory)
        .obsidian(place.path().join("vault"))
        .unwrap();
    assert_eq!(
        skipped(&report),
        ["pic.png: is no note; only text is imported"]
    );
    assert_eq!(memory.read_file("entities/obsidian/People/Eva Ek.md"), note);
    assert_eq!(memory.go_to_link("[[Mum]]"), note);
    assert!(
        memory
            .go_to_link("[[Daily/2024-05-01|that day]]")
            .starts_with("Met")
    );
    let again = importer(&memory)
        .obsidian(place.path().join("vault"))
        .unwrap();
    assert_eq!((again.created.len(), again.updated.len()), (0, 0));
    let limits = ImportLimits {
        files_max: 1,
        ..ImportLimits::default()
    };
    let report = importer(&memory)
        .with_limits(limits)
        .obsidian(place.path().join("vault"))
        .unwrap();
    assert!(
        skipped(&report)[1].contains("more files than an import may write"),
        "{report:?}"
    );
}
