//! stdout and stderr: apart, complete, in order, and streamed as they come.

use memex_runtime::{OutputSink, SessionOptions, Stream};
use memex_tests::{
    Text, check_all, check_turns, nothing, prints, raises, run, session, standard_sandbox, value,
    warns,
};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

#[test]
fn streams_are_apart() {
    check_all(&[
        ("print('out')", prints("out\n")),
        ("import sys\nprint('err', file=sys.stderr)", warns("err\n")),
        (
            "import sys\nprint('a'); print('b', file=sys.stderr); print('c')",
            prints("a\nc\n").with_stderr(Text::Is("b\n")),
        ),
        ("print('no newline', end='')", prints("no newline")),
        ("import sys\n_ = sys.stdout.write('kept')", prints("kept")),
        (
            "import sys\n_ = sys.stdout.buffer.write(b'raw')",
            prints("raw"),
        ),
        ("import os\n_ = os.write(1, b'low')", prints("low")),
        ("import os\n_ = os.write(2, b'low')", warns("low")),
        (
            "import os\nprint('first'); _ = os.write(1, b'second\\n'); print('third')",
            prints("first\nsecond\nthird\n"),
        ),
        (
            "import os\n_ = os.write(1, b'\\xff\\xfe')",
            prints("\u{fffd}\u{fffd}"),
        ),
        ("print('häß → 名 🦀')", prints("häß → 名 🦀\n")),
        ("print('\\ud800')", prints("\\ud800\n")),
        ("print('a\\0b')", prints("a\0b\n")),
        (
            "print(1, 2, 3, sep='-', end='!', flush=True)",
            prints("1-2-3!"),
        ),
        (
            "print('x'); 1 / 0",
            raises("ZeroDivisionError", &[]).with_stdout(Text::Is("x\n")),
        ),
        (
            "import warnings\nwarnings.warn('careful')",
            nothing().with_stderr(Text::Has(&["UserWarning: careful"])),
        ),
        (
            "import logging\nlogging.warning('noted')",
            warns("WARNING:root:noted\n"),
        ),
        (
            "from richer import print",
            raises("ModuleNotFoundError", &["rich"]),
        ),
        (
            "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    print('in')\nb.getvalue()",
            value("'in\\n'"),
        ),
    ]);
}

#[test]
fn streams_survive_what_a_turn_does_to_them() {
    for harm in [
        "sys.stdout.close()",
        "sys.stdout = None",
        "sys.stdout = 3",
        "del sys.stdout",
        "sys.stdout.detach()",
        "sys.stdout = sys.__stdout__ = None",
        "sys.stdout.buffer.raw.close()",
        "sys.stdout.buffer.close()",
        "os.close(1)",
        "class W:\n    closed = True\n    def write(self, t): raise OSError('no')\nsys.stdout = W()",
    ] {
        let mut session = session();
        run(&mut session, &format!("import sys, os\n{harm}"));
        let outcome = run(&mut session, "print('back')");
        assert_eq!(outcome.stdout.text, "back\n", "after {harm}: {outcome:#?}");
        assert!(outcome.is_ok(), "after {harm}: {outcome:#?}");
    }
    check_turns(
        &mut session(),
        &[
            (
                "import sys\nclass Tee:\n    def write(self, text):\n        return sys.__stdout__.write(text.upper())\n    def flush(self): pass\nsys.stdout = Tee()",
                nothing(),
            ),
            ("print('loud')", prints("LOUD\n")),
            ("sys.stdout = sys.__stdout__", nothing()),
            ("print('plain')", prints("plain\n")),
        ],
    );
}

#[test]
fn a_turn_takes_its_output_with_it() {
    check_turns(
        &mut session(),
        &[
            (
                "import sys\n_ = sys.stdout.write('pending')",
                prints("pending"),
            ),
            ("pass", nothing()),
            ("print('x', end='')", prints("x")),
            ("print('y')", prints("y\n")),
        ],
    );
}

struct Recorder(Sender<(Stream, Vec<u8>, Instant)>);

impl OutputSink for Recorder {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.0
            .send((stream, bytes.to_vec(), Instant::now()))
            .unwrap();
    }
}

#[test]
fn one_print_is_one_write_as_it_comes() {
    let (sender, pieces) = channel();
    let options = SessionOptions {
        sink: Some(Box::new(Recorder(sender))),
        ..Default::default()
    };
    let mut session = standard_sandbox().session(options).unwrap();
    let code = "import time, sys\nprint('one', 1, None, sep='·')\ntime.sleep(0.2)\nprint('two', file=sys.stderr)\nprint('end', end='', flush=True)";
    let outcome = run(&mut session, code);
    assert_eq!(outcome.stdout.text, "one·1·None\nend");
    assert_eq!(outcome.stderr.text, "two\n");
    let pieces: Vec<_> = pieces.try_iter().collect();
    let texts: Vec<_> = pieces
        .iter()
        .map(|(stream, bytes, _)| (*stream, std::str::from_utf8(bytes).unwrap()))
        .collect();
    assert_eq!(
        texts,
        [
            (Stream::Stdout, "one·1·None\n"),
            (Stream::Stderr, "two\n"),
            (Stream::Stdout, "end"),
        ]
    );
    let gap = pieces[1].2.duration_since(pieces[0].2);
    assert!(
        gap.as_millis() >= 190,
        "the first piece waited for the end: {gap:?}"
    );
}

#[test]
fn a_sink_gets_what_is_within_the_limit_and_no_more() {
    let sandbox = memex_tests::sandbox(|policy| policy.set_limit("stdout_bytes", 10).unwrap());
    let (sender, pieces) = channel();
    let options = SessionOptions {
        sink: Some(Box::new(Recorder(sender))),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    let outcome = run(
        &mut session,
        "print('1234567')\nprint('890')\nprint('more')",
    );
    assert_eq!(outcome.stdout.total_bytes, 17);
    assert!(outcome.stdout.truncated);
    let bytes: Vec<u8> = pieces.try_iter().flat_map(|(_, bytes, _)| bytes).collect();
    assert_eq!(bytes, b"1234567\n89");
}

/// Nobody looks at a terminal: text comes without colours.
#[test]
fn what_python_itself_says_is_plain() {
    for code in [
        "class D:\n    def __del__(self): 1/0\nd = D()\ndel d",
        "import traceback\ntry: 1/0\nexcept ZeroDivisionError: traceback.print_exc()",
        "f = open('/tmp/f', 'w')\ndel f\nimport warnings\nwarnings.warn('x')",
        "import logging\nlogging.exception('x')",
        "import argparse\ntry: argparse.ArgumentParser().parse_args(['--bad'])\nexcept SystemExit: pass",
    ] {
        let outcome = run(&mut session(), code);
        assert!(!outcome.stderr.text.is_empty(), "{code}");
        assert!(
            !outcome.stderr.text.contains('\u{1b}'),
            "{code}: {:?}",
            outcome.stderr.text
        );
    }
}
