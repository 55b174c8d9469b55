//! What every store does.

use std::sync::Arc;

use memex_snapshots::{
    CHUNK_BYTES_MAX, Digest, Error, HEAD_BYTES_MAX, RecordDraft, Saved, SnapshotId,
};

use crate::common::{chain, draft, state, with_each_store};

#[test]
fn what_was_put_comes_back() {
    with_each_store(|kind, store| {
        let noise: Vec<u8> = (0..CHUNK_BYTES_MAX as u64)
            .flat_map(|n| noise_of(n).to_le_bytes())
            .take(CHUNK_BYTES_MAX)
            .collect();
        let cases = [
            Saved::from_head(Vec::new()),
            Saved::from_head(b"small".to_vec()),
            Saved::from_head(b"chunks".to_vec())
                .with_chunk(Vec::new())
                .with_chunk(vec![0; CHUNK_BYTES_MAX])
                .with_chunk(noise)
                .with_chunk(Vec::new()),
            Saved::from_head(vec![1; 1 << 20]),
        ];
        for saved in &cases {
            let mut drawn = draft(3, Some(SnapshotId::of(b"parent")));
            drawn.label = Some("before the flood".to_owned());
            let record = store.put(saved, &drawn).unwrap();
            assert_eq!(record.id, SnapshotId::of(&saved.head), "{kind}");
            assert_eq!(record.chunk_ids, saved.chunk_ids, "{kind}");
            assert_eq!(record.head_bytes, saved.head.len() as u64, "{kind}");
            assert_eq!(record.parent, drawn.parent, "{kind}");
            assert_eq!(record.label, drawn.label, "{kind}");
            assert_eq!(record.first_line, "x = 3", "{kind}");
            assert_eq!(
                store.get(&record.id).unwrap(),
                (record.clone(), saved.head.clone())
            );
            let given: Vec<Vec<u8>> = saved
                .chunks
                .iter()
                .map(|(_, bytes)| bytes.to_vec())
                .collect();
            assert_eq!(store.chunks(&record.chunk_ids).unwrap(), given, "{kind}");
        }
    });
}

#[test]
fn chunks_are_shared_and_may_be_left_out() {
    with_each_store(|kind, store| {
        let records = chain(&*store, "a", 2);
        assert!(records[0].chunk_bytes > 0);
        let own = records[1].chunk_bytes;
        assert!(own > 0 && own < records[0].chunk_bytes, "{kind}: {own}");

        let mut saved = state("a", 2);
        saved.head = b"another head, the same chunks".to_vec();
        saved.chunks.clear();
        let record = store.put(&saved, &draft(3, Some(records[1].id))).unwrap();
        assert_eq!(record.chunk_bytes, 0, "{kind}");
        assert_eq!(store.chunk(&record.chunk_ids[0]).unwrap(), vec![7; 10_000]);
    });
}

#[test]
fn the_same_head_is_one_snapshot() {
    with_each_store(|kind, store| {
        let first = store.put(&state("a", 1), &draft(1, None)).unwrap();
        let again = store
            .put(&state("a", 1), &draft(9, Some(first.id)))
            .unwrap();
        assert_eq!(again, first, "{kind}");
        let other = Saved {
            chunk_ids: Vec::new(),
            ..state("a", 1)
        };
        let error = store.put(&other, &draft(1, None)).unwrap_err();
        assert!(
            matches!(error, Error::OtherChunks { id } if id == first.id),
            "{kind}: {error}"
        );
    });
}

#[test]
fn what_may_not_be_stored_is_refused() {
    with_each_store(|kind, store| {
        let unknown = Digest::of(b"never given");
        let bytes: Arc<[u8]> = Arc::from(*b"something else");
        let missing = Saved {
            chunk_ids: vec![unknown],
            ..Saved::from_head(b"1".to_vec())
        };
        let wrong = Saved {
            chunks: vec![(unknown, bytes)],
            ..missing.clone()
        };
        let large = Saved::from_head(b"3".to_vec()).with_chunk(vec![0; CHUNK_BYTES_MAX + 1]);
        let head = Saved::from_head(vec![0; HEAD_BYTES_MAX + 1]);
        let plain = draft(1, None);
        let label = RecordDraft {
            label: Some("l".repeat(201)),
            ..draft(1, None)
        };
        let cases = [
            (&missing, &plain, format!("chunk {unknown} is not in the store; rewind to a snapshot that does not need it, or save again with its bytes")),
            (&wrong, &plain, format!("a chunk given as {unknown} is not that chunk; name each by the BLAKE3 digest of its bytes")),
            (&large, &plain, "a chunk, in bytes, is 1048577, more than the 1048576 allowed; split it".to_owned()),
            (&head, &plain, "the head, in bytes, is 16777217, more than the 16777216 allowed; move what is large into chunks".to_owned()),
            (&missing, &label, "the label, in bytes, is 201, more than the 200 allowed; shorten it".to_owned()),
        ];
        for (saved, drawn, message) in cases {
            assert_eq!(
                store.put(saved, drawn).unwrap_err().to_string(),
                message,
                "{kind}"
            );
            let id = SnapshotId::of(&saved.head);
            assert!(
                matches!(store.get(&id), Err(Error::NoSnapshot { .. })),
                "{kind}"
            );
        }
    });
}

#[test]
fn what_is_not_there_has_an_error() {
    with_each_store(|kind, store| {
        let id = SnapshotId::of(b"nothing");
        let digest = Digest::of(b"nothing");
        assert!(
            matches!(store.get(&id), Err(Error::NoSnapshot { id: i }) if i == id),
            "{kind}"
        );
        assert!(
            matches!(store.trail(&id), Err(Error::NoSnapshot { id: i }) if i == id),
            "{kind}"
        );
        assert!(
            matches!(store.chunk(&digest), Err(Error::MissingChunk { digest: d }) if d == digest)
        );
        assert!(
            matches!(
                store.set_session("s", None, id),
                Err(Error::NoSnapshot { .. })
            ),
            "{kind}"
        );
        assert!(
            matches!(store.remove_session("s"), Err(Error::NoSession { .. })),
            "{kind}"
        );
        assert_eq!(store.session("s").unwrap(), None, "{kind}");
        assert_eq!(store.sessions().unwrap(), [], "{kind}");
    });
}

#[test]
fn sessions_move_only_from_where_they_stand() {
    with_each_store(|kind, store| {
        let records = chain(&*store, "a", 3);
        let [one, two, three] = [records[0].id, records[1].id, records[2].id];
        store.set_session("work", None, one).unwrap();
        store.set_session("work", Some(one), two).unwrap();
        store.set_session("Also-this_1.x", None, one).unwrap();
        assert_eq!(
            store.session("work").unwrap().unwrap().snapshot,
            two,
            "{kind}"
        );
        let names: Vec<String> = store
            .sessions()
            .unwrap()
            .into_iter()
            .map(|head| head.name)
            .collect();
        assert_eq!(names, ["Also-this_1.x", "work"], "{kind}");

        for (name, expected, found) in [
            ("work", Some(one), Some(two)),
            ("work", None, Some(two)),
            ("new", Some(one), None),
        ] {
            let error = store.set_session(name, expected, three).unwrap_err();
            let shown = |id: Option<SnapshotId>| id.map_or("nothing".to_owned(), |id| id.short());
            assert_eq!(
                error.to_string(),
                format!(
                    "session {name:?} was to move from {} but is at {}; another process moved it: read it again, or save under another name",
                    shown(expected),
                    shown(found)
                ),
                "{kind}"
            );
        }
        assert_eq!(
            store.session("work").unwrap().unwrap().snapshot,
            two,
            "{kind}"
        );
        store.remove_session("work").unwrap();
        assert_eq!(store.session("work").unwrap(), None, "{kind}");
        store.set_session("work", None, three).unwrap();
    });
}

#[test]
fn names_that_could_be_paths_are_refused() {
    let long = "n".repeat(101);
    let cases = [
        ("", "it is empty"),
        (".hidden", "it starts with a dot"),
        ("..", "it starts with a dot"),
        ("a/b", "it holds a character that names cannot have"),
        ("a\\b", "it holds a character that names cannot have"),
        ("a b", "it holds a character that names cannot have"),
        ("a\0", "it holds a character that names cannot have"),
        ("é", "it holds a character that names cannot have"),
        (long.as_str(), "it is longer than 100 characters"),
    ];
    with_each_store(|kind, store| {
        let id = store.put(&state("a", 1), &draft(1, None)).unwrap().id;
        for (name, reason) in cases {
            let message = format!(
                "session name {name:?} cannot be used: {reason}; use 1 to 100 of A-Z a-z 0-9 . _ - and no dot in front"
            );
            let errors = [
                store.session(name).unwrap_err(),
                store.set_session(name, None, id).unwrap_err(),
                store.remove_session(name).unwrap_err(),
                store.lock_session(name).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string(), message, "{kind}");
            }
        }
        for name in ["a", "A.b-c_9", &"n".repeat(100)] {
            store.set_session(name, None, id).unwrap();
            assert_eq!(store.session(name).unwrap().unwrap().name, name, "{kind}");
        }
    });
}

#[test]
fn a_trail_leads_to_the_beginning_and_no_further() {
    with_each_store(|kind, store| {
        let records = chain(&*store, "a", 5);
        let trail = store.trail(&records[4].id).unwrap();
        let expected: Vec<_> = records.iter().rev().cloned().collect();
        assert_eq!(trail, expected, "{kind}");

        // A circle: b follows a, and a says that it follows b.
        let b = SnapshotId::of(b"b");
        let a = store
            .put(&Saved::from_head(b"a".to_vec()), &draft(1, Some(b)))
            .unwrap();
        let b = store
            .put(&Saved::from_head(b"b".to_vec()), &draft(2, Some(a.id)))
            .unwrap();
        assert_eq!(
            store.trail(&b.id).unwrap(),
            [b.clone(), a.clone()],
            "{kind}"
        );
        let own = SnapshotId::of(b"own parent");
        let own = store
            .put(
                &Saved::from_head(b"own parent".to_vec()),
                &draft(1, Some(own)),
            )
            .unwrap();
        assert_eq!(store.trail(&own.id).unwrap(), [own], "{kind}");
        let orphan = draft(4, Some(SnapshotId::of(b"gone")));
        let orphan = store
            .put(&Saved::from_head(b"orphan".to_vec()), &orphan)
            .unwrap();
        assert_eq!(store.trail(&orphan.id).unwrap(), [orphan], "{kind}");
    });
}

#[test]
fn one_at_a_time_holds_a_session() {
    with_each_store(|kind, store| {
        let lock = store.lock_session("work").unwrap();
        assert!(lock.is_held() && lock.name() == "work");
        let other = store.lock_session("other").unwrap();
        let error = store.lock_session("work").unwrap_err();
        let own = std::process::id();
        assert!(
            matches!(&error, Error::SessionInUse { name, pid: Some(pid), .. } if name == "work" && *pid == own),
            "{kind}: {error}"
        );
        drop(other);
        drop(lock);
        drop(store.lock_session("work").unwrap());
    });
}

#[test]
fn records_keep_one_harmless_line() {
    with_each_store(|kind, store| {
        let mut drawn = draft(1, None);
        drawn.first_line = "print('\u{1b}[2J\u{202e}')\t# é\nsecond".to_owned();
        let record = store.put(&Saved::from_head(b"1".to_vec()), &drawn).unwrap();
        assert_eq!(record.first_line, "print('?[2J?') # é", "{kind}");
        drawn.first_line = "é".repeat(300);
        let record = store.put(&Saved::from_head(b"2".to_vec()), &drawn).unwrap();
        assert_eq!(record.first_line, "é".repeat(200), "{kind}");
        assert_eq!(store.get(&record.id).unwrap().0, record, "{kind}");
    });
}

/// Bytes that do not compress.
fn noise_of(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
