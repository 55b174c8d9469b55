//! Code that runs while a session answers a question.

use memex_policies::{Access, Policy};
use memex_runtime::{Frame, HostCalls, Reply, SessionOptions, Stream, TurnHandle};
use memex_tests::{each, run, session_of, still_works, try_inspect, value_of};
use std::fs;
use std::sync::mpsc::{Sender, channel};

const NAMES: &str = r#"{"op":"names"}"#;

/// Records that it was called.
struct Recorder(Sender<u8>);

impl HostCalls for Recorder {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        self.0.send(frame.op).unwrap();
        Reply::answer(b"\"heard\"".to_vec())
    }
}

struct Said(Sender<u8>);

impl memex_runtime::OutputSink for Said {
    fn write(&mut self, _: Stream, _: &[u8]) {
        self.0.send(0).unwrap();
    }
}

/// An object whose representation calls, prints and writes.
const SPEAKS: &str = "import _host, errno, struct
done = {}
class Speaks:
    def __repr__(self):
        done['call'] = _host.call(bytes([7]) + struct.pack('<I', 2) + b'{}')[0]
        print('said', flush=True)
        try:
            with open('/work/f', 'w') as file: file.write('written')
            done['file'] = 'written'
        except OSError as error:
            done['file'] = errno.errorcode[error.errno]
        return 'spoken'
speaks = Speaks()";

#[test]
fn a_question_reaches_nothing_outside_of_the_session() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = memex_tests::sandbox(|policy: &mut Policy| {
        policy
            .grant_directory(directory.path(), "/work", Access::ReadWrite)
            .unwrap();
    });
    let (sender, heard) = channel();
    let options = SessionOptions {
        calls: Some(Box::new(Recorder(sender.clone()))),
        sink: Some(Box::new(Said(sender))),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(&mut session, SPEAKS);
    let answer = try_inspect(&mut session, NAMES).unwrap().unwrap();
    assert!(
        answer.contains("spoken"),
        "the attack did not run: {answer}"
    );
    assert_eq!(heard.try_iter().count(), 0);
    assert!(!directory.path().join("f").exists());
    assert_eq!(
        value_of(&mut session, "done"),
        "{'call': 1, 'file': 'EROFS'}"
    );
    // The control: the same in a turn.
    let outcome = run(&mut session, "_ = repr(speaks)");
    assert_eq!(outcome.stdout.text, "said\n");
    assert_eq!(
        value_of(&mut session, "done"),
        "{'call': 0, 'file': 'written'}"
    );
    assert!(heard.try_iter().any(|op| op == 7));
    assert_eq!(fs::read(directory.path().join("f")).unwrap(), b"written");
}

#[test]
fn a_question_that_goes_wrong_leaves_the_session_as_it_was() {
    let sandbox = memex_tests::sandbox(|policy: &mut Policy| {
        policy.set_limit("guest_time_ms", 400).unwrap();
    });
    each(
        [
            // More than an answer may have, nothing that is one, and an exception.
            "        return b' ' * (9 << 20)",
            "        return 'no bytes'",
            "        raise KeyError",
            // It goes on after the interrupt, and answers.
            "        try:\n            while True: pass\n        except BaseException: return b'{}'",
        ],
        |rest| {
            let mut session = session_of(&sandbox);
            let forged = format!(
                "import memex_guest.entry as entry\nn = 0\ndef forged(payload):\n    import __main__\n    __main__.n += 1\n    if payload != b'control':\n{rest}\n    return b'{{}}'\nentry.inspect.__code__ = forged.__code__"
            );
            run(&mut session, &forged);
            assert_eq!(try_inspect(&mut session, NAMES).unwrap(), None, "{rest}");
            assert_eq!(value_of(&mut session, "n"), "0", "{rest}");
            // The control: what code changes while it answers stays.
            let answer = try_inspect(&mut session, "control").unwrap();
            assert_eq!(answer.as_deref(), Some("{}"), "{rest}");
            assert_eq!(value_of(&mut session, "n"), "1", "{rest}");
            still_works(&mut session);
        },
    );
}
