//! `memex run` for people: turns in order, streams apart, exit statuses.

use crate::memex::{memex, memex_with};

#[test]
fn statuses() {
    for (arguments, status) in [
        (&["run", "-c", "1"][..], 0),
        (&["run", "-c", "x = 1", "-c", "x"], 0),
        (&["run", "-c", "exit()"], 0),
        (&["run", "-c", "1/0"], 1),
        (&["run", "-c", "1/0", "-c", "1"], 1),
        (&["run", "-c", "1", "-c", "x ="], 1),
        (&["run", "-c", "exit(3)"], 1),
        (&["run", "-c", "import os\nos._exit(0)"], 1),
        (
            &[
                "run",
                "--limit",
                "guest_time_ms=200",
                "-c",
                "while True: pass",
            ],
            1,
        ),
        (&["run", "--limit", "code_bytes=3", "-c", "1 + 1"], 1),
        (&["run", "--no-such-option"], 2),
        (&["run", "no-such-file.py"], 2),
        (&["run", "--policy", "no-such-preset", "-c", "1"], 2),
        (&["run", "--limit", "no_such_limit=5", "-c", "1"], 2),
        (&["run", "--limit", "guest_time_ms=soon", "-c", "1"], 2),
        (&["no-such-command"], 2),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["run", "--cache", "/proc/no-such-directory", "-c", "1"], 3),
    ] {
        let ran = memex(arguments);
        assert_eq!(ran.status, status, "{arguments:?}: {ran:#?}");
        if status >= 2 {
            assert!(ran.stdout.is_empty(), "{arguments:?}: {ran:#?}");
            assert!(
                ran.stderr.contains("hint:") || ran.stderr.contains("Usage:"),
                "{arguments:?}: {ran:#?}"
            );
        }
    }
}

#[test]
fn arguments_are_turns_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("block.py");
    std::fs::write(&file, "print('from the file')\nx = x * 2\n").unwrap();
    let file = file.to_str().unwrap();
    let ran = memex_with(
        &["run", "-c", "x = 20", file, "-", "-c", "x + 1"],
        b"print('from stdin', x)\nx += 1",
    );
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "from the file\nfrom stdin 40\n42\n"),
        "{ran:#?}"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn streams_stay_apart() {
    let ran = memex(&[
        "run",
        "-c",
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\n5",
        "-c",
        "1/0",
    ]);
    assert_eq!(ran.stdout, "out\n5\n", "{ran:#?}");
    assert!(ran.stderr.starts_with("err\n"), "{ran:#?}");
    assert!(
        ran.stderr.contains("ZeroDivisionError: division by zero"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("File \"<turn 2>\", line 1"), "{ran:#?}");
}

#[test]
fn turns_go_on_after_one_that_failed_unless_told_to_stop() {
    let turns = ["-c", "x = 1", "-c", "1/0", "-c", "print('x is', x)"];
    let run = |more: &[&str]| memex(&[&["run"], more, &turns].concat());
    assert_eq!(run(&[]).stdout, "x is 1\n");
    let stopped = run(&["--stop"]);
    assert_eq!((stopped.stdout.as_str(), stopped.status), ("", 1));
}

#[test]
fn output_streams_while_a_turn_runs() {
    use std::io::{BufRead, BufReader};
    use std::time::{Duration, Instant};
    let mut child = crate::memex::spawn(&mut crate::memex::command(&[
        "run",
        "-c",
        "import time\nprint('now')\ntime.sleep(2)",
    ]));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let heard = Instant::now();
    assert_eq!(line, "now\n");
    assert!(child.wait().unwrap().success());
    assert!(
        heard.elapsed() > Duration::from_secs(1),
        "it came with the end"
    );
}

#[test]
fn figures_are_written_out() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("pictures");
    let ran = memex(&[
        "run",
        "--out",
        out.to_str().unwrap(),
        "-c",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "-c",
        "import pandas as pd\npd.DataFrame({'a': [1]})",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let mut names: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let png = names
        .iter()
        .find(|name| name.ends_with(".png"))
        .unwrap_or_else(|| panic!("{names:?}"));
    assert!(
        std::fs::read(out.join(png))
            .unwrap()
            .starts_with(b"\x89PNG\r\n\x1a\n")
    );
    assert!(
        names.iter().any(|name| name.ends_with(".html")),
        "{names:?}"
    );
    assert!(
        (ran.stdout + &ran.stderr).contains(png),
        "the picture's path is told"
    );
}

#[test]
fn policies_of_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("data.csv"), "a\n1\n2\n").unwrap();
    let mount = format!("{}:/data", directory.path().display());
    let read = "import pandas as pd\nint(pd.read_csv('/data/data.csv').a.sum())";
    assert_eq!(memex(&["run", "--mount", &mount, "-c", read]).stdout, "3\n");
    let ran = memex(&["run", "--mount", &mount, "-c", "open('/data/new', 'w')"]);
    assert!(
        ran.status == 1 && ran.stderr.contains("Read-only file system"),
        "{ran:#?}"
    );
    let ran = memex(&[
        "run",
        "--mount",
        &format!("{mount}:rw"),
        "-c",
        "_ = open('/data/new', 'w').write('x')",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(std::fs::read(directory.path().join("new")).unwrap(), b"x");
    assert_eq!(
        memex(&[
            "run",
            "--env",
            "MODE=test",
            "-c",
            "import os\nprint(os.environ['MODE'])"
        ])
        .stdout,
        "test\n"
    );
    let ran = memex(&["run", "--policy", "deny-all", "--mount", &mount, "-c", "1"]);
    assert!(
        ran.status == 2 && ran.stderr.contains("deny-all"),
        "{ran:#?}"
    );
    let ran = memex(&["run", "--policy", "deny-all", "-c", "open('/tmp/x', 'w')"]);
    assert!(
        ran.status == 1 && ran.stderr.contains("FileNotFoundError"),
        "{ran:#?}"
    );
}

#[test]
fn a_script_knows_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("work \"é\".py");
    std::fs::write(
        &script,
        "from pathlib import Path\nprint(__file__, __name__, Path(__file__).resolve().parent == Path.cwd())",
    )
    .unwrap();
    let path = script.to_str().unwrap();
    let ran = memex(&["run", path, "-c", "__file__.endswith('.py')"]);
    assert_eq!(
        ran.stdout, "/home/user/work \"é\".py __main__ True\nTrue\n",
        "{ran:#?}"
    );
    // A block has none.
    let ran = memex(&["run", "-c", "__file__"]);
    assert!(ran.stderr.contains("NameError"), "{ran:#?}");
}

#[test]
fn figures_fall_back_to_a_font_that_is_given() {
    let guests = memex_tests::cache_directory().join("guests");
    let fonts = "mpl-data/fonts/ttf/DejaVuSerif.ttf";
    let mut guests = std::fs::read_dir(guests).unwrap();
    let font = guests.find_map(|guest| {
        let font = guest.unwrap().path().join(fonts);
        font.is_file().then_some(font)
    });
    let font = font.unwrap();
    let code = "import os, matplotlib\nprint(matplotlib.rcParams['font.family'], os.listdir('/fonts'))\nopen('/fonts/x', 'w')";
    let ran = memex(&["run", "--font", font.to_str().unwrap(), "-c", code]);
    assert_eq!(
        ran.stdout, "['sans-serif', 'DejaVu Serif'] ['DejaVuSerif.ttf']\n",
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("Read-only"), "{ran:#?}");
    let ran = memex(&["run", "--font", "/dev/null", "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(ran.stderr.contains("no TrueType"), "{ran:#?}");
}
