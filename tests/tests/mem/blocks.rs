//! What the model is sent for a block of Python, in both modes.

use crate::desk::Desk;
use memex_memory::Mode;
use memex_tests::each;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Blocks of one agent, and what the model is sent for each.
fn check(mode: Mode, cases: &[(&str, &str)]) {
    let desk = Desk::new(mode);
    let blocks: Vec<&str> = cases.iter().map(|(block, _)| *block).collect();
    let results = desk.results(&blocks);
    let pairs: Vec<_> = cases.iter().zip(&results).collect();
    each(pairs, |((_, expected), result)| {
        assert_eq!(**result, format!("<result>\n{expected}\n</result>"));
    });
}

#[test]
fn compat_results_are_the_dictionary_of_what_was_assigned() {
    check(
        Mode::Compat,
        &[
            ("x = 1", "{'x': 1}"),
            ("print('hidden')", "{}"),
            ("x + 1", "{}"),
            ("text = read_file('user.md')", r"{'text': '- name: Ada\n'}"),
            ("here = check_if_file_exists('user.md')", "{'here': True}"),
            // The same value again is assigned again.
            ("here = check_if_file_exists('user.md')", "{'here': True}"),
            ("b, a = 2, [x, 'é', None]", "{'b': 2, 'a': [1, 'é', None]}"),
            ("a.append(3)", "{'a': [1, 'é', None, 3]}"),
            ("len(a)", "{}"),
            ("x = x + 1; y = x", "{'x': 2, 'y': 2}"),
            ("for i in range(3):\n    last = i", "{'i': 2, 'last': 2}"),
            ("del y", "{}"),
            ("globals()['made'] = 'late'", "{'made': 'late'}"),
            (
                "def f():\n    global deep\n    deep = 5\n\nz = f()\ndel f",
                "{'z': None, 'deep': 5}",
            ),
            (
                "ok = update_file('user.md', 'Ada', 'Ada Lovelace')",
                "{'ok': True}",
            ),
            (
                "ok = update_file('user.md', 'Bob', 'x')",
                r#"{'ok': "Error: Could not find the specified content in the file. Looking for: 'Bob'"}"#,
            ),
            (
                "out = read_file('../outside.md')\nout = out[:5]",
                "{'out': 'Error'}",
            ),
        ],
    );
}

#[test]
fn values_that_cannot_be_sent_are_their_repr() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "import math",
        "def f(): pass",
        "class C:\n    def __repr__(self): return 'I am C'\nc = C()\nmany = [c]",
        "class D:\n    def __repr__(self): raise ValueError('no')\nd = D()",
        "g = (n for n in [])",
        "from datetime import date\nday = date(2025, 1, 2)",
    ]);
    let has = |number: usize, text: &str| {
        let result = &results[number];
        assert!(result.contains(text), "{result} does not contain {text}");
    };
    has(0, "{'math': \"<module 'math'");
    has(1, "'f': '<function f at ");
    has(2, "'c': 'I am C', 'many': '[I am C]'");
    has(3, "'d': '<repr failed: ValueError: no>'");
    has(4, "'g': '<generator object ");
    has(5, "'day': datetime.date(2025, 1, 2)");
}

#[test]
fn compat_errors_keep_what_was_assigned_before() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "late = 0",
        "a = 1\nb = 1 / 0\nlate = 2",
        "1 / 0",
        "import sys\nc = 3\nsys.exit(4)",
        "import sys\nsys.exit(0)",
        "raise SystemExit('why')",
        "x = = 1",
        "after = a",
    ]);
    let error = &results[1];
    assert!(
        error.starts_with("<result>\n({'a': 1}, {Exception in sandboxed code:\nTraceback"),
        "{error}"
    );
    assert!(
        error.ends_with("ZeroDivisionError: division by zero\n})\n</result>"),
        "{error}"
    );
    assert!(error.contains("line 2, in <module>"), "{error}");
    assert!(
        results[2].starts_with("<result>\n({}, {Exception in sandboxed code:\n"),
        "{}",
        results[2]
    );
    assert!(
        results[3].ends_with("'c': 3}, {Sandboxed code called sys.exit(4)})\n</result>"),
        "{}",
        results[3]
    );
    assert!(
        results[4].starts_with("<result>\n{'sys': "),
        "{}",
        results[4]
    );
    assert_eq!(
        results[5],
        "<result>\n({}, {Sandboxed code called sys.exit(why)})\n</result>"
    );
    assert!(
        results[6].ends_with("SyntaxError: invalid syntax\n})\n</result>"),
        "{}",
        results[6]
    );
    assert_eq!(results[7], "<result>\n{'after': 1}\n</result>");
}

#[test]
fn a_timeout_has_no_variables_and_the_session_goes_on() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&["a = 1\nwhile True: pass", "b = 2"]);
    assert_eq!(
        results[0],
        "<result>\n(None, {TimeoutError: Code execution exceeded 2 seconds.})\n</result>"
    );
    assert_eq!(results[1], "<result>\n{'b': 2}\n</result>");
}

#[test]
fn extended_results_are_the_observation() {
    check(
        Mode::Extended,
        &[
            ("x = [1, 2]", "Names: x (list, 2)"),
            ("print('hello')\nx", "hello\n[1, 2]"),
            ("x.append(3)", "Names: x (changed, list, 3)"),
            ("pass", "{}"),
            ("del x", "Names: x (deleted)"),
            // Short values are seen, and failures always.
            (
                "r = update_file('user.md', 'Bob', 'x')",
                "r = \"Error: Could not find the specified content in the file. Looking for: 'Bob'\"\nNames: r (str, 75)",
            ),
            (
                "n = None; t = 'x' * 401",
                "n = None\nNames: n (NoneType), t (str, 401)",
            ),
            (
                "ok = create_file('a.md', 'aa')\nok = update_file('a.md', 'a', 'b')",
                "Warning: Found 2 occurrences of the content. Replacing only the first one.\nok = True\nNames: ok (bool)",
            ),
        ],
    );
    let desk = Desk::new(Mode::Extended);
    let results = desk.results(&["a = 1\nboom"]);
    assert!(
        results[0].contains("NameError: name 'boom' is not defined"),
        "{}",
        results[0]
    );
    assert!(
        results[0].ends_with("Names: a (int)\n</result>"),
        "{}",
        results[0]
    );
}

#[test]
fn the_scope_holds_nothing_of_ours() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "mine = 1",
        "names = [n for n in globals() if not n.startswith('__')]",
    ]);
    assert_eq!(results[1], "<result>\n{'names': ['mine']}\n</result>");
}

#[test]
fn nothing_but_the_memory_can_be_reached() {
    let desk = Desk::new(Mode::Extended);
    std::fs::write(desk.path().join("../outside-of-memory.md"), "secret").unwrap();
    let results = desk.results(&[
        "print(read_file('../outside-of-memory.md'))",
        "print(read_file('/etc/hostname'))",
        "print(open('/etc/hostname').read())",
        "import socket\nsocket.create_connection(('127.0.0.1', 80))",
        "open('/tmp/x', 'w').write('x')",
        // The positive control: the same calls, where they may go.
        "print(read_file('user.md'))",
    ]);
    for result in &results[..5] {
        assert!(!result.contains("secret"), "{result}");
        assert!(result.contains("Error"), "{result}");
    }
    assert!(results[5].contains("- name: Ada"), "{}", results[5]);
    std::fs::remove_file(desk.path().join("../outside-of-memory.md")).unwrap();
}

#[test]
fn files_of_every_size_are_created_or_refused_in_the_words_of_the_memory() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "ok = create_file('half.md', 'x' * (1 << 19))",
        "create_file('more.md', 'x' * ((1 << 20) + 1))",
        "create_file('much.md', 'x' * (100 << 20))",
        "n = len(read_file('half.md'))",
    ]);
    assert_eq!(results[0], "<result>\n{'ok': True}\n</result>");
    for (result, name) in [(&results[1], "more.md"), (&results[2], "much.md")] {
        let told = format!(
            "Exception: Error creating file {name}: File {name} is too large to create\n}})\n</result>"
        );
        assert!(result.ends_with(&told), "{result}");
        // The frames are the block's own.
        assert_eq!(result.matches("File \"").count(), 1, "{result}");
    }
    assert_eq!(results[3], "<result>\n{'n': 524288}\n</result>");
    assert!(!desk.path().join("much.md").exists());
}

#[test]
fn a_memory_is_no_way_out() {
    let desk = Desk::new(Mode::Extended);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.md"), "secret").unwrap();
    // What another process may do meanwhile.
    let link = |target: &Path, name: &str| symlink(target, desk.path().join(name)).unwrap();
    link(&outside.path().join("secret.md"), "file.md");
    link(outside.path(), "folder");
    link(Path::new("/dev/zero"), "zero");
    link(Path::new("user.md"), "inside.md");
    let pipe = desk.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let there = outside.path().join("secret.md").display().to_string();
    let up = format!(
        "../{}/secret.md",
        outside.path().file_name().unwrap().display()
    );
    for path in [&there, &up, "file.md", "folder/secret.md", "zero", "pipe"] {
        let results = desk.results(&[
            &format!("print(read_file({path:?}))"),
            &format!("print(update_file({path:?}, 'secret', 'x'))"),
            &format!("print(go_to_link('[[{path}]]'))"),
            &format!("create_file({:?}, 'x')", format!("{path}/new.md")),
        ]);
        for result in &results {
            assert!(result.contains("Error"), "{path}: {result}");
            assert!(!result.contains("secret\n"), "{path}: {result}");
        }
    }
    // The same by a link that stays inside.
    let results = desk.results(&["print(read_file('inside.md'))"]);
    assert!(results[0].contains("- name: Ada"), "{}", results[0]);
    let left: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(std::fs::read(&there).unwrap(), b"secret");
}

#[test]
fn a_hostile_block_learns_nothing_and_ends_nothing() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "import sys\ndel sys.modules['_memex_blocks']",
        "x = 1",
        "import builtins\nbuiltins.compile = None",
        "y = 2",
    ]);
    // The module is gone, so names are not told; the loop goes on.
    assert_eq!(results[1], "<result>\n{}\n</result>");
    assert_eq!(results.len(), 4);
}

#[test]
fn long_results_are_cut() {
    let mut desk = Desk::new(Mode::Compat);
    desk.options.result_bytes_max = 1000;
    let results = desk.results(&["text = 'ä' * 5000"]);
    assert!(results[0].len() < 1200, "{}", results[0].len());
    assert!(results[0].contains("bytes left out"), "{}", results[0]);
}
