//! `memex bench turns`: what is measured, what is refused, and what a comparison says.

use crate::agent::support::{Bench, runs, says};
use crate::memex::{Ran, command, memex, spawn};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

/// Runs `memex bench …` in a folder.
fn bench(folder: &Bench, arguments: &[&str]) -> Ran {
    let mut command = command(&[&["bench"], arguments].concat());
    command.current_dir(folder.at(""));
    command.output().unwrap().into()
}

/// The medians of figures, by name.
fn medians(ran: &Ran) -> BTreeMap<String, f64> {
    let figures = ran.objects();
    let median = |figure: &Value| {
        let name = figure["name"].as_str().unwrap().to_owned();
        (name, figure["p50"].as_f64().unwrap())
    };
    figures.iter().map(median).collect()
}

#[test]
fn turns_are_measured_in_order_from_the_state_before_them() {
    let folder = Bench::new();
    folder.write("setup.py", "counter = 10\n");
    folder.write("first.py", "counter += 1\nassert counter == 11, counter\n");
    folder.write(
        "grow.py",
        "block = bytearray(40_960) * 10\nassert counter == 11\nblock[::64] = b'x' * 6_400\n",
    );
    let arguments = [
        "turns", "first.py", "grow.py", "-c", "pass", "--setup", "setup.py",
    ];
    let ran = bench(
        &folder,
        &[&arguments[..], &["--repeat", "6", "--json"]].concat(),
    );
    // A run that began in another run's state would fail its assertion.
    assert_eq!(ran.status, 0, "{ran:#?}");
    for figure in ran.objects() {
        let keys = ["name", "unit", "n", "p50", "p99", "min", "note"];
        assert!(keys.iter().all(|key| figure.get(key).is_some()), "{figure}");
        let n = figure["n"].as_u64().unwrap();
        let once = figure["name"].as_str().unwrap().ends_with("snapshot_bytes");
        assert_eq!(n, if once { 1 } else { 6 }, "{figure}");
    }
    let medians = medians(&ran);
    for quantity in [
        "wall_us",
        "guest_us",
        "host_calls",
        "memory_bytes",
        "changed_pages",
        "snapshot_bytes",
    ] {
        for turn in ["first.py", "grow.py", "block-3"] {
            assert!(
                medians.contains_key(&format!("{turn}:{quantity}")),
                "{turn} {quantity}"
            );
        }
    }
    assert!(!medians.contains_key("first.py:fuel"));
    let pages = |turn: &str| medians[&format!("{turn}:changed_pages")];
    // 400 KB are written by one turn, and are not counted again for the next one.
    assert!(pages("grow.py") >= 100.0, "{medians:?}");
    assert!(
        pages("block-3") < 60.0 && pages("block-3") > 0.0,
        "{medians:?}"
    );
    assert!(medians["block-3:snapshot_bytes"] > medians["first.py:snapshot_bytes"]);
    assert!(ran.stderr.contains("turn 2 of 3: grow.py"), "{ran:#?}");
}

#[test]
fn fuel_is_equal_on_every_run_and_in_every_process() {
    let folder = Bench::new();
    folder.write(
        "steady.py",
        "import random\nsum(random.random() for _ in range(100))\n",
    );
    // Sessions start with random generators of their own.
    folder.write("seed.py", "import random\nrandom.seed(1)\n");
    let fuel = || {
        let arguments = ["turns", "steady.py", "--setup", "seed.py", "--fuel"];
        let ran = bench(
            &folder,
            &[&arguments[..], &["--repeat", "3", "--json"]].concat(),
        );
        assert_eq!(ran.status, 0, "{ran:#?}");
        let figures = ran.objects();
        let fuel = figures
            .iter()
            .find(|figure| figure["name"] == "steady.py:fuel");
        fuel.unwrap().clone()
    };
    let first = fuel();
    assert!(first["p50"].as_f64().unwrap() > 10_000.0, "{first}");
    assert_eq!(
        (&first["min"], &first["p99"]),
        (&first["p50"], &first["p50"])
    );
    assert_eq!(first["p50"], fuel()["p50"]);

    // The control: code whose work depends on the clock is found out.
    folder.write(
        "unsteady.py",
        "import os\nfor _ in range(os.urandom(2)[0] * 100): pass\n",
    );
    let ran = bench(
        &folder,
        &["turns", "unsteady.py", "--fuel", "--repeat", "3"],
    );
    assert!(
        ran.stderr.contains("fuel differs between equal runs"),
        "{ran:#?}"
    );
    assert!(ran.stdout.contains('≈'), "{ran:#?}");
}

#[test]
fn a_turn_that_fails_is_reported_and_does_not_end_the_benchmark() {
    let folder = Bench::new();
    folder.write("raises.py", "1/0\n");
    folder.write("torn.py", "def f(:\n");
    folder.write("endless.py", "while True: pass\n");
    folder.write("good.py", "x = 1\n");
    let files = ["turns", "raises.py", "torn.py", "endless.py", "good.py"];
    let further = ["--repeat", "4", "--limit", "guest_time_ms=300"];
    let ran = bench(
        &folder,
        &[&files[..], &further, &["--chart", "chart.svg"]].concat(),
    );
    assert_eq!(ran.status, 1, "{ran:#?}");
    for (name, why) in [
        ("raises.py", "ZeroDivisionError: division by zero"),
        ("torn.py", "SyntaxError"),
        ("endless.py", "limit guest_time_ms of 300 reached"),
        ("good.py", "ok"),
    ] {
        let row = ran.stdout.lines().find(|line| line.starts_with(name));
        assert!(row.is_some_and(|row| row.contains(why)), "{name}: {ran:#?}");
        let told = ran.stderr.contains(&format!("failed: {name}: {why}"));
        assert_eq!(told, name != "good.py", "{name}: {ran:#?}");
    }
    let chart = folder.read("chart.svg");
    assert!(chart.starts_with("<svg") && chart.contains("✗ "), "{chart}");
    let ran = bench(&folder, &["turns", "good.py", "--setup", "raises.py"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:#?}");
    assert!(
        ran.stderr
            .contains("the setup raises.py failed: ZeroDivisionError"),
        "{ran:#?}"
    );
}

#[test]
fn options_of_the_session_are_those_of_run() {
    let folder = Bench::new();
    folder.write("read.py", "assert open('/data/a.txt').read() == 'here'\n");
    folder.write("a.txt", "here");
    let ran = bench(
        &folder,
        &["turns", "read.py", "--repeat", "2", "--mount", ".:/data"],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    let ran = bench(&folder, &["turns", "read.py", "--repeat", "2"]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert!(ran.stdout.contains("FileNotFoundError"), "{ran:#?}");
    let ran = bench(
        &folder,
        &[
            "turns",
            "-c",
            "import os; assert os.environ['A'] == 'b'",
            "--env",
            "A=b",
            "--budget",
            "0.05",
        ],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_a_hint() {
    let folder = Bench::new();
    folder.write("empty.py", " \n");
    folder.write("good.py", "1\n");
    folder.write("latin.py", b"x = '\xe4'\n");
    folder.write("torn.jsonl", "{\"type\":\"trajectory\",\"version\":\n");
    folder.write("other.json", "{\"a\": 1}\n");
    folder.write(
        "figures.json",
        "{\"name\":\"a\",\"unit\":\"us\",\"n\":1,\"p50\":1,\"p99\":1,\"min\":1,\"note\":\"\"}\n",
    );
    folder.write(
        "others.json",
        "{\"name\":\"b\",\"unit\":\"us\",\"n\":1,\"p50\":1,\"p99\":1,\"min\":1,\"note\":\"\"}\n",
    );
    for (arguments, what) in [
        (&["turns", "missing.py"][..], "cannot read missing.py"),
        (&["turns", "."], "directory"),
        (&["turns", "empty.py"], "empty.py is empty"),
        (&["turns", "latin.py"], "not UTF-8"),
        (
            &["turns", "good.py", "--setup", "missing.py"],
            "cannot read missing.py",
        ),
        (&["turns", "good.py", "--repeat", "0"], "--repeat"),
        (&["turns", "good.py", "--budget", "0"], "--budget"),
        (&["turns", "good.py", "--out", "x"], "--out"),
        (&["turns", "good.py", "--limit", "no_such=1"], "no_such"),
        (&["turns", "--trajectory", "missing.jsonl"], "missing.jsonl"),
        (&["turns", "--trajectory", "torn.jsonl"], "torn.jsonl"),
        (&["turns", "--trajectory", "other.json"], "other.json"),
        (&["turns", "--trajectory", "empty.py"], "empty.py"),
        (&["turns", "--trajectory", "."], "irectory"),
        (
            &["turns", "good.py", "--trajectory", "torn.jsonl"],
            "--trajectory",
        ),
        (
            &["turns", "--compare", "figures.json", "missing.json"],
            "cannot read missing.json",
        ),
        (&["turns", "--compare", "figures.json", "."], "directory"),
        (
            &["turns", "--compare", "other.json", "figures.json"],
            "other.json: line 1",
        ),
        (
            &["turns", "--compare", "empty.py", "figures.json"],
            "holds no figures",
        ),
        (
            &["turns", "--compare", "figures.json", "others.json"],
            "no figure in common",
        ),
        (
            &[
                "turns",
                "good.py",
                "--compare",
                "figures.json",
                "others.json",
            ],
            "--compare measures nothing",
        ),
        (&["turns", "--fail-over", "5"], "--compare"),
        (
            &[
                "--compare",
                "figures.json",
                "figures.json",
                "--fail-over",
                "often",
            ],
            "per cent",
        ),
    ] {
        let ran = bench(&folder, arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains(what), "{arguments:?}: {ran:#?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(memex(&["bench", "turns", "--help"]).status, 0);
}

/// A figure with readings around a value.
fn figure(name: &str, around: f64) -> String {
    let readings: Vec<f64> = (0..40)
        .map(|n| around + f64::from(n * 7 % 40) / 40.0)
        .collect();
    let figure = json!({
        "name": name, "unit": "us", "n": 40, "p50": around + 0.5, "p99": around + 1.0,
        "min": around, "note": "", "readings": readings,
    });
    format!("{figure}\n")
}

#[test]
fn comparisons_name_what_is_worse_and_fail_over_a_bound() {
    let folder = Bench::new();
    folder.write(
        "base.json",
        figure("a.py:wall_us", 10.0) + &figure("gone.py:wall_us", 1.0),
    );
    folder.write("same.json", figure("a.py:wall_us", 10.02));
    folder.write(
        "worse.json",
        figure("a.py:wall_us", 13.0) + &figure("new.py:wall_us", 1.0),
    );
    for (new, verdict, bound, status) in [
        ("same.json", "same", "0", 0),
        ("worse.json", "worse", "5", 1),
        ("worse.json", "worse", "90", 0),
    ] {
        for command in [&["turns"][..], &[]] {
            let arguments = ["--compare", "base.json", new, "--fail-over", bound];
            let ran = bench(&folder, &[command, &arguments].concat());
            assert_eq!(ran.status, status, "{new} {bound}: {ran:#?}");
            assert!(ran.stdout.contains(verdict), "{new}: {ran:#?}");
            assert_eq!(ran.stdout.lines().count(), 1, "{ran:#?}");
            assert!(
                ran.stderr
                    .contains("only in base.json, not compared: gone.py:wall_us"),
                "{ran:#?}"
            );
            assert_eq!(
                ran.stderr.contains("worse by more than"),
                status == 1,
                "{ran:#?}"
            );
        }
    }
    let ran = bench(&folder, &["--compare", "base.json", "worse.json"]);
    assert_eq!(ran.status, 0, "without --fail-over nothing fails: {ran:#?}");
}

#[test]
fn a_recorded_run_is_told_turn_by_turn() {
    let folder = Bench::new();
    folder.script(
        "m.json",
        &[runs("x = 6 * 7\nprint(x)"), runs("1/0"), says("42")],
    );
    let ran = folder.agent(&[
        "run",
        "Compute.",
        "--model",
        "script:m.json",
        "--save",
        "run.jsonl",
    ]);
    assert!(ran.status <= 1, "{ran:#?}");
    let ran = bench(
        &folder,
        &["turns", "--trajectory", "run.jsonl", "--chart", "run.svg"],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(ran.stdout.starts_with("run.jsonl: 3 turns"), "{ran:#?}");
    assert!(ran.stdout.contains("ZeroDivisionError"), "{ran:#?}");
    let unrecorded = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("not recorded: "));
    assert!(
        unrecorded.is_some_and(|line| line.contains("fuel")),
        "{ran:#?}"
    );
    let chart = folder.read("run.svg");
    assert!(
        chart.contains("not recorded") && chart.contains("wall ms"),
        "{chart}"
    );
    let ran = bench(&folder, &["turns", "--trajectory", "run.jsonl", "--json"]);
    let medians = medians(&ran);
    assert!(medians.contains_key("run.jsonl:guest_ms"), "{medians:?}");
    assert!(
        medians.contains_key("run.jsonl:turn-2:run_ms"),
        "{medians:?}"
    );
    assert!(!medians.contains_key("run.jsonl:fuel"), "{medians:?}");
    for format in ["atif", "chat", "rollout"] {
        let converted = folder.agent(&["convert", "run.jsonl", "--into", format]);
        folder.write("other.json", &converted.stdout);
        let ran = bench(&folder, &["turns", "--trajectory", "other.json"]);
        assert_eq!(ran.status, 0, "{format}: {ran:#?}");
        assert!(
            ran.stdout.starts_with("other.json: 3 turns"),
            "{format}: {ran:#?}"
        );
    }
}

#[test]
fn ctrl_c_prints_what_has_been_measured() {
    let folder = Bench::new();
    folder.write("quick.py", "x = 1\n");
    folder.write("slow.py", "import time\ntime.sleep(60)\n");
    let mut child = command(&["bench", "turns", "quick.py", "slow.py", "--repeat", "3"]);
    let mut child = spawn(child.current_dir(folder.at("")));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("turn 2 of 2") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "ended too early");
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.status, 130, "{ran:#?} {rest}");
    assert!(
        ran.stdout.contains("quick.py") && !ran.stdout.contains("slow.py"),
        "{ran:#?}"
    );
}

#[test]
fn names_of_files_cannot_steer_a_terminal() {
    let folder = Bench::new();
    folder.write("a\u{1b}[2J.py", "raise ValueError('\\x1b[2J')\n");
    let ran = bench(&folder, &["turns", "a\u{1b}[2J.py"]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert!(
        !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
        "{ran:#?}"
    );
    assert!(ran.stdout.contains("[2J.py"), "{ran:#?}");
}
