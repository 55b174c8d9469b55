//! How large files and rooms are. A room is a folder of the workspace's root.

use crate::sources::{self, root};
use std::collections::BTreeMap;
use std::path::Path;

/// The longest file of Rust, tests included.
const FILE_LINES_MAX: usize = 500;
/// The largest room, in per cent of the code of all of them.
const ROOM_PER_CENT_MAX: usize = 12;

#[test]
fn files_of_rust_stay_short() {
    let sources = sources::all();
    let lengths = sources
        .iter()
        .map(|source| (source.text.lines().count(), &source.path));
    let mut long: Vec<_> = lengths.clone().collect();
    long.retain(|(lines, _)| *lines > FILE_LINES_MAX);
    assert!(long.is_empty(), "{long:?}");
    let longest = lengths.max().map_or(0, |(lines, _)| lines);
    assert!(longest > 400, "the search finds what is there");
}

/// Code that is run by somebody who is no developer: no tests and no examples.
#[test]
fn no_room_holds_more_than_its_part_of_the_code() {
    let mut rooms = BTreeMap::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') && name != "target" && name != "tests" {
            rooms.insert(name, lines_below(&entry.path()));
        }
    }
    let all: usize = rooms.values().sum();
    assert!(all > 100_000 && rooms.len() > 20, "{rooms:?}");
    for (room, lines) in &rooms {
        assert!(
            lines * 100 <= all * ROOM_PER_CENT_MAX,
            "{room} has {lines} of {all} lines: {rooms:?}"
        );
    }
}

fn lines_below(folder: &Path) -> usize {
    let mut lines = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_apart = ["tests", "examples", "clients", "seeds", "target"].contains(&name.as_str());
        if path.is_dir() {
            lines += match is_apart || name.starts_with('.') {
                true => 0,
                false => lines_below(&path),
            };
        } else if ["rs", "py", "pyi", "js", "sh"]
            .iter()
            .any(|ending| path.extension().is_some_and(|found| found == *ending))
            && name != "tests.rs"
        {
            lines += std::fs::read_to_string(&path).unwrap().lines().count();
        }
    }
    lines
}
