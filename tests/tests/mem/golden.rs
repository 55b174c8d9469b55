//! The results of blocks in compat mode, byte by byte.
//!
//! `golden/compat.json` holds blocks of our own and the results that the specification of the
//! trained model's scaffold gives them. They were written by an executor of a few lines in ordinary
//! Python, which has the ten operations over a directory, and not by this program.

use crate::desk::Desk;
use memex_memory::Mode;
use memex_tests::each;
use serde::Deserialize;

const GOLDEN: &str = include_str!("golden/compat.json");
/// What every memory holds before its blocks run.
const FILES: [(&str, &str); 3] = [
    ("user.md", "- name: Ada\n- city: Graz\n"),
    ("entities/bo.md", "# Bo\n- friend: [[user]]\n"),
    ("entities/deep/x.md", "x\n"),
];

/// Blocks of one conversation.
#[derive(Debug, Deserialize)]
struct Case {
    blocks: Vec<Block>,
}

#[derive(Debug, Deserialize)]
struct Block {
    code: String,
    result: String,
}

#[test]
fn results_of_blocks_are_those_of_the_specification_byte_by_byte() {
    let cases: Vec<Case> = serde_json::from_str(GOLDEN).unwrap();
    let count: usize = cases.iter().map(|case| case.blocks.len()).sum();
    assert!(count >= 300, "{count}");
    let desk = Desk::new(Mode::Compat);
    each(&cases, |case| {
        // Every case begins with the same memory; its records stay.
        for entry in std::fs::read_dir(desk.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".memex") {
                continue;
            }
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).unwrap(),
                false => std::fs::remove_file(path).unwrap(),
            }
        }
        for (path, text) in FILES {
            let path = desk.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let blocks: Vec<&str> = case
            .blocks
            .iter()
            .map(|block| block.code.as_str())
            .collect();
        let results = desk.results(&blocks);
        for (block, result) in case.blocks.iter().zip(&results) {
            assert_eq!(*result, block.result, "{}", block.code);
        }
    });
}
