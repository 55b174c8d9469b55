//! What many sleepers cost, and where they go.

use super::{create, no_memory, options, value};
use memex_sessions::{Pool, PoolKey, PoolOptions};
use memex_snapshots::{DirectoryStore, MemoryStore, SnapshotStore};
use memex_tests::standard_sandbox;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What pools of processes that were killed left behind goes; what lives stays.
#[test]
fn the_sleepers_of_dead_pools_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(DirectoryStore::open(folder.path()).unwrap());
    let names = || open().sessions().unwrap().len();
    let living = Pool::with_store(no_memory(0), open()).unwrap();
    let key = create(&living, "x = 1");
    let (record, _) = {
        let head = open().sessions().unwrap().remove(0);
        open().get(&head.snapshot).unwrap()
    };
    for name in [
        "pool.00000000000000ff.1",
        "pool.00000000000000ff.2",
        "pools.1.1",
    ] {
        open().set_session(name, None, record.id).unwrap();
    }
    let dead = open().lock_session("pool.00000000000000ff").unwrap();
    drop(Pool::with_store(no_memory(0), open()).unwrap());
    assert_eq!(names(), 4, "somebody holds the lock");
    drop(dead);
    drop(Pool::with_store(no_memory(0), open()).unwrap());
    assert_eq!(names(), 2, "the living pool's, and one that is no pool's");
    assert_eq!(value(&living, key, "x"), "1");
}

/// What a turn costs beyond the session's own run, among so many sleepers.
fn overhead(pool: &Pool, key: PoolKey) -> Duration {
    let mut took: Vec<Duration> = (0..2_001)
        .map(|_| {
            let begun = Instant::now();
            let run = pool.with(key, |session| {
                let begun = Instant::now();
                assert!(session.run("pass").unwrap().is_ok());
                begun.elapsed()
            });
            begun.elapsed().saturating_sub(run.unwrap())
        })
        .collect();
    took.sort_unstable();
    took[1_000]
}

/// Fills a pool with sleepers whose states are few: what is measured is what comes beside
/// them. Returns their keys.
fn filled(pool: &Pool, count: usize) -> Vec<PoolKey> {
    let sandbox = standard_sandbox();
    let mut session = sandbox.session(Default::default()).unwrap();
    session.run("me = 1").unwrap();
    let snapshot = session.snapshot().unwrap();
    let generators = memex_runtime::Generators::Keep;
    (0..count)
        .map(|_| {
            let restored = sandbox.restore(&snapshot, generators, Default::default());
            pool.insert(restored.unwrap().0).unwrap()
        })
        .collect()
}

#[test]
fn a_turn_costs_the_same_among_thousands_of_sleepers() {
    let options = PoolOptions {
        memory_bytes: 20 << 20,
        ..options(4)
    };
    let pool = Pool::with_store(options, Arc::new(MemoryStore::new())).unwrap();
    let alone = create(&pool, "x = 1");
    let before = overhead(&pool, alone);
    let keys = filled(&pool, 4_000);
    let stats = pool.stats();
    assert_eq!((stats.awake, stats.failures), (4, 0), "{stats:?}");
    assert!(stats.in_memory > 100 && stats.in_store > 100, "{stats:?}");
    assert_eq!(value(&pool, alone, "x"), "1");
    let after = overhead(&pool, alone);
    // Walking 4,000 entries takes ten times as long as this allows.
    assert!(
        after < before * 4 + Duration::from_micros(5),
        "{before:?}, then {after:?}"
    );
    for key in keys.iter().step_by(397) {
        assert_eq!(value(&pool, *key, "me"), "1");
    }
    for key in keys.into_iter().chain([alone]) {
        pool.remove(key).unwrap();
    }
    let stats = pool.stats();
    assert_eq!(
        (stats.in_memory, stats.in_store, stats.memory_bytes),
        (0, 0, 0),
        "{stats:?}"
    );
}

/// A hundred thousand sessions asleep, and any of them woken: run it with
/// `--ignored --nocapture` to see what it takes.
#[test]
#[ignore = "takes a gigabyte and some minutes"]
fn a_hundred_thousand_sessions_sleep() {
    const COUNT: usize = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let durability = memex_snapshots::Durability::Flush;
    let store = DirectoryStore::open_with(folder.path(), durability).unwrap();
    let options = PoolOptions {
        memory_bytes: 512 << 20,
        ..options(16)
    };
    let pool = Pool::with_store(options, Arc::new(store)).unwrap();
    let begun = Instant::now();
    let keys: Vec<_> = (0..COUNT)
        .map(|n| create(&pool, &format!("me = {n}")))
        .collect();
    println!(
        "{COUNT} sessions in {:?}; {:?}",
        begun.elapsed(),
        pool.stats()
    );
    let mut took = Vec::new();
    for step in 0..1_000 {
        let n = step * 7_919 % COUNT;
        let begun = Instant::now();
        assert_eq!(value(&pool, keys[n], "me"), n.to_string());
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    println!(
        "a turn of a sleeper: {:?} (p50), {:?} (p99)",
        took[500], took[990]
    );
    println!("overhead of a turn: {:?}", overhead(&pool, keys[7]));
}
