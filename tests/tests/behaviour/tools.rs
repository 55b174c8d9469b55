//! Tools as the guest's code sees them: functions, records, tables, awaited calls.

mod awaited;
mod host;
mod web;

use host::{Answer, Awaiting, Tool, session};
use memex_tests::{Text, check_turns, nothing, prints, raises, run, still_works, value};
use serde_json::{Value, json};

type Answered = Result<Answer, (&'static str, &'static str)>;

const SEARCH: &str = r#"
class Hit(Record):
    """One hit."""
    title: str
    color: Color | None = None
    found: date | None = None

class Color(Enum):
    RED = "red"

def search(query: str, limit: int = 10, *, since: date | None = None, cursor: str = ...) -> list[Hit]:
    """Searches.

    Args:
        query: what for
    """
    return _call("search", {"query": query, "limit": limit, "since": since, "cursor": cursor}, search)
"#;

macro_rules! simple {
    ($name:literal, $returns:literal) => {
        concat!(
            "def ",
            $name,
            "(value: Any = ...) -> ",
            $returns,
            ":\n    \"\"\"Does it.\"\"\"\n    return _call(\"",
            $name,
            "\", {\"value\": value}, ",
            $name,
            ")\n"
        )
    };
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "search",
        source: SEARCH,
        awaiting: Awaiting::Later,
        answer: hits,
    },
    Tool {
        name: "echo",
        source: simple!("echo", "Any"),
        awaiting: Awaiting::Later,
        answer: echo,
    },
    Tool {
        name: "quick",
        source: simple!("quick", "Any"),
        awaiting: Awaiting::Now,
        answer: echo,
    },
    Tool {
        name: "never",
        source: simple!("never", "Any"),
        awaiting: Awaiting::Never,
        answer: echo,
    },
    Tool {
        name: "lost",
        source: simple!("lost", "Any"),
        awaiting: Awaiting::Lost,
        answer: echo,
    },
    Tool {
        name: "fail",
        source: simple!("fail", "Any"),
        awaiting: Awaiting::Later,
        answer: fail,
    },
    Tool {
        name: "table",
        source: simple!("table", "DataFrame"),
        awaiting: Awaiting::Later,
        answer: table,
    },
    Tool {
        name: "rows",
        source: simple!("rows", "DataFrame"),
        awaiting: Awaiting::Later,
        answer: rows,
    },
];

fn hits(arguments: &Value, _parts: &[&[u8]]) -> Answered {
    let title = format!(
        "{} of {}",
        arguments["query"].as_str().unwrap(),
        arguments["limit"]
    );
    let hit = json!({"title": title, "color": "red", "found": "2024-05-06", "extra": [1]});
    Ok((json!([hit, {"title": "b"}]), Vec::new()))
}

fn echo(arguments: &Value, parts: &[&[u8]]) -> Answered {
    let parts = parts.iter().map(|part| part.to_vec()).collect();
    Ok((arguments["value"].clone(), parts))
}

fn fail(arguments: &Value, _parts: &[&[u8]]) -> Answered {
    Err(match arguments["value"].as_str() {
        Some("type") => ("TypeError", "fail: value: not a number"),
        Some("time") => ("TimeoutError", "fail took longer than 1 s"),
        _ => ("ValueError", "fail: value: out of range"),
    })
}

fn rows(_arguments: &Value, _parts: &[&[u8]]) -> Answered {
    Ok((json!([{"a": 1, "b": "x"}, {"a": 2, "b": null}]), Vec::new()))
}

/// A table of three rows with a column of every type.
fn table(_arguments: &Value, _parts: &[&[u8]]) -> Answered {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut part = |bytes: Vec<u8>| {
        parts.push(bytes);
        parts.len() - 1
    };
    let day = 86_400_000_000_i64;
    let int64 = part(
        [1_i64, -2, 1 << 40]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect(),
    );
    let float64 = part(
        [0.5_f64, 1.5, -2.5]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect(),
    );
    let uint8 = part(vec![1, 2, 255]);
    let bool = part(vec![1, 0, 1]);
    let moments = part(
        [0_i64, day, 2 * day]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect(),
    );
    let days = part(
        [0_i32, 1, 19_000]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect(),
    );
    let valid = part(vec![1, 0, 1]);
    let joined = part("a\0\0ü".into());
    let run = part("abü".into());
    let ends = part([1_u32, 2, 4].iter().flat_map(|n| n.to_le_bytes()).collect());
    let codes = part(
        [1_i32, -1, 0]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect(),
    );
    let columns = json!([
        {"name": "i", "type": "int64", "data": int64},
        {"name": "f", "type": "float64", "data": float64},
        {"name": "u", "type": "uint8", "data": uint8},
        {"name": "b", "type": "bool", "data": bool},
        {"name": "when", "type": "timestamp", "data": moments},
        {"name": "zoned", "type": "timestamp", "data": moments, "tz": "UTC", "valid": valid},
        {"name": "day", "type": "date", "data": days, "valid": valid},
        {"name": "ni", "type": "int64", "data": int64, "valid": valid},
        {"name": "nf", "type": "float64", "data": float64, "valid": valid},
        {"name": "nb", "type": "bool", "data": bool, "valid": valid},
        {"name": "t", "type": "text", "data": joined, "separator": "\u{0}"},
        {"name": "nt", "type": "text", "data": joined, "separator": "\u{0}", "valid": valid},
        {"name": "e", "type": "text", "data": run, "ends": ends},
        {"name": "c", "type": "text", "codes": codes, "values": ["x", "y"]},
        {"name": "raw", "type": "bytes", "data": run, "ends": ends, "valid": valid},
        {"name": "j", "type": "json", "values": [1, "two", [3]]},
        {"name": "i", "type": "uint8", "data": uint8},
    ]);
    Ok((json!({"$table": {"rows": 3, "columns": columns}}), parts))
}

#[test]
fn plain_calls() {
    let (mut session, log) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            ("x = 1\nx", value("1")),
            (
                "hits = search('cats')\nhits[0].title, hits[0]['title'], hits[0].extra",
                value("('cats of 10', 'cats of 10', [1])"),
            ),
            (
                "hits[0].color == 'red', hits[0].color.name, hits[0].found.year, hits[1].found",
                value("(True, 'RED', 2024, None)"),
            ),
            ("hits[1]", value("Hit(title='b')")),
            (
                "import inspect\nstr(inspect.signature(search))",
                value(
                    "'(query: str, limit: int = 10, *, since: datetime.date | None = None, cursor: str = Ellipsis) -> list[tools.Hit]'",
                ),
            ),
            (
                "help(search)",
                nothing().with_stdout(Text::Has(&[
                    "Help on function search",
                    "limit: int = 10",
                    "Searches.",
                ])),
            ),
            (
                "import json, copy, pickle\njson.dumps(hits[1]), copy.deepcopy(hits) == hits, pickle.loads(pickle.dumps(hits))[0].color",
                value("('{\"title\": \"b\"}', True, <Color.RED: 'red'>)"),
            ),
            (
                "import pandas as pd\npd.DataFrame(hits)[['title', 'found']].shape",
                value("(2, 2)"),
            ),
            (
                "search()",
                raises(
                    "TypeError",
                    &["missing 1 required positional argument: 'query'"],
                ),
            ),
            (
                "search('a', 1, 2)",
                raises("TypeError", &["takes from 1 to 2 positional arguments"]),
            ),
            (
                "tools",
                nothing().with_value(Text::Has(&["search  # Does it.", "table"])),
            ),
            ("tools['echo'](5), tools.echo is echo", value("(5, True)")),
            (
                "tools.nothing",
                raises("AttributeError", &["no tool named 'nothing'"]),
            ),
            ("from tools import quick as fast\nfast(3)", value("3")),
        ],
    );
    let log = log.lock().unwrap();
    assert_eq!(log.asked[0], json!({"ask": "resolve", "names": ["search"]}));
    assert_eq!(
        log.called[0],
        json!({"tool": "search", "arguments": {"query": "cats", "limit": 10, "since": null}})
    );
}

#[test]
fn names_of_the_user_win() {
    let (mut session, log) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            ("search = 5\nsearch + 1", value("6")),
            ("def echo(v): return -v\necho(4)", value("-4")),
            (
                "import re\nre.search('a', 'a').group(), [table for table in (1,)]",
                value("('a', [1])"),
            ),
            ("def late(): return quick(7)", nothing()),
        ],
    );
    assert_eq!(
        log.lock().unwrap().asked,
        [json!({"ask": "resolve", "names": ["quick"]})]
    );
    check_turns(
        &mut session,
        &[
            ("late()", value("7")),
            ("del echo\necho(4)", raises("NameError", &["echo"])),
            ("echo(4)", value("4")),
            ("no_such_name", raises("NameError", &["no_such_name"])),
        ],
    );
}

#[test]
fn binary_values_go_both_ways() {
    let (mut session, _) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            (
                "echo(b'abc'), echo(bytearray(2)), echo([b'', b'x'])",
                value("(b'abc', b'\\x00\\x00', [b'', b'x'])"),
            ),
            (
                "big = bytes(range(256)) * 4096\necho({'a': big})['a'] == big",
                value("True"),
            ),
            (
                "import numpy as np, datetime, decimal\necho([np.int64(3), np.float32(0.5), np.arange(3), datetime.date(2024, 1, 2), decimal.Decimal('1.5'), {2, 1}])",
                value("[3, 0.5, [0, 1, 2], '2024-01-02', '1.5', [1, 2]]"),
            ),
            (
                "import pandas as pd\ndf = pd.DataFrame({'n': ['b', 'a', 'b'], 'd': pd.to_datetime(['2024-01-02', None, '2024-01-02']), 'i': pd.array([1, None, 1], dtype='Int64'), 'c': pd.Categorical(['x', 'y', 'x'])})\n[echo(df[name].unique()) for name in df]",
                value("[['b', 'a'], ['2024-01-02T00:00:00', None], [1, None], ['x', 'y']]"),
            ),
            (
                "echo([df.n.array, pd.arrays.PeriodArray._from_sequence(['2024-01'], dtype='period[M]'), pd.interval_range(0, 1).array])",
                value("[['b', 'a', 'b'], ['2024-01'], ['(0, 1]']]"),
            ),
            (
                "echo(float('nan'))",
                raises("ValueError", &["echo: value: nan"]),
            ),
            (
                "echo({'k': [object()]})",
                raises("TypeError", &["echo: value.k[0]: a value of type object"]),
            ),
        ],
    );
}

#[test]
fn tables_are_data_frames() {
    let (mut session, _) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            (
                "df = table()\ntype(df).__name__, df.shape, [str(t) for t in df.dtypes][:10]",
                value(
                    "('DataFrame', (3, 17), ['int64', 'float64', 'uint8', 'bool', 'datetime64[us]', 'datetime64[us, UTC]', 'datetime64[s]', 'Int64', 'float64', 'boolean'])",
                ),
            ),
            (
                "list(df.columns)[::16], df.iloc[:, 0].tolist(), df.f.tolist(), df.u.tolist(), df.b.tolist()",
                value(
                    "(['i', 'i'], [1, -2, 1099511627776], [0.5, 1.5, -2.5], [1, 2, 255], [True, False, True])",
                ),
            ),
            (
                "[str(t) for t in df.when], [str(t) for t in df.zoned], [str(t)[:10] for t in df.day]",
                value(
                    "(['1970-01-01 00:00:00', '1970-01-02 00:00:00', '1970-01-03 00:00:00'], ['1970-01-01 00:00:00+00:00', 'NaT', '1970-01-03 00:00:00+00:00'], ['1970-01-01', 'NaT', '2022-01-08'])",
                ),
            ),
            (
                "df.ni.isna().tolist(), int(df.ni.sum()), df.nf.isna().tolist(), df.nb.isna().tolist()",
                value(
                    "([False, True, False], 1099511627777, [False, True, False], [False, True, False])",
                ),
            ),
            (
                "df.t.tolist(), df.e.tolist(), df.raw.tolist(), df.j.tolist()",
                value(
                    "(['a', '', 'ü'], ['a', 'b', 'ü'], [b'a', None, b'\\xc3\\xbc'], [1, 'two', [3]])",
                ),
            ),
            (
                "df.c.isna().tolist(), df.c[0], df.nt.isna().tolist(), df.nt[2], str(df.t.dtype) == str(df.nt.dtype) == str(df.c.dtype) == str(pd_dtype) if (pd_dtype := __import__('pandas').Series(['a', None]).dtype) else 0",
                value("([False, True, False], 'y', [False, True, False], 'ü', True)"),
            ),
            (
                "df.loc[0, 'u'] = 3\ndf.loc[1, 't'] = 'new'\ndf.u.tolist(), df.t.tolist()",
                value("([3, 2, 255], ['a', 'new', 'ü'])"),
            ),
            (
                "rows().b.isna().tolist(), type(rows()).__name__",
                value("([False, True], 'DataFrame')"),
            ),
            (
                "back = echo(df)\nimport pandas as pd\n(back.shape, [str(t) for t in back.dtypes] == [str(t) for t in table().dtypes])",
                nothing().with_value(Text::Has(&["(3, 17)"])),
            ),
            (
                "echo(table().drop(columns='i')).astype(str).equals(table().drop(columns='i').astype(str))",
                value("True"),
            ),
            (
                "small = pd.DataFrame({'a': [1, 2], 'b': ['x\\0y', None]}, index=pd.Index([5, 6], name='k'))\necho(small).columns.tolist(), echo(small).b[0], echo({'frames': [small, small]})['frames'][1].k.tolist()",
                value("(['k', 'a', 'b'], 'x\\x00y', [5, 6])"),
            ),
            (
                "echo(pd.DataFrame()).shape, echo(pd.DataFrame({'a': []})).shape, echo(pd.DataFrame({'c': pd.Categorical(['u', 'v', 'u'])})).c.tolist()",
                value("((0, 0), (0, 1), ['u', 'v', 'u'])"),
            ),
        ],
    );
}

#[test]
fn errors_show_the_users_lines_alone() {
    let (mut session, _) = session(TOOLS);
    for (code, class, lines) in [
        (
            "def f():\n    return fail('type')\nf()",
            "TypeError",
            [2, 3],
        ),
        (
            "async def f():\n    return await fail.aio('time')\nawait f()",
            "TimeoutError",
            [2, 3],
        ),
    ] {
        let outcome = run(&mut session, code);
        let error = outcome.error.unwrap();
        assert_eq!(error.class, class);
        for line in lines {
            assert!(
                error.traceback.contains(&format!("line {line}")),
                "{}",
                error.traceback
            );
        }
        for ours in ["memex", "<tool", "_call"] {
            assert!(!error.traceback.contains(ours), "{}", error.traceback);
        }
        assert_eq!(
            error.traceback.matches("File ").count(),
            2,
            "{}",
            error.traceback
        );
    }
    check_turns(
        &mut session,
        &[
            (
                "try:\n    fail(1)\nexcept ValueError as e:\n    print(e)",
                prints("fail: value: out of range\n"),
            ),
            (
                "try:\n    await fail.aio(1)\nexcept ValueError as e:\n    print(e)",
                prints("fail: value: out of range\n"),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn a_session_without_tools_says_so() {
    check_turns(
        &mut memex_tests::session(),
        &[
            ("tools", value("this session has no tools")),
            ("tools.search('x')", value("this session has no tools")),
            (
                "tools.fetch",
                raises("AttributeError", &["no tool named 'fetch'"]),
            ),
            ("fetch", raises("NameError", &["fetch"])),
            (
                "import requests\nrequests.get('https://example.org')",
                raises(
                    "requests.exceptions.ConnectionError",
                    &["the sandbox has no network"],
                ),
            ),
            (
                "import urllib.request\nurllib.request.urlopen('https://example.org')",
                raises("urllib.error.URLError", &["the sandbox has no network"]),
            ),
            (
                "import http.client\nhttp.client.HTTPConnection('example.org').request('GET', '/')",
                raises("OSError", &["the sandbox has no network"]),
            ),
        ],
    );
}
