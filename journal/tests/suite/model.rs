//! Any changes, ends and tidying: a journal is a map.

use memex_journal::{Change, Journal, Options};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u16),
    Remove(u8),
    Tidy,
    /// The process ends, with so many bytes of a record that it was writing.
    Reopen(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..20_u8, 0..600_u16).prop_map(|(key, length)| Step::Put(key, length)),
        3 => (0..20_u8).prop_map(Step::Remove),
        1 => Just(Step::Tidy),
        1 => (0..40_u8).prop_map(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_journal_is_a_map_whatever_happens(steps in prop::collection::vec(step(), 1..120)) {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let options = Options { segment_bytes: 2_048 };
            Journal::open(folder.path(), options).unwrap()
        };
        let (mut journal, mut model) = (open(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Put(key, length) => {
                    let value = vec![key; usize::from(length)];
                    journal.append(&[Change::put(&[key], &value)]).unwrap();
                    model.insert(vec![key], value);
                }
                Step::Remove(key) => {
                    journal.append(&[Change::remove(&[key])]).unwrap();
                    model.remove(&vec![key]);
                }
                Step::Tidy => drop(journal.tidy().unwrap()),
                Step::Reopen(torn) => {
                    drop(journal);
                    let last = crate::files(folder.path()).pop().unwrap();
                    let mut bytes = std::fs::read(&last).unwrap();
                    bytes.extend(b"mxjr".iter().cycle().take(usize::from(torn)));
                    std::fs::write(&last, bytes).unwrap();
                    journal = open();
                }
            }
            let found: BTreeMap<_, _> = journal
                .keys(b"")
                .into_iter()
                .map(|(key, _)| (key.to_vec(), journal.get(&key).unwrap().unwrap()))
                .collect();
            prop_assert_eq!(&found, &model);
        }
    }
}
