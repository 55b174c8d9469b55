//! Every string of the specification, in both modes.

use crate::common::{BOTH, author, filled, memory, put, update};
use memex_memory::Mode;

#[test]
fn read_file_answers_the_text_or_says_why_not() {
    for mode in BOTH {
        let (directory, memory) = filled(mode, &[("user.md", "- name: Ada\n"), ("d/x.md", "x")]);
        put(directory.path(), "crlf.md", b"a\r\nb\rc\n");
        put(directory.path(), "start.md", b"ab\xffc");
        put(directory.path(), "cut.md", b"ab\xe2\x82");
        put(directory.path(), "cut1.md", b"ab\xe2");
        put(directory.path(), "middle.md", b"\xe2\x28\xa1");
        put(directory.path(), "middle2.md", b"\xe2\x82\x28");
        for (path, expect) in [
            ("user.md", "- name: Ada\n"),
            ("./user.md", "- name: Ada\n"),
            ("d/../user.md", "- name: Ada\n"),
            ("d//x.md", "x"),
            ("crlf.md", "a\nb\nc\n"),
            ("no.md", "Error: File no.md does not exist"),
            ("", "Error: File  does not exist"),
            ("no/no.md", "Error: File no/no.md does not exist"),
            ("user.md/x", "Error: File user.md/x does not exist"),
            ("user.md/", "Error: File user.md/ does not exist"),
            ("a\0b", "Error: File a\0b does not exist"),
            ("d", "Error: d is not a file"),
            ("d/", "Error: d/ is not a file"),
            (".", "Error: . is not a file"),
            ("../x", "Error: Permission denied accessing ../x"),
            (
                "/etc/passwd",
                "Error: Permission denied accessing /etc/passwd",
            ),
            ("d/../../x", "Error: Permission denied accessing d/../../x"),
            (
                ".memex/lock",
                "Error: Permission denied accessing .memex/lock",
            ),
            (
                ".MEMEX/lock",
                "Error: Permission denied accessing .MEMEX/lock",
            ),
            (
                "start.md",
                "Error: 'utf-8' codec can't decode byte 0xff in position 2: invalid start byte",
            ),
            (
                "cut.md",
                "Error: 'utf-8' codec can't decode bytes in position 2-3: unexpected end of data",
            ),
            (
                "cut1.md",
                "Error: 'utf-8' codec can't decode byte 0xe2 in position 2: unexpected end of data",
            ),
            (
                "middle.md",
                "Error: 'utf-8' codec can't decode byte 0xe2 in position 0: invalid continuation byte",
            ),
            (
                "middle2.md",
                "Error: 'utf-8' codec can't decode bytes in position 0-1: invalid continuation byte",
            ),
        ] {
            assert_eq!(memory.read_file(path), expect, "{path:?} {mode:?}");
        }
    }
}

#[test]
fn update_file_goes_through_its_checks_in_order() {
    let fifty = "é".repeat(50);
    let fifty_one = "é".repeat(51);
    let not_found = "Error: Could not find the specified content in the file. Looking for: ";
    for mode in BOTH {
        let text = "one two two\n";
        for (path, old, new, expect, after) in [
            ("f.md", "one", "1", Ok(()), "1 two two\n"),
            ("f.md", "two", "2", Ok(()), "one 2 two\n"),
            ("f.md", "", "new ", Ok(()), "new one two two\n"),
            ("f.md", "\n", "", Ok(()), "one two two"),
            ("no.md", "a", "b", Err("Error: File 'no.md' does not exist".to_owned()), text),
            ("no/no.md", "a", "b", Err("Error: File 'no/no.md' does not exist".to_owned()), text),
            ("", "a", "b", Err("Error: File '' does not exist".to_owned()), text),
            ("d", "a", "b", Err("Error: 'd' is not a file".to_owned()), text),
            ("f.md", "zz", "b", Err(format!("{not_found}'zz'")), text),
            ("f.md", &fifty, "b", Err(format!("{not_found}'{fifty}'")), text),
            ("f.md", &fifty_one, "b", Err(format!("{not_found}'{fifty}...'")), text),
            ("f.md", "one", "one", Err("Error: No changes were made to the file".to_owned()), text),
            ("f.md", "", "", Err("Error: No changes were made to the file".to_owned()), text),
            (
                "../f.md",
                "one",
                "1",
                Err("Error: Permission denied writing to '../f.md'".to_owned()),
                text,
            ),
            (
                "bad.md",
                "one",
                "1",
                Err("Error: Unexpected error - 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte".to_owned()),
                text,
            ),
            (
                ".filters",
                "- no",
                "- yes",
                Err("Error: Permission denied writing to '.filters'".to_owned()),
                text,
            ),
        ] {
            let (directory, memory) = filled(mode, &[("f.md", text), ("d/x", "")]);
            put(directory.path(), "bad.md", b"\xff");
            put(directory.path(), ".filters", b"- no\n");
            assert_eq!(update(&memory, path, old, new), expect, "{path} {old:?} {mode:?}");
            assert_eq!(memory.read_file("f.md"), after);
            assert_eq!(memory.read_file(".filters"), "- no\n");
        }
    }
}

#[test]
fn warnings_are_shown_in_extended_mode_only() {
    let found = "Warning: Found 3 occurrences of the content. Replacing only the first one.";
    for (mode, old, expect) in [
        (Mode::Compat, "a", None),
        (Mode::Extended, "a", Some(found.to_owned())),
        (Mode::Extended, "ab", None),
        (Mode::Extended, "", None),
    ] {
        let (_directory, memory) = filled(mode, &[("f.md", "ab aa")]);
        let updated = memory.update_file(author(), "f.md", old, "z");
        assert_eq!(
            (updated.result, updated.warning),
            (Ok(()), expect),
            "{mode:?} {old}"
        );
    }
}

#[test]
fn line_ends_are_kept_in_extended_mode() {
    for (mode, before, after) in [
        (Mode::Compat, "a\r\nb\r\n", "a\nc\n"),
        (Mode::Extended, "a\r\nb\r\n", "a\r\nc\r\n"),
        (Mode::Extended, "a\r\nb\n", "a\nc\n"),
    ] {
        let (directory, memory) = filled(mode, &[("f.md", before)]);
        assert_eq!(update(&memory, "f.md", "a\nb", "a\nc"), Ok(()));
        let bytes = std::fs::read(directory.path().join("f.md")).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), after, "{mode:?}");
    }
}

#[test]
fn create_file_raises_with_its_words() {
    let large = "x".repeat((1 << 20) + 1);
    for mode in BOTH {
        let (directory, memory) = filled(mode, &[("d/x.md", "x")]);
        for (path, content, expect) in [
            ("new.md", "text", None),
            ("new.md", "again", None),
            ("a/b/c.md", "", None),
            ("full.md", &large[1..], None),
            (
                "big.md",
                &large,
                Some("Error creating file big.md: File big.md is too large to create"),
            ),
            (
                "d",
                "x",
                Some("Error creating file d: [Errno 21] Is a directory: 'd'"),
            ),
            (
                "",
                "x",
                Some("Error creating file : [Errno 2] No such file or directory: ''"),
            ),
            (
                "d/x.md/y",
                "x",
                Some("Error creating file d/x.md/y: [Errno 20] Not a directory: 'd/x.md/y'"),
            ),
            (
                "../x",
                "x",
                Some(
                    "Error creating file ../x: '../x' leaves the memory; give a path relative to its root",
                ),
            ),
            (
                ".memex/x",
                "x",
                Some(
                    "Error creating file .memex/x: '.memex/x' belongs to the memory itself; use another name",
                ),
            ),
            (
                "d/.1.memex-tmp",
                "x",
                Some(
                    "Error creating file d/.1.memex-tmp: 'd/.1.memex-tmp' belongs to the memory itself; use another name",
                ),
            ),
            (
                ".filters",
                "x",
                Some(
                    "Error creating file .filters: '.filters' belongs to the memory itself; use another name",
                ),
            ),
        ] {
            let created = memory.create_file(author(), path, content);
            match expect {
                None => {
                    assert_eq!(created, Ok(true), "{path}");
                    let bytes = std::fs::read(directory.path().join(path)).unwrap();
                    assert_eq!(bytes, content.as_bytes());
                }
                Some(message) => {
                    let raised = created.unwrap_err();
                    assert_eq!(
                        (raised.class, raised.message.as_str()),
                        ("Exception", message)
                    );
                }
            }
        }
    }
}

#[test]
fn the_yes_and_no_operations_never_raise() {
    for mode in BOTH {
        let (_directory, memory) = filled(mode, &[("f.md", "x"), ("d/x.md", "x")]);
        for (path, is_file, is_directory) in [
            ("f.md", true, false),
            ("d", false, true),
            ("d/", false, true),
            (".", false, true),
            ("", false, false),
            ("no", false, false),
            ("f.md/x", false, false),
            ("..", false, false),
            ("/", false, false),
            ("a\0", false, false),
            (".memex", false, false),
        ] {
            assert_eq!(memory.check_if_file_exists(path), is_file, "{path}");
            assert_eq!(memory.check_if_dir_exists(path), is_directory, "{path}");
        }
        for (path, expect) in [
            ("new", true),
            ("a/b/c", true),
            ("d", true),
            (".", true),
            ("f.md", false),
            ("f.md/x", false),
            ("", false),
            ("../x", false),
            (".memex/x", false),
        ] {
            assert_eq!(memory.create_dir(author(), path), expect, "{path}");
        }
        for (path, expect) in [
            ("f.md", true),
            ("f.md", false),
            ("d", false),
            ("d/x.md", true),
            ("", false),
            ("../x", false),
        ] {
            assert_eq!(memory.delete_file(author(), path), expect, "{path}");
        }
        assert_eq!(
            memory.list_files(),
            "./\n├── a/\n│   └── b/\n│       └── c/ (empty)\n├── d/ (empty)\n└── new/ (empty)"
        );
    }
}

#[test]
fn list_files_draws_the_tree() {
    for mode in BOTH {
        let (_directory, memory) = memory(mode);
        assert_eq!(memory.list_files(), "./");
    }
    for mode in BOTH {
        let (directory, memory) = filled(
            mode,
            &[
                ("user.md", ""),
                ("Zoo.md", ""),
                ("entities/b.md", ""),
                ("entities/a/x.md", ""),
                ("é.md", ""),
                (".hidden/x", ""),
                ("hollow/.x", ""),
                ("__pycache__/x", ""),
            ],
        );
        memory.create_file(author(), "zz.md", "").unwrap();
        std::fs::create_dir(directory.path().join("empty")).unwrap();
        let expect = "./
├── Zoo.md
├── empty/ (empty)
├── entities/
│   ├── a/
│   │   └── x.md
│   └── b.md
├── hollow/ (empty)
├── user.md
├── zz.md
└── é.md";
        assert_eq!(memory.list_files(), expect);
    }
    for (mode, expect) in [
        (Mode::Compat, "./\n└── a\n└── b.md"),
        (Mode::Extended, "./\n└── a\\n└── b.md"),
    ] {
        let (_directory, memory) = filled(mode, &[("a\n└── b.md", "")]);
        assert_eq!(memory.list_files(), expect);
    }
}

#[test]
fn get_size_counts_bytes() {
    for mode in BOTH {
        let (_directory, memory) = filled(
            mode,
            &[
                ("f.md", "12345"),
                ("d/x.md", "123"),
                ("d/e/y", "1"),
                (".z", "1"),
            ],
        );
        memory.create_file(author(), "g", "1").unwrap();
        for (path, expect) in [("f.md", 5), ("d", 4), ("d/e/..", 4), ("", 11), (".", 11)] {
            assert_eq!(memory.get_size(path), Ok(expect), "{path}");
        }
        for (path, class, message) in [
            ("no.md", "FileNotFoundError", "Path not found: no.md"),
            ("f.md/x", "FileNotFoundError", "Path not found: f.md/x"),
            (
                "../x",
                "PermissionError",
                "'../x' leaves the memory; give a path relative to its root",
            ),
        ] {
            let raised = memory.get_size(path).unwrap_err();
            assert_eq!((raised.class, raised.message.as_str()), (class, message));
        }
    }
}

#[test]
fn linked_folders_are_drawn_if_they_stay_in_the_memory() {
    use std::os::unix::fs::symlink;
    for mode in BOTH {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.md"), "x").unwrap();
        let (directory, memory) = filled(mode, &[("real/a.md", "a"), ("b.md", "b")]);
        for (target, link) in [
            ("real", "linked"),
            ("b.md", "file.md"),
            ("..", "real/up"),
            (outside.path().to_str().unwrap(), "outside"),
        ] {
            symlink(target, directory.path().join(link)).unwrap();
        }
        assert_eq!(
            memory.list_files(),
            "./\n├── b.md\n├── file.md\n├── linked/\n│   ├── a.md\n│   └── up/\n├── outside\n└── real/\n    ├── a.md\n    └── up/"
        );
    }
}

#[test]
fn a_memory_whose_directory_is_gone_says_so() {
    for mode in BOTH {
        let (directory, memory) = filled(mode, &[("user.md", "x")]);
        memory.create_file(author(), "a.md", "x").unwrap();
        std::fs::remove_dir_all(directory.path()).unwrap();
        let gone = "the memory's directory is gone; put it back and open the memory again";
        assert_eq!(memory.read_file("user.md"), format!("Error: {gone}"));
        assert_eq!(memory.list_files(), format!("Error: {gone}"));
        assert_eq!(memory.go_to_link("[[user]]"), format!("Error: {gone}"));
        let raised = memory.create_file(author(), "a.md", "x").unwrap_err();
        assert_eq!(raised.message, format!("Error creating file a.md: {gone}"));
        let updated = update(&memory, "user.md", "x", "y");
        assert_eq!(updated, Err(format!("Error: Unexpected error - {gone}")));
        assert_eq!(memory.get_size("").unwrap_err().class, "FileNotFoundError");
        assert!(!memory.delete_file(author(), "user.md"));
        assert!(!memory.create_dir(author(), "d"));
        assert!(!memory.check_if_file_exists("user.md"));
        assert!(!memory.check_if_dir_exists("."));
    }
}

#[test]
fn names_that_are_no_text_are_shown_and_counted() {
    use std::os::unix::ffi::OsStrExt;
    for mode in BOTH {
        let (directory, memory) = memory(mode);
        let name = std::ffi::OsStr::from_bytes(b"odd\xff");
        std::fs::create_dir(directory.path().join(name)).unwrap();
        std::fs::write(directory.path().join(name).join(name), "123").unwrap();
        assert_eq!(
            memory.list_files(),
            "./\n└── odd\u{fffd}/\n    └── odd\u{fffd}"
        );
        assert_eq!(memory.get_size(""), Ok(3));
        assert!(memory.check().unwrap().is_empty());
        let empty = memex_memory::StaticMemory {
            memory_id: "m".to_owned(),
            user_md: String::new(),
            entities: Vec::new(),
        };
        memory.create_file(author(), "made.md", "x").unwrap();
        memory.reset(author(), &empty).unwrap();
        assert_eq!(memory.list_files(), "./\n└── user.md");
        let long = "x".repeat(256);
        let expect = format!("Error: [Errno 36] File name too long: '{long}'");
        assert_eq!(memory.read_file(&long), expect);
        let deep = "d/".repeat(65) + "x";
        assert_eq!(
            memory.read_file(&deep),
            format!("Error: File {deep} does not exist")
        );
        assert!(memory.create_file(author(), &deep, "").is_err());
        assert_eq!(
            memory.create_file(author(), "\u{202e}é\n.md", "x"),
            Ok(true)
        );
    }
}
