//! Parquet and Feather, through pandas.

use memex_tests::{check_turns, each, nothing, raises, session, value, value_of};

const BEGIN: &str = "\
import pandas as pd, numpy as np, io, datetime as dt, decimal
D = decimal.Decimal
def same(df, **o):
    f, g = io.BytesIO(), io.BytesIO()
    df.to_parquet(f, **o)
    df.to_feather(g)
    f.seek(0), g.seek(0)
    for other in (pd.read_parquet(f), pd.read_feather(g)):
        pd.testing.assert_frame_equal(other, df)
    return True";

#[test]
fn frames_go_through_both_formats_with_their_types() {
    let mut session = session();
    memex_tests::run(&mut session, BEGIN);
    each(
        [
            "pd.DataFrame({'a': [1, 2, 3], 'b': [1.5, None, 3], 'c': ['x', None, 'zé'], 'd': [True, False, True]})",
            "pd.DataFrame({k: np.array([1, 2, 3], k) for k in ('int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64')})",
            "pd.DataFrame({'i': pd.array([1, None, 3], 'Int64'), 'u': pd.array([1, None, 3], 'UInt8'), 'f': pd.array([1.5, None, 3], 'Float64'), 'b': pd.array([True, None, False], 'boolean'), 's': pd.array(['a', None, 'c'], 'string')})",
            "pd.DataFrame({'c': pd.Categorical(['a', 'b', None, 'a']), 'o': pd.Categorical(['lo', 'hi', 'lo', 'hi'], ['lo', 'hi'], ordered=True), 'n': pd.Categorical([3, 1, 3, None])})",
            "pd.DataFrame({'n': pd.Series(['2020-01-01T00:00:00', '2020-06-01T12:00:00.123456789', None]).astype('datetime64[ns]'), 'z': pd.to_datetime(['2020-01-01', '2020-06-01', None]).tz_localize('Europe/Berlin'), 'u': pd.to_datetime(['2020-01-01', '2020-06-01', None], utc=True), 'ms': pd.Series(['2020-01-01'] * 3).astype('datetime64[ms]')})",
            "pd.DataFrame({'d': [dt.date(2020, 1, 1), None, dt.date(1960, 2, 3)], 't': [dt.time(1, 2, 3, 4), None, dt.time(23, 59)]})",
            "pd.DataFrame({'d': [D('1.50'), None, D('-22.30')], 'b': [b'a', None, b'\\x00\\xff']})",
            "pd.DataFrame({'s': [{'a': 1, 'b': 'x'}, None, {'a': 2, 'b': 'y'}]})",
            "pd.DataFrame({'a': [1, 2, 3]}, index=pd.Index(['x', 'y', 'z'], name='k'))",
            "pd.DataFrame({'a': [1, 2, 3]}, index=pd.MultiIndex.from_tuples([('x', 1), ('y', 2), ('z', 3)], names=['k', None]))",
            "pd.DataFrame({'a': [1, 2, 3]}, index=pd.RangeIndex(5, 11, 2, name='r'))",
            "pd.DataFrame({0: [1], 1: [2.5]})",
            "pd.DataFrame({'a': range(5)}).query('a > 2')",
            "pd.DataFrame({'a': np.array([], 'int64'), 's': pd.array([], 'str')})",
            "pd.DataFrame({'g': ['a', 'b'] * 5000, 'v': np.arange(10000) / 8})",
        ],
        |frame| assert_eq!(value_of(&mut session, &format!("same({frame})")), "True"),
    );
    check_turns(
        &mut session,
        &[
            (
                "f = io.BytesIO()\npd.DataFrame({'l': [[1, 2], None, []], 's': [['a'], ['b', None], None]}).to_parquet(f)\n[[None if c is None else c.tolist() for c in pd.read_parquet(f)[k]] for k in 'ls']",
                value("[[[1, 2], None, []], [['a'], ['b', None], None]]"),
            ),
            (
                "df = pd.DataFrame({'td': pd.to_timedelta([1, None, 3], unit='h')})\ndf.to_feather('/tmp/td.feather')\npd.read_feather('/tmp/td.feather').equals(df)",
                value("True"),
            ),
        ],
    );
}

#[test]
fn files_are_read_and_written_as_pandas_does() {
    check_turns(
        &mut session(),
        &[
            (BEGIN, nothing()),
            (
                "df = pd.DataFrame({'k': ['a', 'b', 'c', 'a'] * 3, 'n': range(12), 'f': np.arange(12) / 2, 'y': [2020, 2021] * 6})\nfor c in (None, 'snappy', 'gzip', 'zstd', 'lz4'): df.to_parquet(f'/tmp/{c}.parquet', compression=c)\nall(pd.read_parquet(f'/tmp/{c}.parquet').equals(df) for c in (None, 'snappy', 'gzip', 'zstd', 'lz4'))",
                value("True"),
            ),
            (
                "pd.read_parquet('/tmp/zstd.parquet', columns=['f', 'k']).columns.tolist(), pd.read_parquet('/tmp/zstd.parquet', engine='pyarrow').shape",
                value("(['f', 'k'], (12, 4))"),
            ),
            (
                "pd.read_parquet('/tmp/zstd.parquet', filters=[('k', '==', 'a'), ('n', '<', 6)]).n.tolist(), pd.read_parquet('/tmp/zstd.parquet', filters=[[('k', '=', 'b')], [('n', 'in', [0, 2])]], columns=['n']).n.tolist()",
                value("([0, 3, 4], [0, 1, 2, 5, 9])"),
            ),
            (
                "df.to_parquet('/tmp/ds', partition_cols=['y', 'k'])\nds = pd.read_parquet('/tmp/ds')\nds.sort_values('n').n.tolist() == df.n.tolist(), ds.dtypes.astype(str).to_dict(), pd.read_parquet('/tmp/ds', filters=[('y', '==', 2020)]).n.sum()",
                value(
                    "(True, {'n': 'int64', 'f': 'float64', 'y': 'category', 'k': 'category'}, np.int64(30))",
                ),
            ),
            (
                "pd.read_parquet('/tmp/zstd.parquet', dtype_backend='numpy_nullable').dtypes.astype(str).tolist()",
                value("['string', 'Int64', 'Float64', 'Int64']"),
            ),
            (
                "df.attrs = {'unit': 'm'}\ndf.to_parquet('/tmp/a.parquet')\npd.read_parquet('/tmp/a.parquet').attrs",
                value("{'unit': 'm'}"),
            ),
            (
                "pd.read_parquet(io.BytesIO(df.to_parquet())).shape, type(df.to_parquet()).__name__",
                value("((12, 4), 'bytes')"),
            ),
            (
                "pd.DataFrame({'a': [1, 'x']}).to_parquet('/tmp/x.parquet')",
                raises(
                    "ValueError",
                    &[
                        "Could not convert 'x' with type str: tried to convert to int64",
                        "Conversion failed for column a with type object",
                    ],
                ),
            ),
            (
                "pd.DataFrame({'a': pd.period_range('2020', periods=2)}).to_parquet('/tmp/x.parquet')",
                raises(
                    "NotImplementedError",
                    &["column 'a' of type period", "astype(str)"],
                ),
            ),
            (
                "df.to_parquet('/tmp/x.parquet', compression='brotli')",
                raises(
                    "ValueError",
                    &["Unsupported compression: 'brotli'", "'zstd'"],
                ),
            ),
            (
                "pd.read_parquet(io.BytesIO(b'garbage' * 10))",
                raises("ValueError", &["Could not open Parquet input source"]),
            ),
            (
                "pd.read_parquet('/tmp/zstd.parquet', columns=['nope'])",
                raises("ValueError", &["No match for FieldRef.Name(nope)"]),
            ),
            (
                "pd.read_parquet('/tmp/nowhere.parquet')",
                raises("FileNotFoundError", &["/tmp/nowhere.parquet"]),
            ),
            (
                "pd.read_parquet('/tmp/zstd.parquet', engine='fastest')",
                raises(
                    "ValueError",
                    &["engine must be one of 'pyarrow', 'fastparquet'"],
                ),
            ),
        ],
    );
}

/// Files that pyarrow has written.
#[test]
fn files_of_pyarrow_are_read() {
    use base64::Engine as _;
    let mut session = session();
    memex_tests::run(
        &mut session,
        "import pandas as pd, io, base64\ndef sent(text): return io.BytesIO(base64.b64decode(text))\ndf = pd.DataFrame({'n': range(100), 't': ['text %d' % (i % 7) if i % 5 else None for i in range(100)], 'f': [i / 4 for i in range(100)]}, index=pd.Index(range(0, 300, 3), name='key'))",
    );
    macro_rules! data {
        ($name:literal) => {
            include_bytes!(concat!("../../../../natives/tests/data/", $name)).as_slice()
        };
    }
    each(
        [
            ("read_parquet", data!("table.snappy.parquet")),
            ("read_parquet", data!("table.zstd.parquet")),
            ("read_parquet", data!("table.lz4.parquet")),
            ("read_parquet", data!("table.gzip.parquet")),
            ("read_feather", data!("table.lz4.arrow")),
            ("read_feather", data!("table.zstd.arrow")),
            ("read_feather", data!("table.arrows")),
        ],
        |(function, file)| {
            let text = base64::engine::general_purpose::STANDARD.encode(file);
            let code =
                format!("pd.testing.assert_frame_equal(pd.{function}(sent('{text}')), df)\nTrue");
            assert_eq!(value_of(&mut session, &code), "True");
        },
    );
}
