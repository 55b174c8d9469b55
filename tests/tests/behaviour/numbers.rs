//! Integers are those of a 64-bit machine, although the guest's pointers have 32 bits.

use memex_tests::{run, session, value_of};
use serde::Deserialize;

const PIECES: &str = include_str!("../../numbers/integers.toml");
/// How many pieces there are at least, so that none is lost unnoticed.
const PIECES_MIN: usize = 94;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    piece: Vec<Piece>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    name: String,
    code: String,
    value: String,
}

#[test]
fn integers_come_to_what_a_64_bit_machine_gives() {
    let table: Table = toml::from_str(PIECES).unwrap();
    assert!(table.piece.len() >= PIECES_MIN);
    let mut session = session();
    let mut wrong = Vec::new();
    for piece in &table.piece {
        run(&mut session, "import numpy as np, pandas as pd");
        let outcome = session.run(&piece.code).unwrap();
        let value = outcome.value.unwrap_or_default();
        if value != piece.value {
            let (name, error) = (&piece.name, outcome.error);
            let expected = &piece.value;
            wrong.push(format!("{name}: {value}, not {expected}; {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Arguments that are positions may be wider than a pointer, and what does not
/// fit is refused, not cut.
#[test]
fn positions_that_do_not_fit_into_a_pointer_are_refused() {
    let mut session = session();
    run(&mut session, "import numpy as np\na = np.arange(5)");
    for call in [
        "a.take(i)",
        "np.take(a, i)",
        "np.repeat(a[:1], i)",
        "np.put(a, i, 7)",
        "np.add.reduceat(a, i)",
        "np.searchsorted(a, a, sorter=np.append(i, [0, 0, 0, 0]))",
        "a[i]",
        "a[[0]][i - 3]",
        "a.reshape(5, 1)[i, [0]]",
        "a.__setitem__(i, 5)",
        "np.add.at(a, i, 1)",
        "a.flat[i]",
        "np.bincount(i)",
        "np.partition(a, i)",
        "np.argpartition(a, i)",
    ] {
        run(&mut session, "i = np.array([3])");
        run(&mut session, call);
        for far in ["2**31", "2**32 + 3", "-2**31 - 1"] {
            let code = format!(
                "i = np.array([{far}])\ntry: {call}; found = 'taken'\nexcept (TypeError, ValueError, IndexError, OverflowError) as error: found = 'refused'\nfound"
            );
            assert_eq!(value_of(&mut session, &code), "'refused'", "{call}, {far}");
        }
    }
}

/// What is 32 bits wide by its own type stays so, as on every machine.
#[test]
fn types_that_are_named_keep_their_width() {
    let mut session = session();
    run(&mut session, "import numpy as np, pandas as pd");
    for (code, expected) in [
        (
            "(np.array([2**31 - 1], 'int32') + np.int32(1)).tolist()",
            "[-2147483648]",
        ),
        (
            "np.dtype('int32').itemsize, np.dtype('i').itemsize, np.dtype(np.intc).itemsize",
            "(4, 4, 4)",
        ),
        ("np.array([1.5, 2]).astype(np.int32).dtype.name", "'int32'"),
        (
            "np.frombuffer(bytes(8), 'int32').size, np.array(__import__('array').array('l', [1, 2])).tolist()",
            "(2, [1, 2])",
        ),
        (
            "pd.Series([1, 2], dtype='int32').sum().dtype.name",
            "'int64'",
        ),
        (
            "np.array([2**63]).dtype.name, np.array([2**64]).dtype.name",
            "('uint64', 'object')",
        ),
    ] {
        assert_eq!(value_of(&mut session, code), expected, "{code}");
    }
}

/// Errors of floating-point numbers, found by results: with warnings, exceptions or silence,
/// as `np.errstate` says.
#[test]
fn floating_point_errors_are_told() {
    let mut session = session();
    run(
        &mut session,
        "import numpy as np, pandas as pd, warnings\nnp.seterr(all='warn')\ndef told(f):\n    with warnings.catch_warnings(record=True) as caught:\n        warnings.simplefilter('always')\n        f()\n    return [str(w.message).split(' encountered')[0] for w in caught if w.category is RuntimeWarning]\n",
    );
    for (code, expected) in [
        ("np.array([1.0]) / 0", "['divide by zero']"),
        (
            "np.array([0.0, 1.0]) / np.array([0.0, 0.0])",
            "['divide by zero', 'invalid value']",
        ),
        ("np.array([1, 2]) / np.array([0, 1])", "['divide by zero']"),
        ("np.log(np.array([0.0]))", "['divide by zero']"),
        ("np.log(0.0)", "['divide by zero']"),
        ("np.log10(np.array([-1.0]))", "['invalid value']"),
        ("np.sqrt(np.array([-1.0] * 100))", "['invalid value']"),
        ("np.sqrt(-1.0)", "['invalid value']"),
        ("np.exp(np.array([1000.0]))", "['overflow']"),
        ("np.array([10.0]) ** 400", "['overflow']"),
        ("np.array([0.0]) ** -1", "['divide by zero']"),
        ("np.arcsin(np.array([2.0]))", "['invalid value']"),
        (
            "np.array([1.0], 'f4') / np.array([0.0], 'f4')",
            "['divide by zero']",
        ),
        ("np.sqrt(np.ones((5, 4))[:, ::2] * -1)", "['invalid value']"),
        ("np.reciprocal(np.array([0.0]))", "['divide by zero']"),
        ("np.array([1, 0]) // 0", "['divide by zero']"),
        // Nothing is wrong here.
        ("np.array([np.nan, np.inf, 1.0]) / 2", "[]"),
        ("np.sqrt(np.array([np.nan, np.inf, 4.0]))", "[]"),
        ("np.log(np.array([np.inf, 1.0]))", "[]"),
        ("np.array([]) / 0", "[]"),
        ("np.array([1.0, np.inf]) / np.array([2.0, 0.0])", "[]"),
        ("pd.Series([1.0, 0.0]) / 0", "[]"),
        ("np.nanmean([np.nan, 1.0])", "[]"),
    ] {
        let code = format!("told(lambda: {code})");
        assert_eq!(value_of(&mut session, &code), expected, "{code}");
    }
    for (kind, code) in [
        ("divide", "np.array([1.0]) / 0"),
        ("divide", "np.log(np.array([0.0]))"),
        ("invalid", "np.sqrt(np.array([-1.0]))"),
        ("over", "np.exp(np.array([1000.0]))"),
    ] {
        let raises = format!("with np.errstate({kind}='raise'):\n    {code}");
        let outcome = session.run(&raises).unwrap();
        assert_eq!(outcome.error.unwrap().class, "FloatingPointError", "{code}");
        let silent = format!("told(lambda: np.errstate({kind}='ignore')(lambda: {code})())");
        assert_eq!(value_of(&mut session, &silent), "[]", "{code}");
    }
}
