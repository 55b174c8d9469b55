//! Integers are those of a 64-bit machine, although the guest's pointers have 32 bits.

use memex_tests::{run, session, value_of};
use serde::Deserialize;

const PIECES: &str = include_str!("../../numbers/integers.toml");
/// How many pieces there are at least, so that none is lost unnoticed.
const PIECES_MIN: usize = 90;

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
