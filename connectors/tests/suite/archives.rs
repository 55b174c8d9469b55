//! What an import takes at most, and where it writes.

use super::{importer, memory, saved, skipped, zipped};
use memex_connectors::ImportLimits;
use memex_memory::{Memory, Mode};
use serde_json::json;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[test]
fn a_conversation_is_bounded_by_what_it_takes_as_values() {
    let place = tempfile::tempdir().unwrap();
    let export = place.path().join("conversations.json");
    let (_directory, memory) = memory(Mode::Extended);
    let hostile = format!("[[{}]]", vec![r#"{"":0}"#; 500_000].join(","));
    std::fs::write(&export, &hostile).unwrap();
    let refused = importer(&memory).chatgpt(&export).unwrap_err().to_string();
    assert!(refused.contains("as values"), "{refused}");
    // As much in many conversations, and a text of the same length, are looked at: they are no
    // conversations.
    let some = format!("[{}]", vec![r#"{"":0}"#; 100_000].join(","));
    let many = format!("[{}]", [some.as_str(); 6].join(","));
    let text = json!(["x".repeat(hostile.len())]).to_string();
    for content in [many, text] {
        std::fs::write(&export, content).unwrap();
        let refused = importer(&memory).chatgpt(&export).unwrap_err().to_string();
        assert!(refused.contains("is no conversation"), "{refused}");
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
