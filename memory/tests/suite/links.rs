//! Links: what is literal, and what people mean.

use crate::common::{filled, put};
use memex_memory::Mode;

#[test]
fn links_are_literal_first_and_in_extended_mode_understood() {
    let files = [
        ("user.md", "user"),
        ("entities/ada.md", "ada"),
        ("entities/people/bo.md", "bo"),
        ("plain", "plain"),
        ("d/x.md", "x"),
    ];
    let missing = |path: &str| format!("Error: File {path} not found");
    for (link, compat, extended) in [
        ("[[user.md]]", "user".to_owned(), "user".to_owned()),
        ("[[user]]", "user".to_owned(), "user".to_owned()),
        ("user.md", "user".to_owned(), "user".to_owned()),
        ("plain", "plain".to_owned(), "plain".to_owned()),
        ("[[entities/ada]]", "ada".to_owned(), "ada".to_owned()),
        (
            "[[user.md|User]]",
            missing("user.md|User.md"),
            "user".to_owned(),
        ),
        (
            "[[user#Facts]]",
            missing("user#Facts.md"),
            "user".to_owned(),
        ),
        ("[[ada]]", missing("ada.md"), "ada".to_owned()),
        ("[[bo]]", missing("bo.md"), "bo".to_owned()),
        ("[[BO|b]]", missing("BO|b.md"), "bo".to_owned()),
        ("ada", missing("ada"), "ada".to_owned()),
        ("[[nobody]]", missing("nobody.md"), missing("nobody.md")),
        ("[[]]", missing(".md"), missing(".md")),
        ("", missing(""), missing("")),
        (
            "d",
            "Error: d is not a file".to_owned(),
            "Error: d is not a file".to_owned(),
        ),
        (
            "[[../x]]",
            "Error: Permission denied accessing [[../x]]".to_owned(),
            "Error: Permission denied accessing [[../x]]".to_owned(),
        ),
    ] {
        for (mode, expect) in [(Mode::Compat, &compat), (Mode::Extended, &extended)] {
            let (_directory, memory) = filled(mode, &files);
            assert_eq!(&memory.go_to_link(link), expect, "{link} {mode:?}");
        }
    }
}

#[test]
fn links_are_followed_as_people_write_them() {
    let (directory, memory) = filled(
        Mode::Extended,
        &[
            ("entities/anna.md", "anna"),
            ("entities/anna b.md", "anna b"),
            ("entities/zo\u{eb}.md", "zoe"),
            ("entities/work/Plan.md", "work plan"),
            ("entities/home/Plan.md", "home plan"),
            (
                "entities/tove_ek.md",
                "---\naliases:\n  - Aunt Tove\n---\ntove",
            ),
            ("C# notes.md", "sharp"),
            ("a (v2).md", "v2"),
        ],
    );
    let tove = "---\naliases:\n  - Aunt Tove\n---\ntove";
    for (link, expect) in [
        ("[Anna](entities/anna.md)", "anna"),
        ("[Anna](entities/anna.md \"title\")", "anna"),
        ("[Anna b](<entities/anna b.md>)", "anna b"),
        ("[Anna b](entities/anna%20b.md#top)", "anna b"),
        ("entities/anna%20b.md", "anna b"),
        ("[[entities/anna\\|Anna]]", "anna"),
        ("[[entities/zoe\u{308}]]", "zoe"),
        ("[[ZOE\u{308}]]", "zoe"),
        ("[[/entities/anna]]", "anna"),
        ("/entities/anna.md", "anna"),
        ("./entities/anna.md", "anna"),
        ("![[anna#^block]]", "anna"),
        ("[[anna#Facts|her]]", "anna"),
        ("<anna.md>", "anna"),
        ("[[work/plan]]", "work plan"),
        ("[[home/PLAN.md]]", "home plan"),
        ("[[Tove Ek]]", tove),
        ("[[aunt tove]]", tove),
        ("[[C# notes]]", "sharp"),
        ("[x](a (v2).md)", "v2"),
        ("[x](../x/anna.md)", "anna"),
        ("- friend: [[entities/anna.md]]", "anna"),
        ("[[entities\\anna]]", "anna"),
        ("[[entities/anna.MD]]", "anna"),
    ] {
        assert_eq!(memory.go_to_link(link), expect, "{link}");
    }
    for link in [
        "[[../anna]]",
        "[x](../../etc/passwd)",
        "[x](https://anna.md/x)",
        "[[#Facts]]",
    ] {
        assert!(memory.go_to_link(link).starts_with("Error:"), "{link}");
    }
    // The index is never older than the files.
    for round in 0..20 {
        let (old, new) = (format!("n{round}.md"), format!("n{}.md", round + 1));
        if round == 0 {
            put(directory.path(), "deep/n0.md", b"deep");
        }
        assert_eq!(memory.go_to_link(&format!("[[{old}]]")), "deep");
        let deep = directory.path().join("deep");
        std::fs::rename(deep.join(&old), deep.join(&new)).unwrap();
        assert_eq!(memory.go_to_link(&format!("[[{new}]]")), "deep");
        assert!(
            memory
                .go_to_link(&format!("[[{old}]]"))
                .starts_with("Error:")
        );
    }
    put(
        directory.path(),
        "entities/tove_ek.md",
        b"---\nalias: Tutu\n---\nnew",
    );
    assert!(memory.go_to_link("[[Tutu]]").ends_with("new"));
    assert!(memory.go_to_link("[[aunt tove]]").starts_with("Error:"));
}
