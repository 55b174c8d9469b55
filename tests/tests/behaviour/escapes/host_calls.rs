//! `_host.call` called directly, with frames of every malformed kind.

use super::memory::seize;
use memex_policies::Policy;
use memex_runtime::{
    Frame, HostCalls, Reply, Sandbox, Session, SessionOptions, Status, TurnHandle,
};
use memex_tests::{each, run, still_works, value_of};
use std::sync::mpsc::{Sender, channel};

/// The operation that asks for the session's tools.
const TOOLBOX: u8 = 3;

/// Records the frames that get through.
struct Recorder(Sender<(u8, Vec<u8>, Vec<usize>)>);

impl HostCalls for Recorder {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        let parts = frame.parts.iter().map(|part| part.len()).collect();
        self.0.send((frame.op, frame.head.to_vec(), parts)).unwrap();
        Reply::answer(b"\"heard\"".to_vec())
    }
}

/// Operation, head, and the sizes of the parts of one frame.
type Recorded = (u8, Vec<u8>, Vec<usize>);

fn recorded() -> (Session, std::sync::mpsc::Receiver<Recorded>) {
    let sandbox: Sandbox = memex_tests::sandbox(|policy: &mut Policy| {
        policy.set_limit("host_call_bytes", 1 << 20).unwrap();
    });
    let (sender, heard) = channel();
    let options = SessionOptions {
        calls: Some(Box::new(Recorder(sender))),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(
        &mut session,
        "import _host, struct\ndef frame(op, head=b'{}', *parts):\n    return bytes([op]) + b''.join(struct.pack('<I', len(p)) + p for p in (head, *parts))\ndef told(reply):\n    return reply[0], reply[5:].decode()",
    );
    (session, heard)
}

#[test]
fn a_good_frame_is_heard() {
    let (mut session, heard) = recorded();
    assert_eq!(
        value_of(
            &mut session,
            "told(_host.call(frame(7, b'{\"a\":1}', b'x' * 10, b'')))"
        ),
        "(0, '\"heard\"')"
    );
    assert_eq!(
        heard.recv().unwrap(),
        (7, b"{\"a\":1}".to_vec(), vec![10, 0])
    );
    // What the head says is the receiver's to check: bytes are bytes here.
    assert_eq!(
        value_of(&mut session, "told(_host.call(frame(200, b'\\xff\\xfe')))"),
        "(0, '\"heard\"')"
    );
    assert_eq!(heard.recv().unwrap().0, 200);
    assert_eq!(
        value_of(
            &mut session,
            "told(_host.call(frame(2, b'', *[b'p'] * 1024)))"
        ),
        "(0, '\"heard\"')"
    );
    assert_eq!(heard.recv().unwrap().2.len(), 1024);
}

#[test]
fn a_malformed_frame_is_refused_in_words() {
    let (mut session, heard) = recorded();
    each(
        [
            ("b''", "ValueError", "cut off at byte 0"),
            ("b'\\x02'", "ValueError", "cut off"),
            ("b'\\x02\\x00\\x00\\x00'", "ValueError", "cut off"),
            ("b'\\x02\\x05\\x00\\x00\\x00ab'", "ValueError", "cut off"),
            (
                "b'\\x02\\xff\\xff\\xff\\xff'",
                "ValueError",
                "4294967295 bytes",
            ),
            (
                "b'\\x02' + struct.pack('<I', 2**20 + 1)",
                "ValueError",
                "more than 1048576",
            ),
            ("frame(2) + b'\\x01'", "ValueError", "cut off"),
            (
                "frame(2) + b'\\x05\\x00\\x00\\x00abcd'",
                "ValueError",
                "cut off",
            ),
            (
                "frame(2) + b'\\xff\\xff\\xff\\xffabcd'",
                "ValueError",
                "cut off",
            ),
            (
                "frame(2, b'', *[b'p'] * 1025)",
                "ValueError",
                "more than 1024 parts",
            ),
            (
                "frame(2, b'', *[b''] * 2000)",
                "ValueError",
                "more than 1024 parts",
            ),
            (
                "frame(2, b'', bytes(2**20))",
                "ValueError",
                "of 1048576 allowed",
            ),
            ("bytes(2**26)", "ValueError", "of 1048576 allowed"),
            ("frame(1, b'')", "ValueError", "display head"),
            ("frame(1, b'nonsense')", "ValueError", "display head"),
            ("frame(1, b'\\xff')", "ValueError", "display head"),
            ("frame(1, b'[]')", "ValueError", "display head"),
            ("frame(1, b'{}')", "ValueError", "display head"),
            ("frame(1, b'[' * 100000)", "ValueError", "display head"),
            (
                "frame(1, b'{\"data\":{\"a\":5}}')",
                "ValueError",
                "display head",
            ),
            (
                "frame(1, b'{\"data\":{},\"other\":1}')",
                "ValueError",
                "display head",
            ),
            (
                "frame(1, b'{\"data\":{}}', b'surplus')",
                "ValueError",
                "0 binary forms and carries 1",
            ),
            (
                "frame(1, b'{\"data\":{},\"binary\":[\"image/png\"]}')",
                "ValueError",
                "1 binary forms and carries 0",
            ),
            (
                "frame(1, b'{\"data\":{},\"binary\":[\"a\",\"b\"]}', b'one')",
                "ValueError",
                "2 binary forms and carries 1",
            ),
        ],
        |(frame, class, message)| {
            let outcome = run(
                &mut session,
                &format!("status, head = told(_host.call({frame}))\nprint(status, head)"),
            );
            assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
            assert_eq!(outcome.host_calls, 1, "the call never arrived");
            let text = &outcome.stdout.text;
            assert!(
                text.starts_with("1 ") && text.contains(class) && text.contains(message),
                "{text}"
            );
            assert!(outcome.displays.is_empty());
        },
    );
    assert!(heard.try_recv().is_err(), "a malformed frame was heard");
    still_works(&mut session);
}

/// A wait for answers is no call of the code's own: its head is checked by the
/// runtime itself.
#[test]
fn a_malformed_wait_is_refused_in_words() {
    let (mut session, heard) = recorded();
    each(
        [
            "frame(5, b'')",
            "frame(5, b'nonsense')",
            "frame(5, b'\\xff')",
            "frame(5, b'{\"timeout_s\":\"soon\"}')",
            "frame(5, b'{\"timeout_s\":[1]}')",
            "frame(5, b'{\"timeout_s\":NaN}')",
            "frame(5, b'{\"timeout\":1}')",
            "frame(5, b'[' * 100000)",
        ],
        |frame| {
            let code = format!("status, head = told(_host.call({frame}))\nprint(status, head)");
            let outcome = run(&mut session, &code);
            assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
            let text = &outcome.stdout.text;
            assert!(
                text.starts_with("1 ")
                    && text.contains("ValueError")
                    && text.contains("wait head:"),
                "{text}"
            );
        },
    );
    // The control: well-formed, with nothing to wait for.
    let code = "_host.call(frame(5, b'{\"timeout_s\":0}'))[0]";
    assert_eq!(value_of(&mut session, code), "0");
    assert!(heard.try_recv().is_err(), "a wait was heard");
    still_works(&mut session);
}

#[test]
fn calls_that_are_no_calls() {
    let (mut session, heard) = recorded();
    each(
        [
            "_host.call()",
            "_host.call(5)",
            "_host.call('text')",
            "_host.call(None)",
            "_host.call(b'', b'')",
            "_host.call([1, 2])",
        ],
        |code| {
            let outcome = run(&mut session, code);
            assert_eq!(outcome.error.unwrap().class, "TypeError");
            assert_eq!(outcome.host_calls, 0);
        },
    );
    each(
        [
            "_host.call(memoryview(frame(2)))",
            "_host.call(bytearray(frame(2)))",
            "import numpy as np\n_host.call(np.frombuffer(frame(2), 'u1'))",
        ],
        |code| {
            assert!(run(&mut session, code).is_ok());
        },
    );
    assert_eq!(heard.try_iter().count(), 3);
    still_works(&mut session);
}

/// Without tools every operation but showing things is refused.
#[test]
fn nothing_is_heard_without_tools() {
    let mut session = memex_tests::session();
    let outcome = run(
        &mut session,
        "import _host, struct\nreplies = {_host.call(bytes([op]) + struct.pack('<I', 2) + b'{}')[0] for op in range(256) if op not in (1, 3, 5)}\nreplies",
    );
    assert_eq!(outcome.value.as_deref(), Some("{1}"), "{outcome:#?}");
    // Questions about the toolbox and about files that make no sense are refused too,
    // and waits end at once; all of them count for the limit only.
    assert_eq!(outcome.host_calls, 252);
}

/// A storm of calls, from deep recursion, generators and finalisers.
#[test]
fn calls_from_everywhere() {
    let (mut session, heard) = recorded();
    for code in [
        "def f(n):\n    _host.call(frame(2))\n    return n and f(n - 1)\nf(500)",
        "class D:\n    def __del__(self): _host.call(frame(2))\nfor _ in range(500): D()",
        "sorted(range(500), key=lambda x: _host.call(frame(2)))",
        "import gc\nclass C:\n    def __init__(self): self.me = self\n    def __del__(self): _host.call(frame(2))\nfor _ in range(500): C()\ngc.collect()",
    ] {
        let outcome = run(&mut session, code);
        assert!(
            outcome.is_ok() && outcome.host_calls >= 500,
            "{code}: {outcome:#?}"
        );
        still_works(&mut session);
    }
    assert!(heard.try_iter().count() >= 2_000);
}

/// Frames anywhere in the guest's memory: `refused` says whether the host takes one for
/// none, and `bisect` finds the words that make it do so.
const ANYWHERE: &str = "
view = memoryview(m)
def refused(first, end):
    return told(_host.call(view[first:end]))[1].count('the frame lies outside of memory') == 1
def bisect(first, end):
    if not refused(first, end): return []
    if end - first <= 4: return [first]
    middle = (first + end) // 8 * 4
    return bisect(first, middle) + bisect(middle, end)
";

/// The host's watchdog stores into three words of the guest's memory at any time: a frame
/// that covers one of them would be read while it changes.
#[test]
fn a_frame_over_the_words_of_the_interrupt_is_refused() {
    let (mut session, heard) = recorded();
    seize(&mut session);
    assert!(run(&mut session, ANYWHERE).is_ok());
    // The control: the same attack hands over a frame that lies elsewhere, and it is heard.
    let elsewhere = "honest = frame(7, b'{}', b'x' * 10)\nat = id(honest) + 16\ntold(_host.call(view[at:at + len(honest)])), bytes(view[at:at + 5])";
    assert_eq!(
        value_of(&mut session, elsewhere),
        "((0, '\"heard\"'), b'\\x07\\x02\\x00\\x00\\x00')"
    );
    // The attack takes its functions from `eval`, for which the guest asks what tools there are.
    let others = heard.try_iter().filter(|(op, ..)| *op != TOOLBOX);
    assert_eq!(others.collect::<Vec<_>>(), [(7, b"{}".to_vec(), vec![10])]);
    // Any frame that touches the flag of loops, and none beside it.
    for (first, end, is_refused) in [
        (0, 16, false),
        (0, 17, true),
        (16, 17, true),
        (19, 20, true),
        (18, 4096, true),
        (20, 4096, false),
    ] {
        let found = value_of(&mut session, &format!("refused({first}, {end})"));
        assert_eq!(found == "True", is_refused, "{first}..{end}");
    }
    let words = value_of(
        &mut session,
        "words = bisect(0, len(m) // 8 * 8)\nlen(words)",
    );
    assert_eq!(words, "3");
    // All of memory but these words can be a frame, whatever comes of it.
    let between = "gaps = list(zip([0] + [w + 4 for w in words], words + [len(m)]))\n[refused(*gap) for gap in gaps if gap[0] < gap[1]].count(True), 16 in words, len(gaps)";
    assert_eq!(value_of(&mut session, between), "(0, True, 4)");
    still_works(&mut session);
}

/// The same words, as what WASI reads from or writes to: a path or a link's target there
/// would be another one after it was judged.
#[test]
fn a_buffer_over_the_words_of_the_interrupt_is_a_fault() {
    let (mut session, _heard) = recorded();
    seize(&mut session);
    assert!(run(&mut session, ANYWHERE).is_ok());
    let ask = "
import errno, os
words = bisect(0, len(m) // 8 * 8)
fd = os.open('/tmp/f', os.O_RDWR | os.O_CREAT)
def asked(call, first, end):
    try: return call(fd, view[first:end])
    except OSError as error: return errno.errorcode[error.errno]
";
    assert!(run(&mut session, ask).is_ok());
    let write = "[[asked(os.write, w + a, w + b) for a, b in [(0, 4), (-3, 1), (3, 9), (4, 8), (-4, 0)]] for w in words]";
    let row = "['EFAULT', 'EFAULT', 'EFAULT', 4, 4]";
    assert_eq!(
        value_of(&mut session, write),
        format!("[{row}, {row}, {row}]")
    );
    // To read what is there: the control reads as much, beside the words.
    let read = "os.lseek(fd, 0, 0)\nplace = bytes(64)\nat = id(place) + 16\n[asked(os.readinto, w, w + 4) for w in words], asked(os.readinto, at, at + 4), len(words)";
    assert_eq!(
        value_of(&mut session, read),
        "(['EFAULT', 'EFAULT', 'EFAULT'], 4, 3)"
    );
    still_works(&mut session);
}
