//! Ctrl-C: softly the first time, hard the second.

use crate::memex::{Ran, command, spawn};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Starts a run and waits until its first turn has printed a line.
fn started(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = spawn(&mut command(arguments));
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, reader)
}

fn press(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

fn finished(mut child: Child, mut reader: BufReader<std::process::ChildStdout>) -> Ran {
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output_of_stderr();
    Ran {
        status: output.0,
        stdout: rest,
        stderr: output.1,
    }
}

trait Stderr {
    fn wait_with_output_of_stderr(&mut self) -> (i32, String);
}

impl Stderr for Child {
    fn wait_with_output_of_stderr(&mut self) -> (i32, String) {
        let mut text = String::new();
        self.stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (self.wait().unwrap().code().unwrap_or(-1), text)
    }
}

#[test]
fn once_is_keyboard_interrupt() {
    for wait in [
        "while True: pass",
        "import time\ntime.sleep(60)",
        "import asyncio\nawait asyncio.sleep(60)",
    ] {
        let (child, reader) = started(&[
            "run",
            "-c",
            &format!("x = 5\nprint('ready')\n{wait}"),
            "-c",
            "print('x is', x)",
        ]);
        let begun = Instant::now();
        press(&child);
        let ran = finished(child, reader);
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{wait}: {:?}",
            begun.elapsed()
        );
        assert_eq!(
            (ran.status, ran.stdout.as_str()),
            (1, "x is 5\n"),
            "{wait}: {ran:#?}"
        );
        assert!(ran.stderr.contains("KeyboardInterrupt"), "{wait}: {ran:#?}");
    }
}

#[test]
fn twice_stops_and_rolls_back() {
    let code = "x = 6\nprint('ready')\nsum(range(10**12))";
    let (child, reader) = started(&[
        "run",
        "--limit",
        "grace_ms=60s",
        "-c",
        "x = 5",
        "-c",
        code,
        "-c",
        "print('x is', x)",
    ]);
    let begun = Instant::now();
    // In the sum by then: before it, the first one would end the turn, as it should.
    std::thread::sleep(Duration::from_millis(300));
    press(&child);
    std::thread::sleep(Duration::from_millis(300));
    press(&child);
    let ran = finished(child, reader);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (1, "x is 5\n"),
        "{ran:#?}"
    );
}
