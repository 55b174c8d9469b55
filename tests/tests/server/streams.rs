//! Turns as streams of events.

use crate::world::World;
use serde_json::json;
use std::time::Duration;

#[test]
fn events_come_in_order_and_one_print_is_one_event() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let code =
        "import sys\nprint('one')\nprint('é')\nprint('err', file=sys.stderr)\ndisplay(1)\n40 + 2";
    let events = world
        .client("a")
        .events(&format!("{sandbox}/turns"), json!({ "code": code }))
        .all();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..4],
        ["started", "stdout", "stdout", "stderr"],
        "{events:?}"
    );
    assert_eq!(events[1].1["text"], "one\n");
    assert_eq!(events[2].1["text"], "é\n");
    assert!(names.contains(&"display"));
    let (last, outcome) = events.last().unwrap();
    assert_eq!((last.as_str(), &outcome["value"]), ("done", &json!("42")));
}

#[test]
fn output_comes_while_the_turn_runs() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let code = "import time\nprint('first')\ntime.sleep(1.5)\nprint('second')";
    let mut events = world
        .client("a")
        .events(&format!("{sandbox}/turns"), json!({ "code": code }));
    let began = std::time::Instant::now();
    assert_eq!(events.next().unwrap().0, "started");
    assert_eq!(events.next().unwrap().1["text"], "first\n");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(events.all().len(), 2);
}

/// A reader that takes nothing holds up neither the guest nor the server.
#[test]
fn a_reader_that_takes_nothing_holds_nobody_up() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    // As much as the policy delivers, which is more than sockets take.
    let code = "for n in range(9): print('x' * 100_000)\ndone = 1";
    let events = world
        .client("a")
        .events(&format!("{sandbox}/turns"), json!({ "code": code }));
    assert_eq!(client.value(&sandbox, "done"), "1");
    let all = events.all();
    assert_eq!(all.last().unwrap().0, "done");
}
