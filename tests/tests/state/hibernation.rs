//! Sessions without a slot.

use memex_runtime::{Frame, HostCalls, Pool, Reply, SessionOptions, TurnHandle};
use memex_tests::{run, standard_sandbox, value_of};

struct Echo;

impl HostCalls for Echo {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        Reply::answer(frame.head.to_vec())
    }
}

#[test]
fn a_woken_session_is_the_same_one() {
    let sandbox = standard_sandbox().clone();
    let options = SessionOptions {
        calls: Some(Box::new(Echo)),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(
        &mut session,
        "import random, _host\nrandom.seed(5)\ng = (n for n in range(9)); next(g)",
    );
    let twin = session.snapshot().unwrap();
    let asleep = session.hibernate().unwrap();
    assert!(asleep.bytes() < 64_000, "{} bytes", asleep.bytes());
    let (mut awake, lost) = asleep.wake().unwrap();
    assert!(lost.is_empty());
    assert_eq!(awake.turns(), 1);
    let frame = "_host.call(b'\\x02\\x02\\x00\\x00\\x0042')";
    assert_eq!(
        value_of(&mut awake, frame),
        "b'\\x00\\x02\\x00\\x00\\x0042'"
    );
    let (mut replay, _) = sandbox
        .restore(&twin, memex_runtime::Generators::Keep, Default::default())
        .unwrap();
    let draw = "random.random(), next(g)";
    assert_eq!(value_of(&mut awake, draw), value_of(&mut replay, draw));
}

#[test]
fn a_pool_keeps_few_sessions_awake_and_all_of_them_right() {
    let pool = Pool::new(standard_sandbox().clone(), 3);
    let keys: Vec<_> = (0..12)
        .map(|n| {
            let key = pool.create(Default::default()).unwrap();
            pool.run(key, &format!("me = {n}; count = 0")).unwrap();
            key
        })
        .collect();
    assert_eq!(pool.counts(), (3, 9));
    std::thread::scope(|scope| {
        for offset in 0..3 {
            let (pool, keys) = (&pool, &keys);
            scope.spawn(move || {
                for round in 0..4 {
                    for step in 0..keys.len() {
                        let key = keys[(step * 5 + offset + round) % keys.len()];
                        assert!(pool.run(key, "count += 1").unwrap().is_ok());
                    }
                }
            });
        }
    });
    for (n, key) in keys.iter().enumerate() {
        let value = pool.run(*key, "me, count").unwrap().value;
        assert_eq!(value, Some(format!("({n}, 12)")));
    }
    let (awake, _) = pool.counts();
    assert!(awake <= 3, "{awake} are awake");
    pool.remove(keys[0]).unwrap();
    assert!(pool.run(keys[0], "me").is_err());
}

/// A hundred thousand sessions asleep, and any of them woken: run it with
/// `--ignored --nocapture` to see what it takes.
#[test]
#[ignore = "takes a gigabyte and some minutes"]
fn a_hundred_thousand_sessions_sleep() {
    const COUNT: usize = 100_000;
    let sandbox = standard_sandbox();
    let mut bytes = 0;
    let mut asleep: Vec<_> = (0..COUNT)
        .map(|n| {
            let mut session = sandbox.session(Default::default()).unwrap();
            run(&mut session, &format!("me = {n}"));
            let session = session.hibernate().unwrap();
            bytes += session.bytes();
            Some(session)
        })
        .collect();
    let mut took = Vec::new();
    for step in 0..1_000 {
        let n = step * 7_919 % COUNT;
        let session = asleep[n].take().unwrap();
        let begun = std::time::Instant::now();
        let (mut session, _) = session.wake().unwrap();
        took.push(begun.elapsed());
        assert_eq!(value_of(&mut session, "me"), n.to_string());
    }
    took.sort_unstable();
    println!(
        "{} bytes each; woken in {:?} (p50), {:?} (p99)",
        bytes / COUNT as u64,
        took[500],
        took[990]
    );
}

/// Where the caller's own code panics, nobody waits for its session for ever.
#[test]
fn a_session_whose_work_panics_leaves_its_pool() {
    let pool = Pool::new(standard_sandbox().clone(), 2);
    let keys: Vec<_> = (0..2)
        .map(|_| pool.create(Default::default()).unwrap())
        .collect();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.with(keys[0], |session| {
            session.run("x = 1").unwrap();
            panic!("the caller's own");
        })
    }));
    assert!(panicked.is_err());
    let gone = pool.run(keys[0], "x").unwrap_err().to_string();
    assert!(gone.contains("not in this pool"), "{gone}");
    assert_eq!(
        pool.run(keys[1], "1 + 1").unwrap().value.as_deref(),
        Some("2")
    );
    assert_eq!(pool.counts(), (1, 0));
}
