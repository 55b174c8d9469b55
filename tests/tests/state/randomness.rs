//! Copies draw different numbers, unless they are to replay.

use crate::{restored, through_bytes};
use memex_runtime::Generators;
use memex_tests::{run, session, standard_sandbox, value_of};

const DRAWS: &[&str] = &[
    "import random; [random.random() for _ in range(3)]",
    "import random; random.getrandbits(64), random.gauss(0, 1)",
    "import numpy as np; np.random.rand(2).tolist()",
    "import numpy as np; np.random.default_rng().integers(1 << 40).item()",
];
const ALWAYS_FRESH: &[&str] = &[
    "import os; os.urandom(8)",
    "import uuid; uuid.uuid4()",
    "import secrets; secrets.token_hex(8)",
];

#[test]
fn copies_draw_numbers_of_their_own() {
    let sandbox = standard_sandbox().clone();
    let mut original = session();
    run(
        &mut original,
        "import random, numpy as np; random.seed(1); np.random.seed(1); random.random()",
    );
    let snapshot = original.snapshot().unwrap();
    let snapshot = [
        snapshot.clone(),
        through_bytes(&sandbox, &snapshot, Generators::Fresh),
    ];
    for draw in DRAWS.iter().chain(ALWAYS_FRESH) {
        let mut seen: Vec<String> = snapshot
            .iter()
            .flat_map(|snapshot| [snapshot, snapshot])
            .map(|snapshot| value_of(&mut restored(&sandbox, snapshot), draw))
            .collect();
        seen.push(value_of(
            &mut original.fork(1, |_| Default::default()).unwrap()[0],
            draw,
        ));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5, "{draw}: {seen:?}");
    }
}

#[test]
fn replays_draw_the_same_numbers() {
    let sandbox = standard_sandbox().clone();
    let mut original = session();
    run(
        &mut original,
        "import random, numpy as np; random.seed(1); np.random.seed(1); random.random()",
    );
    let snapshot = original.snapshot().unwrap();
    let decoded = through_bytes(&sandbox, &snapshot, Generators::Keep);
    for draw in &DRAWS[..3] {
        let draws: Vec<String> = [&snapshot, &decoded]
            .into_iter()
            .map(|snapshot| {
                let (mut copy, _) = sandbox
                    .restore(snapshot, Generators::Keep, Default::default())
                    .unwrap();
                value_of(&mut copy, draw)
            })
            .collect();
        assert_eq!(draws[0], draws[1], "{draw}");
    }
    let fresh: Vec<String> = ALWAYS_FRESH
        .iter()
        .flat_map(|draw| {
            [0, 1].map(|_| {
                let (mut copy, _) = sandbox
                    .restore(&decoded, Generators::Keep, Default::default())
                    .unwrap();
                value_of(&mut copy, draw)
            })
        })
        .collect();
    for pair in fresh.chunks(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn monotonic_clocks_do_not_go_back() {
    let sandbox = standard_sandbox().clone();
    let mut original = session();
    run(
        &mut original,
        "import time; before = time.monotonic(); time.sleep(0.05)",
    );
    let snapshot = original.snapshot().unwrap();
    let decoded = through_bytes(&sandbox, &snapshot, Generators::Fresh);
    let mut copy = restored(&sandbox, &decoded);
    assert_eq!(
        value_of(&mut copy, "time.monotonic() - before >= 0.05"),
        "True"
    );
}

#[test]
fn a_head_without_generators_is_the_same_state_with_numbers_of_its_own() {
    let sandbox = standard_sandbox().clone();
    let mut original = session();
    run(
        &mut original,
        "import random, numpy as np; random.seed(1); np.random.seed(1); x = [random.random()]",
    );
    let snapshot = original.snapshot().unwrap();
    let mut encoded = sandbox.encode(&snapshot, Generators::Keep).unwrap();
    let kept = crate::decode(&sandbox, &encoded).unwrap();
    encoded.head = memex_runtime::without_generators(&encoded.head).unwrap();
    let fresh = crate::decode(&sandbox, &encoded).unwrap();
    for draw in &DRAWS[..3] {
        let drawn = |snapshot: &memex_runtime::Snapshot| {
            let restored = sandbox.restore(snapshot, Generators::Keep, Default::default());
            value_of(&mut restored.unwrap().0, draw)
        };
        assert_eq!(drawn(&kept), drawn(&snapshot), "{draw}");
        let (first, second) = (drawn(&fresh), drawn(&fresh));
        assert!(first != second && first != drawn(&kept), "{draw}");
    }
    let x = |snapshot| value_of(&mut restored(&sandbox, snapshot), "x");
    assert_eq!(x(&fresh), x(&kept));
    // It is the same once more, and of what is no head there is none.
    let again = memex_runtime::without_generators(&encoded.head).unwrap();
    assert_eq!(again, encoded.head);
    for length in [0, 8, 40, encoded.head.len() - 1] {
        assert!(memex_runtime::without_generators(&encoded.head[..length]).is_err());
    }
}
