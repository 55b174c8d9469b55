//! The index of a corpus.

use memex_suites::passages::{HITS_MAX, PassageIndex, PassageIndexBuilder};
use proptest::prelude::*;

fn index(files: &[(&str, &str)]) -> (tempfile::TempDir, PassageIndex) {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = PassageIndexBuilder::create(&folder.path().join("i.sqlite")).unwrap();
    for (name, text) in files {
        builder.add(name, text).unwrap();
    }
    let index = builder.finish("corpus 1").unwrap();
    (folder, index)
}

#[test]
fn passages_are_found_by_words_and_phrases_and_lie_where_the_hit_says() {
    let filler = "Receipts of the year were as estimated.\n".repeat(200);
    let long = format!("{filler}The silver certificates outstanding fell.\n{filler}");
    let files = [
        ("b_1941_01.txt", "Gold reserve: 22,000\nSilver: 3\n"),
        ("b_1941_02.txt", long.as_str()),
        ("b_1950_01.txt", "gold and silver, silver, silver\n"),
    ];
    let (_folder, index) = index(&files);
    let of = |query: &str, part: Option<&str>| -> Vec<String> {
        let hits = index.search(query, part, 10).unwrap();
        for hit in &hits {
            let (_, text) = files.iter().find(|(name, _)| *name == hit.file).unwrap();
            assert_eq!(hit.file_bytes, text.len() as u64);
            let (start, bytes) = (hit.start as usize, hit.bytes as usize);
            let passage = &text[start..start + bytes];
            assert_eq!(text[..start].matches('\n').count() as u64 + 1, hit.line);
            let first = query
                .trim_matches('"')
                .split(' ')
                .next()
                .unwrap()
                .to_lowercase();
            let stem = &first[..first.len().min(6)];
            assert!(passage.to_lowercase().contains(stem), "{query}: {passage}");
        }
        hits.into_iter().map(|hit| hit.file).collect()
    };
    assert_eq!(of("silver", None)[0], "b_1950_01.txt");
    assert_eq!(of("certificates", None), ["b_1941_02.txt"]);
    assert_eq!(
        of("certificate", None),
        ["b_1941_02.txt"],
        "words are stemmed"
    );
    assert_eq!(of("silver", Some("1941")).len(), 2);
    assert_eq!(of("\"gold reserve\"", None), ["b_1941_01.txt"]);
    assert_eq!(of("gold reserve", None), ["b_1941_01.txt"]);
    // Where no passage has all words, those that have some are given.
    assert_eq!(of("gold platinum", None).len(), 2);
    assert!(of("platinum", None).is_empty());
    let names: Vec<String> = index
        .files()
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect();
    assert_eq!(names, ["b_1941_01.txt", "b_1941_02.txt", "b_1950_01.txt"]);
    assert_eq!(index.files().unwrap()[1].lines, 401);
}

#[test]
fn an_index_is_of_one_corpus() {
    let (folder, _index) = index(&[("a", "x")]);
    let path = folder.path().join("i.sqlite");
    assert!(PassageIndex::open(&path, "corpus 1").unwrap().is_some());
    assert!(PassageIndex::open(&path, "corpus 2").unwrap().is_none());
    assert!(
        PassageIndex::open(&folder.path().join("none"), "c")
            .unwrap()
            .is_none()
    );
    std::fs::write(folder.path().join("no.sqlite"), "no index").unwrap();
    assert!(PassageIndex::open(&folder.path().join("no.sqlite"), "c").is_err());
    let mut builder = PassageIndexBuilder::create(&folder.path().join("j.sqlite")).unwrap();
    builder.add("a", "x").unwrap();
    assert!(builder.add("a", "y").is_err(), "a name is there once");
    drop(builder);
    assert!(
        !folder.path().join("j.sqlite").exists(),
        "an index that is not whole is not there"
    );
}

#[test]
fn searches_are_bounded() {
    let line = "tax\n".repeat(400);
    let texts: Vec<String> = (0..300).map(|n| format!("f{n}")).collect();
    let files: Vec<(&str, &str)> = texts
        .iter()
        .map(|name| (name.as_str(), line.as_str()))
        .collect();
    let (_folder, index) = index(&files);
    assert_eq!(
        index.search("tax", None, 1_000_000).unwrap().len(),
        HITS_MAX
    );
    assert_eq!(index.search("tax", None, 3).unwrap().len(), 3);
    let long = "tax ".repeat(100_000);
    assert_eq!(index.search(&long, None, 3).unwrap().len(), 3);
}

proptest! {
    #[test]
    fn every_text_is_a_query(query in "\\PC{0,60}") {
        thread_local! {
            static INDEX: (tempfile::TempDir, PassageIndex) = index(&[("a", "one AND two NOT three")]);
        }
        INDEX.with(|(_, index)| index.search(&query, None, 3).map(drop)).unwrap();
    }
}
