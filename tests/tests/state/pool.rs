//! Pools: many sessions in few slots, asleep in memory and in a store.

mod many;

use memex_runtime::{
    Error, Frame, HostCalls, Outcome, Reply, SessionOptions, SessionState, Step, Ticket, TurnHandle,
};
use memex_sessions::{Pool, PoolError, PoolKey, PoolOptions, PoolPlace};
use memex_snapshots::{
    Digest, DirectoryStore, GcReport, MemoryStore, Record, RecordDraft, Retention, Saved,
    SessionHead, SessionLock, SnapshotId, SnapshotStore,
};
use memex_tests::{sandbox, standard_sandbox};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

fn options(live_max: usize) -> PoolOptions {
    PoolOptions {
        live_max,
        ..PoolOptions::default()
    }
}

/// Sleepers go to the store at once.
fn no_memory(live_max: usize) -> PoolOptions {
    PoolOptions {
        memory_bytes: 0,
        grace: Duration::ZERO,
        ..options(live_max)
    }
}

fn create(pool: &Pool, code: &str) -> PoolKey {
    let key = pool.create(standard_sandbox(), Default::default()).unwrap();
    assert!(pool.run(key, code).unwrap().is_ok());
    key
}

fn value(pool: &Pool, key: PoolKey, code: &str) -> String {
    pool.run(key, code).unwrap().value.unwrap_or_default()
}

/// A store that can be told to fail.
#[derive(Default)]
struct Fragile {
    inner: MemoryStore,
    refuses_writes: AtomicBool,
    refuses_reads: AtomicBool,
    writes: AtomicUsize,
}

impl Fragile {
    fn may(&self, refused: &AtomicBool) -> Result<(), memex_snapshots::Error> {
        match refused.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(memex_snapshots::Error::Busy {
                place: "the test's store".to_owned(),
                what: "it was told to fail",
            }),
        }
    }
}

type Stored<T> = Result<T, memex_snapshots::Error>;

impl SnapshotStore for Fragile {
    fn put(&self, saved: &Saved, draft: &RecordDraft) -> Stored<Record> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.may(&self.refuses_writes)?;
        self.inner.put(saved, draft)
    }

    fn get(&self, id: &SnapshotId) -> Stored<(Record, Vec<u8>)> {
        self.may(&self.refuses_reads)?;
        self.inner.get(id)
    }

    fn chunk(&self, digest: &Digest) -> Stored<Vec<u8>> {
        self.inner.chunk(digest)
    }

    fn session(&self, name: &str) -> Stored<Option<SessionHead>> {
        self.inner.session(name)
    }

    fn set_session(&self, name: &str, from: Option<SnapshotId>, to: SnapshotId) -> Stored<()> {
        self.inner.set_session(name, from, to)
    }

    fn sessions(&self) -> Stored<Vec<SessionHead>> {
        self.inner.sessions()
    }

    fn remove_session(&self, name: &str) -> Stored<()> {
        self.inner.remove_session(name)
    }

    fn trail(&self, id: &SnapshotId) -> Stored<Vec<Record>> {
        self.inner.trail(id)
    }

    fn gc(&self, retention: &Retention, now: SystemTime) -> Stored<GcReport> {
        self.inner.gc(retention, now)
    }

    fn lock_session(&self, name: &str) -> Stored<SessionLock> {
        self.inner.lock_session(name)
    }
}

#[test]
fn a_pool_keeps_few_sessions_awake_and_all_of_them_right() {
    let store = Arc::new(MemoryStore::new());
    for memory_bytes in [1 << 30, 50_000, 0] {
        let options = PoolOptions {
            memory_bytes,
            ..options(3)
        };
        let pool = Pool::with_store(options, store.clone()).unwrap();
        let keys: Vec<_> = (0..12)
            .map(|n| create(&pool, &format!("me = {n}; count = 0")))
            .collect();
        let stats = pool.stats();
        assert_eq!((stats.awake, stats.in_use), (3, 0), "{stats:?}");
        assert_eq!(stats.in_memory + stats.in_store, 9, "{stats:?}");
        assert!(stats.memory_bytes <= memory_bytes, "{stats:?}");
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
            assert_eq!(value(&pool, *key, "me, count"), format!("({n}, 12)"));
        }
        let stats = pool.stats();
        assert!(stats.awake <= 3, "{stats:?}");
        assert_eq!(stats.failures, 0, "{stats:?}");
        pool.remove(keys[0]).unwrap();
        let gone = pool.run(keys[0], "me").unwrap_err();
        assert!(matches!(gone, PoolError::Unknown), "{gone}");
        drop(pool);
        assert!(store.sessions().unwrap().is_empty(), "the pool is gone");
    }
}

#[test]
fn the_least_recent_session_goes_to_sleep_first() {
    let pool = Pool::with_store(no_memory(2), Arc::new(MemoryStore::new())).unwrap();
    let [a, b, c] = ["a = 1", "b = 1", "c = 1"].map(|code| create(&pool, code));
    let places = || [a, b, c].map(|key| pool.place(key).unwrap());
    use PoolPlace::{Awake, Store};
    assert_eq!(places(), [Store, Awake, Awake]);
    value(&pool, b, "b");
    value(&pool, a, "a");
    assert_eq!(places(), [Awake, Awake, Store]);
    let memory = Pool::new(options(0));
    let key = create(&memory, "x = 1");
    assert_eq!(memory.place(key).unwrap(), PoolPlace::Memory);
    assert_eq!(value(&memory, key, "x"), "1");
}

#[test]
fn a_sleeper_in_the_store_is_the_same_session_with_its_files_and_generators() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    let pool = Pool::with_store(no_memory(0), store).unwrap();
    let code = "import random\nrandom.seed(5)\ng = (n for n in range(9)); next(g)\nf = open('/tmp/a', 'w+'); f.write('kept'); f.flush()";
    let (stored, twin) = (create(&pool, code), create(&Pool::new(options(1)), "1"));
    assert_eq!(pool.place(stored).unwrap(), PoolPlace::Store);
    let other = Pool::new(options(0));
    let in_memory = create(&other, code);
    let draw = "random.random(), next(g), f.seek(0), f.read()";
    assert_eq!(value(&pool, stored, draw), value(&other, in_memory, draw));
    assert!(
        matches!(other.run(twin, "1"), Err(PoolError::Unknown)),
        "a key of another pool"
    );
}

/// Goes on with a turn that waits. The guest's own clock stood while it slept, so that it
/// may wait once more.
fn to_its_end(pool: &Pool, key: PoolKey) -> Outcome {
    for _ in 0..100 {
        let step = pool.with(key, |session| session.wait_and_resume());
        if let Step::Done(outcome) = step.unwrap().unwrap() {
            return *outcome;
        }
    }
    panic!("it waits for ever");
}

#[test]
fn a_turn_that_waits_goes_on_from_the_store() {
    let pool = Pool::with_store(no_memory(0), Arc::new(MemoryStore::new())).unwrap();
    let key = create(&pool, "import asyncio\nseen = []");
    let begun = Instant::now();
    let nap = Duration::from_millis(300);
    pool.with(key, |session| {
        let step = session.start("print('before')\nawait asyncio.sleep(0.3)\nseen.append(1)");
        assert!(matches!(step.unwrap(), Step::Waiting { until: Some(_) }));
    })
    .unwrap();
    assert_eq!(pool.place(key).unwrap(), PoolPlace::Store);
    assert!(!pool.is_due(key).unwrap());
    // Woken and put back, it waits for the same moment.
    std::thread::sleep(nap / 2);
    let state = pool.with(key, |session| session.state()).unwrap();
    let SessionState::Waiting { until: Some(until) } = state else {
        panic!("{state:?}");
    };
    assert!(
        until <= begun + nap + Duration::from_millis(250),
        "its time began anew"
    );
    while !pool.is_due(key).unwrap() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    let outcome = to_its_end(&pool, key);
    assert_eq!(outcome.stdout.text, "before\n");
    assert_eq!(value(&pool, key, "seen"), "[1]");
    // A rollback in a turn that was stored returns to the state before it.
    pool.with(key, |session| {
        session
            .start("seen.append(2)\nawait asyncio.sleep(0.01)\nimport os; os.abort()")
            .unwrap();
    })
    .unwrap();
    let outcome = to_its_end(&pool, key);
    assert!(outcome.rolled_back, "{outcome:?}");
    assert_eq!(value(&pool, key, "seen"), "[1]");
}

/// The tools of a sleeper in the store go on, and it is due when they have answered.
#[test]
fn the_tools_of_a_sleeper_stay_with_it() {
    struct Later(Arc<AtomicBool>, usize);
    impl HostCalls for Later {
        fn call(&mut self, _: &Frame<'_>, _: &dyn TurnHandle) -> Reply {
            self.1 += 1;
            Reply::answer(self.1.to_string().into_bytes())
        }
        fn has_answers(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
        fn pending(&self) -> usize {
            1
        }
        fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
            self.0.store(false, Ordering::SeqCst);
            Vec::new()
        }
    }
    let answered = Arc::new(AtomicBool::new(false));
    let pool = Pool::with_store(no_memory(0), Arc::new(MemoryStore::new())).unwrap();
    let options = SessionOptions {
        calls: Some(Box::new(Later(Arc::clone(&answered), 0))),
        ..Default::default()
    };
    let key = pool.create(standard_sandbox(), options).unwrap();
    let call = "import _host, asyncio\n_host.call(b'\\x02\\x00\\x00\\x00\\x00')";
    assert_eq!(value(&pool, key, call), "b'\\x00\\x01\\x00\\x00\\x001'");
    assert_eq!(value(&pool, key, call), "b'\\x00\\x01\\x00\\x00\\x002'");
    pool.with(key, |session| {
        session.start("await asyncio.sleep(3600)").unwrap()
    })
    .unwrap();
    assert_eq!(pool.place(key).unwrap(), PoolPlace::Store);
    assert!(!pool.is_due(key).unwrap());
    answered.store(true, Ordering::SeqCst);
    assert!(pool.is_due(key).unwrap());
    pool.remove(key).unwrap();
    assert!(pool.is_due(key).is_err());
}

#[test]
fn a_store_that_fails_loses_nothing() {
    let store = Arc::new(Fragile::default());
    store.refuses_writes.store(true, Ordering::SeqCst);
    let pool = Pool::with_store(no_memory(1), store.clone()).unwrap();
    let first = create(&pool, "x = 1");
    let failed = Instant::now();
    let second = create(&pool, "x = 2");
    assert_eq!(pool.place(first).unwrap(), PoolPlace::Memory);
    let stats = pool.stats();
    assert!(stats.failures > 0 && stats.last_failure.unwrap().contains("told to fail"));
    // It is left alone for a while, and new sessions are refused meanwhile.
    let writes = store.writes.load(Ordering::SeqCst);
    for key in [first, second, first] {
        value(&pool, key, "x");
    }
    if failed.elapsed() < Duration::from_millis(800) {
        assert_eq!(store.writes.load(Ordering::SeqCst), writes);
    }
    let full = pool
        .create(standard_sandbox(), Default::default())
        .unwrap_err();
    assert!(matches!(full, PoolError::Full { .. }), "{full}");
    store.refuses_writes.store(false, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(value(&pool, second, "x"), "2");
    assert_eq!(pool.place(first).unwrap(), PoolPlace::Store);
    create(&pool, "x = 3");
    // One that cannot be read is not lost either.
    store.refuses_reads.store(true, Ordering::SeqCst);
    let unread = pool.run(first, "x").unwrap_err();
    assert!(matches!(unread, PoolError::Store(_)), "{unread}");
    assert_eq!(pool.place(first).unwrap(), PoolPlace::Store);
    store.refuses_reads.store(false, Ordering::SeqCst);
    assert_eq!(value(&pool, first, "x"), "1");
}

#[test]
fn a_sleeper_is_dropped_without_being_woken() {
    let store = Arc::new(Fragile::default());
    let pool = Pool::with_store(no_memory(0), store.clone()).unwrap();
    let (kept, gone) = (create(&pool, "x = 1"), create(&pool, "x = 2"));
    assert_eq!(store.sessions().unwrap().len(), 2);
    // Waking it would have to read it.
    store.refuses_reads.store(true, Ordering::SeqCst);
    pool.remove(gone).unwrap();
    store.refuses_reads.store(false, Ordering::SeqCst);
    assert_eq!(store.sessions().unwrap().len(), 1);
    assert!(matches!(pool.remove(gone), Err(PoolError::Unknown)));
    // Its place is used again, under another key.
    let next = create(&pool, "x = 3");
    assert_ne!(next, gone);
    assert!(matches!(pool.run(gone, "x"), Err(PoolError::Unknown)));
    assert_eq!(
        (value(&pool, kept, "x"), value(&pool, next, "x")),
        ("1".into(), "3".into())
    );
}

/// One pool serves several policies, and a crowd under one does not move the others.
#[test]
fn live_sessions_are_counted_for_each_policy() {
    let crowded = sandbox(|policy| policy.set_limit("live_sessions", 2).unwrap());
    let roomy = sandbox(|policy| policy.set_limit("live_sessions", 900).unwrap());
    let pool = Pool::new(options(50));
    let others: Vec<_> = (0..4)
        .map(|_| pool.create(&roomy, Default::default()).unwrap())
        .collect();
    let keys: Vec<_> = (0..6)
        .map(|n| {
            let key = pool.create(&crowded, Default::default()).unwrap();
            assert!(pool.run(key, &format!("x = {n}")).unwrap().is_ok());
            key
        })
        .collect();
    assert_eq!(crowded.live_sessions(), 2);
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(value(&pool, *key, "x"), n.to_string());
        assert!(crowded.live_sessions() <= 2);
    }
    for other in others {
        assert_eq!(pool.place(other).unwrap(), PoolPlace::Awake);
    }
    // Those in use cannot make room: the caller is told, and the sleeper sleeps on.
    let crowd = |then: &mut dyn FnMut()| {
        pool.with(keys[0], |_| pool.with(keys[1], |_| then()).unwrap())
            .unwrap();
    };
    crowd(&mut || {
        let refused = pool.run(keys[2], "x").unwrap_err();
        let is_crowded = matches!(&refused, PoolError::Runtime(Error::TooManySessions { .. }));
        assert!(is_crowded, "{refused}");
        assert!(pool.create(&crowded, Default::default()).is_err());
    });
    assert_eq!(value(&pool, keys[2], "x"), "2");
}

/// A pool's bounds refuse new sessions, and say which bound it is.
#[test]
fn a_full_pool_refuses_new_sessions_and_keeps_the_others() {
    let few = PoolOptions {
        sessions_max: 2,
        ..options(1)
    };
    let pool = Pool::new(few);
    let keys = [create(&pool, "x = 1"), create(&pool, "x = 2")];
    let full = pool
        .create(standard_sandbox(), Default::default())
        .unwrap_err();
    assert!(full.to_string().contains("2 sessions, of 2"), "{full}");
    pool.remove(keys[0]).unwrap();
    create(&pool, "x = 3");
    let small = PoolOptions {
        memory_bytes: 1,
        ..options(0)
    };
    let pool = Pool::new(small);
    let key = create(&pool, "x = 1");
    let full = pool
        .create(standard_sandbox(), Default::default())
        .unwrap_err();
    assert!(full.to_string().contains("no store"), "{full}");
    assert_eq!(value(&pool, key, "x"), "1");
    let narrow = PoolOptions {
        store_bytes: 1,
        ..no_memory(0)
    };
    let pool = Pool::with_store(narrow, Arc::new(MemoryStore::new())).unwrap();
    let keys = [
        create(&pool, "x = 1"),
        pool.create(standard_sandbox(), Default::default()).unwrap(),
    ];
    assert_eq!(
        pool.stats().in_store,
        1,
        "the budget is for what comes after"
    );
    let full = pool
        .create(standard_sandbox(), Default::default())
        .unwrap_err();
    assert!(full.to_string().contains("takes no more"), "{full}");
    assert_eq!(value(&pool, keys[0], "x"), "1");
}

/// States of sessions that have woken are collected when they are too many.
#[test]
fn a_store_does_not_fill_with_states_that_nobody_needs() {
    let store = Arc::new(MemoryStore::new());
    let options = PoolOptions {
        store_bytes: 400_000,
        ..no_memory(0)
    };
    let pool = Pool::with_store(options, store.clone()).unwrap();
    let key = create(&pool, "x = 0");
    let one = store.bytes();
    for _ in 0..100 {
        value(&pool, key, "x += 1");
    }
    assert!(store.bytes() < 60 * one, "{} of {one} each", store.bytes());
    assert_eq!(value(&pool, key, "x"), "100");
}

#[test]
fn a_session_in_use_is_waited_for_and_not_for_ever() {
    let options = PoolOptions {
        wait: Duration::from_millis(50),
        ..options(2)
    };
    let pool = Pool::new(options);
    let key = create(&pool, "x = 1");
    let told = pool.with(key, |_| pool.run(key, "x").unwrap_err()).unwrap();
    assert!(matches!(told, PoolError::Busy { .. }), "{told}");
    assert_eq!(value(&pool, key, "x"), "1");
}

/// Where the caller's own code panics, nobody waits for its session for ever.
#[test]
fn a_session_whose_work_panics_leaves_its_pool() {
    let pool = Pool::new(options(2));
    let keys: Vec<_> = (0..2).map(|_| create(&pool, "x = 1")).collect();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.with(keys[0], |session| {
            session.run("x = 1").unwrap();
            panic!("the caller's own");
        })
    }));
    assert!(panicked.is_err());
    let gone = pool.run(keys[0], "x").unwrap_err().to_string();
    assert!(gone.contains("not in this pool"), "{gone}");
    assert_eq!(value(&pool, keys[1], "1 + 1"), "2");
    let stats = pool.stats();
    assert_eq!((stats.awake, stats.in_use), (1, 0));
}
