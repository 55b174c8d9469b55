//! Natives that a policy takes away, and what is left then.

use memex_policies::{Policy, Preset};
use memex_runtime::Sandbox;
use memex_tests::{run, sandbox, sandbox_of, session_of, still_works, value_of};

const JPEG: &str = "import io\nfrom PIL import Image\nf = io.BytesIO()\nImage.new('RGB', (8, 8)).save(f, 'JPEG')\nf.getvalue()[:2]";
const KEY: &str = "import hashlib\nlen(hashlib.scrypt(b'p', salt=b's', n=2, r=1, p=1))";

fn denied(sandbox: &Sandbox, code: &str, family: &str) {
    let mut session = session_of(sandbox);
    let error = run(&mut session, code).error.unwrap();
    assert_eq!(error.class, "PermissionError", "{error:?}");
    assert!(
        error.message.contains(&format!("natives `{family}`")),
        "{error:?}"
    );
    assert!(error.message.contains("hint: "), "{error:?}");
    still_works(&mut session);
}

#[test]
fn a_policy_takes_natives_away_by_their_families() {
    let fewer = sandbox(|policy| policy.natives.deny = vec!["jpeg".to_owned()]);
    denied(&fewer, JPEG, "jpeg");
    assert_eq!(value_of(&mut session_of(&fewer), KEY), "64");
    let others = sandbox(|policy| policy.natives.deny = vec!["kdf".to_owned()]);
    denied(&others, KEY, "kdf");
    assert_eq!(value_of(&mut session_of(&others), JPEG), "b'\\xff\\xd8'");
    let none = sandbox(|policy| policy.natives.enabled = false);
    denied(&none, JPEG, "jpeg");
    denied(&none, KEY, "kdf");
}

#[test]
fn deny_all_permits_none() {
    let mut policy = Policy::from_preset(Preset::DenyAll);
    assert!(policy.set_natives(Policy::default().natives).is_err());
    let bare = sandbox_of(policy);
    denied(&bare, KEY, "kdf");
    // What the guest computes itself is there.
    let code =
        "import hashlib, zlib\nhashlib.sha256(b'x').hexdigest()[:8], len(zlib.compress(b'x'))";
    assert_eq!(value_of(&mut session_of(&bare), code), "('2d711642', 9)");
}

/// They are functions: nothing of them is in the state of a session.
#[test]
fn a_fork_has_them_too() {
    let mut session = memex_tests::session();
    run(&mut session, JPEG);
    for mut fork in session.fork(2, |_| Default::default()).unwrap() {
        let code = "Image.open(f).size, Image.open(f).getpixel((1, 1))";
        assert_eq!(value_of(&mut fork, code), "((8, 8), (0, 0, 0))");
    }
}
