//! Large memories. The bounds leave ten times the room that a build for
//! release needs; `-- --nocapture` shows what was measured.

use crate::common::{author, memory, put, update};
use memex_memory::Mode;
use std::time::{Duration, Instant};

fn fastest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..10).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    rounds.min().unwrap()
}

fn median(rounds: usize, mut work: impl FnMut(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|round| {
            let started = Instant::now();
            work(round);
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[rounds / 2]
}

#[test]
fn ten_thousand_files_are_listed_and_measured_quickly() {
    let (directory, memory) = memory(Mode::Extended);
    put(directory.path(), "user.md", b"x");
    for n in 0..10_000 {
        put(
            directory.path(),
            &format!("entities/entity_{n}.md"),
            b"- fact: value\n",
        );
    }
    let list = fastest(|| assert_eq!(memory.list_files().lines().count(), 10_003));
    let size = fastest(|| assert_eq!(memory.get_size(""), Ok(140_001)));
    let read = median(1000, |n| {
        assert!(
            memory
                .read_file(&format!("entities/entity_{n}.md"))
                .starts_with('-')
        );
    });
    let write = median(1000, |n| {
        update(
            &memory,
            &format!("entities/entity_{n}.md"),
            "value",
            "other value",
        )
        .unwrap();
    });
    // Directories that were written to just now are read anew for each link.
    std::thread::sleep(Duration::from_millis(300));
    let link = median(1000, |n| {
        assert!(
            memory
                .go_to_link(&format!("[[Entity {n}]]"))
                .starts_with('-')
        );
    });
    println!(
        "list_files {list:?}, get_size {size:?}, read_file {read:?}, update_file {write:?}, go_to_link by name {link:?}"
    );
    assert!(link < Duration::from_millis(1));
    assert!(list < Duration::from_millis(500) && size < Duration::from_millis(200));
    assert!(read < Duration::from_millis(1) && write < Duration::from_millis(50));
}

#[test]
fn a_small_memory_answers_in_microseconds() {
    let (_directory, memory) = memory(Mode::Extended);
    memory.init(author()).unwrap();
    let read = median(1000, |_| {
        assert!(memory.read_file("user.md").starts_with('#'))
    });
    let exists = median(1000, |_| {
        assert!(memory.check_if_file_exists("entities/tove_ek.md"))
    });
    let list = median(1000, |_| assert!(memory.list_files().starts_with("./")));
    let (mut old, mut new) = ("2023".to_owned(), "2024".to_owned());
    let write = median(1000, |_| {
        update(&memory, "entities/tove_ek.md", &old, &new).unwrap();
        std::mem::swap(&mut old, &mut new);
    });
    println!("read_file {read:?}, exists {exists:?}, list_files {list:?}, update_file {write:?}");
    assert!(read < Duration::from_millis(1) && exists < Duration::from_millis(1));
    assert!(list < Duration::from_millis(5) && write < Duration::from_millis(50));
}
