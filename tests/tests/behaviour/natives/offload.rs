//! Long work on matrices and sorting, which the host does in the guest's place.

use memex_policies::Policy;
use memex_runtime::{Sandbox, Status};
use memex_tests::{run, sandbox, session_of, still_works, value_of};
use std::time::{Duration, Instant};

/// Products and factors in every form that numpy hands over, as differences from the
/// same computed without matrices of their own.
const NUMBERS: &str = "
import numpy as np
r = np.random.default_rng(7)
worst = 0.0
def differ(found, expected, scale):
    global worst
    assert found.dtype == expected.dtype and found.shape == expected.shape, (found.dtype, expected.dtype)
    worst = max(worst, float(np.abs(found - expected).max()) / scale)
for kind, scale in (('f8', 1e-12), ('f4', 1e-3)):
    a = r.standard_normal((90, 110)).astype(kind)
    b = r.standard_normal((110, 70)).astype(kind)
    plain = (a[:, :, None].astype('f8') * b[None, :, :]).sum(1).astype(kind)
    forms = [lambda x: x, np.asfortranarray, lambda x: np.repeat(x, 2, 1)[:, ::2],
             lambda x: x[::-1, ::-1].copy()[::-1, ::-1], lambda x: np.pad(x, 3)[3:-3, 3:-3]]
    for left in forms:
        for right in forms:
            differ(left(a) @ right(b), plain, scale)
    out = np.full((90, 70), np.nan, kind)
    np.matmul(a, b, out=out)
    differ(out, plain, scale)
    differ(np.dot(a, b), plain, scale)
    m = (r.standard_normal((150, 150)) + 9 * np.eye(150)).astype(kind)
    x = r.standard_normal((150, 3)).astype(kind)
    differ(m @ np.linalg.solve(m, x), x, scale * 100)
    differ(m @ np.linalg.inv(m), np.eye(150, dtype=kind), scale * 100)
worst < 1";

/// Bits that only fused multiplications give.
const FUSED: &str = "import numpy as np
a = np.zeros((64, 64)); b = np.zeros((64, 64))
a[0, :2] = -1, 1 + 2**-30
b[:2, 0] = 1 + 2**-29, 1 + 2**-30
m = np.eye(64)
m[:2, :2] = [[1, 1 - 2**-30], [1 - 2**-30, 1 - 2**-29]]
zeros = np.signbit(np.sort(np.tile([0, -0.0], 2048)))
float((a @ b)[0, 0]) == 2**-60, abs(float(np.linalg.det(m)) * 2**60 + 1) < 1e-9, bool(zeros[:2048].all())";

fn denying(families: &[&str]) -> Sandbox {
    sandbox(|policy| policy.natives.deny = families.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn products_and_factors_are_right_whoever_computes_them() {
    let sandboxes = [
        (sandbox(|_| {}), "(True, True, True)"),
        (denying(&["matrices"]), "(False, False, True)"),
        (denying(&["sorting"]), "(True, True, False)"),
        (
            sandbox(|policy| policy.natives.enabled = false),
            "(False, False, False)",
        ),
    ];
    for (sandbox, by_host) in &sandboxes {
        let mut session = session_of(sandbox);
        assert_eq!(value_of(&mut session, NUMBERS), "True");
        assert_eq!(value_of(&mut session, FUSED), *by_host);
    }
}

#[test]
fn what_is_no_number_and_what_is_empty_stay_as_elsewhere() {
    let code = "
import numpy as np
a = np.ones((80, 80)); a[3, 5] = np.nan; a[4, 6] = np.inf
p = a @ np.ones((80, 80))
try:
    np.linalg.solve(np.zeros((80, 80)), np.ones(80))
    singular = False
except np.linalg.LinAlgError:
    singular = True
x = np.arange(5000.0)[::-1].copy(); x[7] = np.nan; x[9] = -np.inf; x[11] = np.inf
s = np.sort(x)
[bool(np.isnan(p[3]).all()), bool(np.isposinf(p[4]).all()), bool((p[0] == 80).all()), singular,
 (np.ones((0, 80)) @ np.ones((80, 80))).shape, float((np.ones((80, 0)) @ np.ones((0, 80))).sum()),
 bool(np.isnan(s[-1])), float(s[-2]), float(s[0]), bool((np.diff(s[1:-2]) > 0).all()),
 bool((np.sort(np.stack([x, x]), axis=0)[0] == x)[~np.isnan(x)].all()),
 np.sort(np.repeat(x, 2)[::2])[:3].tolist() == s[:3].tolist()]";
    let expected = "[True, True, True, True, (0, 80), 0.0, True, inf, -inf, True, True, True]";
    for sandbox in [sandbox(|_| {}), denying(&["matrices", "sorting"])] {
        assert_eq!(value_of(&mut session_of(&sandbox), code), expected);
    }
}

/// The work ends at the hard deadline, and the turn is rolled back; the same work
/// without the deadline is done.
#[test]
fn long_work_ends_at_the_deadline() {
    let hasty = sandbox(|policy: &mut Policy| {
        policy.set_limit("guest_time_ms", 700).unwrap();
        policy.set_limit("grace_ms", 100).unwrap();
    });
    let mut session = session_of(&hasty);
    run(
        &mut session,
        "import numpy as np\nkept = 41\na = np.ones((4000, 4000))",
    );
    let begun = Instant::now();
    let outcome = run(&mut session, "kept = 0\nb = a @ a");
    let took = begun.elapsed();
    assert_eq!(outcome.status, Status::Limit, "{outcome:?}");
    assert!(outcome.rolled_back, "{outcome:?}");
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    assert_eq!(
        value_of(&mut session, "kept, float(a.sum())"),
        "(41, 16000000.0)"
    );
    still_works(&mut session);
}

/// Snapshots and forks hold what the host wrote.
#[test]
fn what_the_host_wrote_is_in_the_state() {
    let mut session = memex_tests::session();
    let code = "import numpy as np\na = np.arange(10000.0).reshape(100, 100)\nb = a @ a.T[:, ::-1].copy()\ns = np.sort(-np.arange(3000.0))";
    run(&mut session, code);
    let sums = "float(b.sum()), float(s[0]), float(s[-1])";
    let expected = value_of(&mut session, sums);
    for mut fork in session.fork(2, |_| Default::default()).unwrap() {
        assert_eq!(value_of(&mut fork, sums), expected);
        run(
            &mut fork,
            "b = np.zeros(3); s = np.sort(np.arange(4000.0)[::-1])",
        );
    }
    assert_eq!(value_of(&mut session, sums), expected);
}
