//! The one rule for names that become files and directories.

use memex_policies::{PLAIN_NAME_BYTES_MAX, Policy, check_plain_name, check_plain_path};

const HOSTILE: &[&str] = &[
    "",
    ".",
    "..",
    "...",
    "..a",
    ".a",
    "/",
    "/a",
    "a/",
    "a/b",
    "a/..",
    "a/.",
    "../a",
    "\\",
    "a\\b",
    "..\\a",
    "\0",
    "a\0",
    "a\n",
    "a\r",
    "a\tb",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}2J",
    "a\u{202e}b",
    "\u{2066}a",
    "a\u{200f}",
    " ",
    " a",
    "a ",
    "\u{a0}a",
    "a\u{2003}",
];

#[test]
fn a_plain_name_is_one_visible_component_of_a_path() {
    let longest = "x".repeat(PLAIN_NAME_BYTES_MAX);
    for name in [
        "a",
        "A-1_b.c",
        "notes of 2026",
        "a..b",
        "a..",
        "-a",
        "é",
        "名前",
        "\u{2025}",
        "\u{ff0f}",
        "a:b",
        "~",
        "$HOME",
        "*",
        longest.as_str(),
    ] {
        assert_eq!(check_plain_name(name), Ok(()), "{name:?}");
        // What the rule is for: it stays in the directory.
        let path = std::path::Path::new("/d").join(name);
        assert_eq!(path.parent(), Some(std::path::Path::new("/d")), "{name:?}");
        assert_eq!(path.file_name(), Some(name.as_ref()), "{name:?}");
    }
    let longer = format!("{longest}x");
    for name in HOSTILE.iter().copied().chain([longer.as_str()]) {
        let error = check_plain_name(name).unwrap_err();
        assert_eq!(error.name, name);
        let told = error.to_string();
        assert!(told.contains("is not a plain name: it "), "{told}");
        assert!(!told.contains(|c: char| c.is_control()), "{told:?}");
    }
}

#[test]
fn a_plain_path_is_made_of_plain_names() {
    for path in ["a", "a/b", "docs/2026/report 1.txt"] {
        assert_eq!(check_plain_path(path), Ok(()), "{path}");
    }
    for path in [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "a/.",
        "./a",
        "a/.git/config",
        "a\\..\\b",
    ] {
        assert!(check_plain_path(path).is_err(), "{path}");
    }
}

#[test]
fn no_shared_scratch_has_a_name_that_is_not_plain() {
    let named = |name: &str| {
        let name = toml_string(name);
        Policy::parse(&format!("version = 1\n[shared_scratch]\nname = {name}\n"))
    };
    assert!(named("team").is_ok());
    for name in HOSTILE {
        assert!(named(name).is_err(), "{name:?}");
    }
}

fn toml_string(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| format!("\\U{:08X}", u32::from(c)))
        .collect();
    format!("\"{escaped}\"")
}
