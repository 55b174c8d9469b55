//! `check`: what is wrong, and that nothing is said of what is right.

use crate::common::{filled, memory, put};
use memex_memory::{Author, Finding, Limits, Memory, Mode, Options};

fn told(memory: &Memory) -> Vec<String> {
    memory
        .check()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_example_memory_is_right() {
    let (directory, memory) = memory(Mode::Extended);
    let written = memory.init(Author::person("init")).unwrap();
    assert_eq!(written.len(), 5);
    assert!(told(&memory).is_empty(), "{:?}", told(&memory));
    assert!(
        memory
            .go_to_link("[[entities/tove_ek.md]]")
            .starts_with("# Tove Ek\n")
    );
    let again = memory.init(Author::person("init")).unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
    assert!(directory.path().join("user.md").exists());
}

#[test]
fn everything_that_is_wrong_is_found() {
    let (directory, memory) = filled(
        Mode::Compat,
        &[
            (
                "user.md",
                "# User\n- name: Ada\n- Not a fact\n* starred: x\n- CamelCase: x\n- empty:\n- two_words: [[entities/bo.md]] and [[bo|Bo]]\n- gone: [[entities/gone.md]]\n```\n- in code: [[nothing]]\n```\ntext - no item: x\n  - nested is fine\n",
            ),
            ("entities/bo.md", "- friend: [[user.md]]\n"),
            ("entities/alone.md", "- self: [[entities/alone.md]]\n"),
            ("notes.txt", "- Not Markdown\n"),
            (".hidden.md", "- Not seen\n"),
        ],
    );
    put(directory.path(), "entities/bad.md", b"\xff");
    put(directory.path(), "big.md", &vec![b'x'; (1 << 20) + 1]);
    assert_eq!(
        told(&memory),
        [
            "user.md:7: [[bo|Bo]] names no file; [[entities/bo.md]] would",
            "user.md:8: [[entities/gone.md]] names no file",
            "entities/alone.md: no other file links to it",
            "entities/bad.md: no other file links to it",
            "user.md:3: not in the form `- fact_name: value`: - Not a fact",
            "user.md:4: not in the form `- fact_name: value`: * starred: x",
            "user.md:5: not in the form `- fact_name: value`: - CamelCase: x",
            "user.md:6: not in the form `- fact_name: value`: - empty:",
            "big.md: 1048577 bytes; a file may have 1048576",
            "entities/bad.md: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ]
    );
    let json = serde_json::to_value(&memory.check().unwrap()[1]).unwrap();
    assert_eq!(json["finding"], "broken_link");
    assert_eq!(json["line"], 8);
}

#[test]
fn directories_that_are_too_large_are_found() {
    let (directory, _) = filled(Mode::Extended, &[("d/e/x", "12345"), ("y", "1")]);
    let options = Options {
        limits: Limits {
            directory_bytes_max: Some(4),
            memory_bytes_max: Some(5),
            ..Limits::of(Mode::Extended)
        },
        ..Options::default()
    };
    let memory = Memory::open(directory.path(), options).unwrap();
    let over = |path: &str, bytes, limit| Finding::OversizeDirectory {
        path: path.to_owned(),
        bytes,
        limit,
    };
    assert_eq!(memory.check().unwrap(), [over("", 6, 5), over("d/e", 5, 4)]);
}

#[test]
fn check_resolves_what_the_tools_resolve() {
    let text = "# User\n- a: [[entities/bo.md|Bo]] and [[bo#Facts]]\n- b: [Bo](entities/bo.md) and [x](entities/b%20c.md)\n- c: ![[pic.png]] and `[[code]]` <!-- [[gone]] -->\n| [[bo\\|Bo]] |\n- d: [[Bobby]]\n- e: [[BO]]\n- f: [y](bo.md)\n- g: [[gone]] and [z](gone.md)\n";
    let files = [
        ("user.md", text),
        (
            "entities/bo.md",
            "---\naliases: [Bobby]\n---\n[[user]] [b](b%20c.md)\n",
        ),
        ("entities/b c.md", "x"),
        ("pic.png", "png"),
    ];
    let (_directory, memory) = filled(Mode::Extended, &files);
    assert_eq!(
        told(&memory),
        [
            "user.md:9: [[gone]] names no file",
            "user.md:9: [z](gone.md) names no file",
        ]
    );
    // The tools agree, link by link.
    for link in memex_memory::markdown::links(text) {
        let is_followed = !memory.go_to_link(link.text).starts_with("Error:");
        assert_eq!(is_followed, !link.text.contains("gone"), "{}", link.text);
    }
    // The trained model's tools follow what is literal only.
    let (_directory, memory) = filled(Mode::Compat, &files);
    let told = told(&memory);
    for link in [
        "[[entities/bo.md|Bo]]",
        "[[bo#Facts]]",
        "[[Bobby]]",
        "[[BO]]",
    ] {
        let expect = format!("{link} names no file; [[entities/bo.md]] would");
        assert!(
            told.iter().any(|told| told.ends_with(&expect)),
            "{link} {told:?}"
        );
    }
}
