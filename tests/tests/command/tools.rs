//! Tools from the command line: databases, tool files, memories, refusals.

use crate::memex::memex;
use rusqlite::Connection;
use std::path::Path;
use tempfile::TempDir;

fn shop(folder: &TempDir) -> String {
    let path = folder.path().join("shop.sqlite");
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE orders(id INTEGER PRIMARY KEY, kind TEXT, amount REAL);
             INSERT INTO orders(kind, amount) VALUES ('a', 1.5), ('b', 2.0), ('a', NULL);",
        )
        .unwrap();
    format!("shop={}", path.display())
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const COUNTER: &str = "import json, sys\nasked = json.load(sys.stdin)\nprint(json.dumps({'words': len(asked['text'].split())}))\n";

/// A tool that is a Python program.
fn counter(folder: &TempDir) -> String {
    let program = write(folder, "count.py", COUNTER);
    let text = format!(
        r#"
version = 1

[[command]]
name = "count_words"
description = "Counts the words of a text."
argv = ["python3", {program:?}]
parameters = {{ type = "object", properties = {{ text = {{ type = "string" }} }}, required = ["text"] }}
returns = {{ type = "object", properties = {{ words = {{ type = "integer" }} }}, required = ["words"] }}
"#
    );
    write(folder, "tools.toml", &text)
}

#[test]
fn a_database_becomes_data_frames() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(&folder);
    let ran = memex(&[
        "run",
        "--sql",
        &shop,
        "-c",
        "df = sql('select kind, sum(amount) as total from orders group by kind order by kind')",
        "-c",
        "type(df).__name__, df.total.tolist(), df.kind.tolist()",
        "-c",
        "[(t.database, t.table, t.kind, t.columns) for t in list_tables()]",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(
        ran.stdout.contains("('DataFrame', [1.5, 2.0], ['a', 'b'])"),
        "{ran:#?}"
    );
    assert!(
        ran.stdout
            .contains("[('shop', 'orders', 'table', ['id', 'kind', 'amount'])]"),
        "{ran:#?}"
    );
    // Read-only, and nothing but what was named.
    for (code, told) in [
        ("sql('delete from orders')", "PermissionError"),
        ("sql(\"attach '/etc/passwd' as x\")", "PermissionError"),
        ("sql('select * from order_s')", "orders"),
        ("sql(1)", "TypeError"),
    ] {
        let ran = memex(&["run", "--sql", &shop, "-c", code]);
        assert_eq!(ran.status, 1, "{code}: {ran:#?}");
        assert!(ran.stderr.contains(told), "{code}: {ran:#?}");
    }
    let ran = memex(&[
        "run",
        "--sql",
        &shop,
        "-c",
        "int(sql('select count(*) n from orders').n[0])",
    ]);
    assert_eq!(ran.stdout, "3\n", "nothing was deleted: {ran:#?}");
}

#[test]
fn large_integers_cross_exactly_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder,
        "echo.py",
        "import json, sys\nprint(json.dumps(json.load(sys.stdin)))\n",
    );
    let tools = write(
        &folder,
        "tools.toml",
        r#"version = 1
[[command]]
name = "whole"
argv = ["python3", "echo.py"]
parameters = { type = "object", properties = { n = { type = "integer" } }, required = ["n"] }
[[command]]
name = "anything"
argv = ["python3", "echo.py"]
parameters = { type = "object", properties = { x = {} }, required = ["x"] }
[[command]]
name = "big"
argv = ["python3", "-c", "print([1, 12345678901234567890123456789])"]
"#,
    );
    let run = |code: &str| memex(&["run", "--tools", &tools, "-c", code]);
    // The control: what fits 64 bits, and floats of any size.
    for (code, value) in [
        ("whole(n=2**64 - 1)['n'] == 2**64 - 1", "True\n"),
        ("whole(n=-2**63)['n'] == -2**63", "True\n"),
        ("anything(x=1e25)['x'] == 1e25", "True\n"),
        ("anything(x=str(10**25))['x'] == str(10**25)", "True\n"),
    ] {
        let ran = run(code);
        assert_eq!((ran.status, &*ran.stdout), (0, value), "{code}: {ran:#?}");
    }
    for (code, told) in [
        (
            "whole(n=2**64)",
            "whole: n: the integer 18446744073709551616 has",
        ),
        (
            "whole(n=-2**63 - 1)",
            "whole: n: the integer -9223372036854775809 has",
        ),
        (
            "anything(x=[10**25])",
            "anything: x: the integer 10000000000000000000000000 has",
        ),
        ("await anything.aio(x=10**25)", "anything: x: the integer"),
        (
            "big()",
            "big: the answer cannot be used: the integer 12345678901234567890123456789 has",
        ),
    ] {
        let ran = run(code);
        assert_eq!(ran.status, 1, "{code}: {ran:#?}");
        assert!(ran.stderr.contains(told), "{code}: {ran:#?}");
    }
}

#[test]
fn a_tool_file_becomes_functions() {
    let folder = tempfile::tempdir().unwrap();
    let tools = counter(&folder);
    let audit = folder.path().join("calls.jsonl").display().to_string();
    let ran = memex(&[
        "run",
        "--tools",
        &tools,
        "--audit",
        &audit,
        "-c",
        "r = count_words('one two three')\nr.words, r['words']",
        "-c",
        "import inspect\nstr(inspect.signature(count_words)), count_words.__doc__.splitlines()[0]",
        "-c",
        "import asyncio\n[r.words for r in await asyncio.gather(*[count_words.aio(text='x ' * n) for n in range(4)])]",
        "-c",
        "try: count_words(7)\nexcept TypeError as e: print(e)",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(ran.stdout.contains("(3, 3)"), "{ran:#?}");
    assert!(ran.stdout.contains("text: str"), "{ran:#?}");
    assert!(ran.stdout.contains("[0, 1, 2, 3]"), "{ran:#?}");
    assert!(ran.stdout.contains("count_words: text:"), "{ran:#?}");
    let lines = std::fs::read_to_string(&audit).unwrap();
    assert_eq!(lines.lines().count(), 6, "{lines}");
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["tool"], "count_words");
        assert!(record.get("arguments").is_none(), "{line}");
    }
}

#[test]
fn tools_are_told_before_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let tools = counter(&folder);
    let stub = memex(&["tools", "stub", "--tools", &tools]);
    assert_eq!(stub.status, 0, "{stub:#?}");
    assert!(stub.stdout.contains("count_words(text: str)"), "{stub:#?}");
    let full = memex(&["tools", "stub", "count_words", "--full", "--tools", &tools]);
    assert!(full.stdout.contains("words: int"), "{full:#?}");
    let list = memex(&["tools", "list", "--json", "--tools", &tools]);
    let entry: serde_json::Value = serde_json::from_str(list.stdout.trim()).unwrap();
    assert_eq!(entry["name"], "count_words");
    let check = memex(&["tools", "check", "--tools", &tools]);
    assert_eq!(check.stdout, "1 tools: valid\n", "{check:#?}");
    let near = memex(&["tools", "stub", "count_word", "--tools", &tools]);
    assert_eq!(near.status, 2);
    assert!(near.stderr.contains("count_words"), "{near:#?}");
}

#[test]
fn a_wrong_tool_file_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    for (text, told) in [
        (
            "version = 1\n[[comand]]\nname = 'x'",
            "did you mean `command`",
        ),
        ("[[command]]\nname = 'x'", "version"),
        (
            "version = 1\n[[sql]]\nname = 'a'\npath = 'no.sqlite'",
            "no.sqlite",
        ),
        ("version = 1\n[[command", "tools.toml"),
    ] {
        let file = write(&folder, "tools.toml", text);
        let ran = memex(&["run", "--tools", &file, "-c", "1"]);
        assert_eq!(ran.status, 2, "{text}: {ran:#?}");
        assert!(ran.stderr.contains(told), "{text}: {ran:#?}");
    }
}

/// What a policy denies stays denied, and a preset without tools has none.
#[test]
fn a_policy_denies() {
    let folder = tempfile::tempdir().unwrap();
    let tools = counter(&folder);
    let policy = write(
        &folder,
        "strict.toml",
        "version = 1\nextends = \"compute\"\n[tools]\ndeny = [\"count_*\"]\n",
    );
    let ran = memex(&[
        "run",
        "--tools",
        &tools,
        "--policy",
        &policy,
        "-c",
        "count_words('x')",
    ]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert!(!ran.stdout.contains("words"), "{ran:#?}");
    let ran = memex(&["run", "--tools", &tools, "--policy", "deny-all", "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    let ran = memex(&["run", "--tools", &tools, "-c", "count_words('x').words"]);
    assert_eq!(ran.stdout, "1\n", "the control: {ran:#?}");
}

#[test]
fn a_memory_is_files_that_last() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory");
    std::fs::create_dir(&memory).unwrap();
    let directory = memory.display().to_string();
    let ran = memex(&[
        "run",
        "--memory",
        &directory,
        "-c",
        "create_file('user.md', '- name: Ada\\n'), read_file('user.md')",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(Path::new(&memory).join("user.md").exists());
    let ran = memex(&[
        "run",
        "--memory",
        &directory,
        "-c",
        "print(list_files())\nread_file('../x')",
        "-c",
        "read_file('x')",
    ]);
    assert_eq!(
        ran.stdout,
        "./\n└── user.md\n'Error: Permission denied accessing ../x'\n'Error: File x does not exist'\n",
        "{ran:#?}"
    );
}

const CLUMSY: &str = r#"
import json, os, sys
asked = json.load(sys.stdin)["how"]
if asked == "flood":
    block = b"x" * (1 << 20)
    sys.stdout.buffer.write(b'"')
    for _ in range(1024): sys.stdout.buffer.write(block)
elif asked == "dies":
    os.kill(os.getpid(), 9)
elif asked == "hangs":
    import time
    time.sleep(600)
elif asked == "babble":
    print("no JSON at all")
elif asked == "fails":
    print(json.dumps({"error": {"type": "LookupError", "message": "nothing there"}}))
else:
    print(json.dumps(asked))
"#;

/// A tool that floods, dies, hangs or talks nonsense is an exception; the
/// session goes on, and so does the tool.
#[test]
fn tools_that_misbehave_are_exceptions() {
    let folder = tempfile::tempdir().unwrap();
    let program = write(&folder, "clumsy.py", CLUMSY);
    let text = format!(
        "version = 1\n[[command]]\nname = 'clumsy'\nargv = ['python3', {program:?}]\ntimeout_ms = 5000\n[command.parameters]\ntype = 'object'\nproperties = {{ how = {{ type = 'string' }} }}\nrequired = ['how']\n"
    );
    let tools = write(&folder, "tools.toml", &text);
    let code = "def tell(how):\n    try: return clumsy(how)\n    except Exception as e: return type(e).__name__ + ': ' + str(e)\n";
    let each = "for how in ('flood', 'dies', 'hangs', 'babble', 'fails', 'well'): print(tell(how))";
    let ran = memex(&["run", "--tools", &tools, "-c", code, "-c", each]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let told: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(told.len(), 6, "{ran:#?}");
    for (line, expected) in told.iter().zip([
        "RuntimeError: clumsy: the answer is longer than",
        "RuntimeError: clumsy:",
        "TimeoutError: clumsy",
        "RuntimeError: clumsy: the answer is not valid JSON",
        "LookupError: clumsy: nothing there",
        "well",
    ]) {
        assert!(line.starts_with(expected), "{expected}: {ran:#?}");
    }
}

/// Texts of megabytes, alone and in lists, as arguments and as results.
#[test]
fn long_texts_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let program = write(
        &folder,
        "echo.py",
        "import json, sys\njson.dump(json.load(sys.stdin)['value'], sys.stdout)\n",
    );
    let text = format!(
        "version = 1\n[[command]]\nname = 'echo'\nargv = ['python3', {program:?}]\noutput_max_bytes = 20_000_000\n[command.parameters]\ntype = 'object'\nproperties = {{ value = {{}} }}\nrequired = ['value']\n"
    );
    let tools = write(&folder, "tools.toml", &text);
    let ran = memex(&[
        "run",
        "--tools",
        &tools,
        "-c",
        "one = 'naïve ' * 500_000\necho(one) == one, len(one.encode())",
        "-c",
        "many = {'pages': ['page %d ' % n * 100 for n in range(3000)], 'n': [1, None, 'x']}\necho(many) == many",
        "-c",
        "(await echo.aio(value=[one])) == [one]",
        "-c",
        "echo(['x' * 100] * 20_000)",
        "-c",
        "echo('x' * 17_000_000)",
        "-c",
        "echo('short')",
    ]);
    let out: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        out,
        ["(True, 3500000)", "True", "True", "'short'"],
        "{ran:#?}"
    );
    // What is no long text has a bound that is told, and so has a call.
    assert!(ran.stderr.contains("bytes as JSON, of"), "{ran:#?}");
    assert!(ran.stderr.contains("host_call_bytes"), "{ran:#?}");
}
