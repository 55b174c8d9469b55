//! `memex repl` on a pipe: blocks in, turns out.

use crate::memex::{Ran, memex_with};

fn repl(arguments: &[&str], input: &str) -> Ran {
    let arguments = [&["repl"], arguments].concat();
    memex_with(&arguments, input.as_bytes())
}

#[test]
fn blocks_are_turns_of_one_session() {
    let ran = repl(
        &["--json"],
        "x = 1\n\ndef f(n):\n    y = n\n\n    return y + x\n\nf(41)\n\nfor i in range(2):\n    print(i)\n",
    );
    let turns = ran.objects();
    let of = |name: &str| {
        turns
            .iter()
            .map(|turn| turn[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("turn"), [1, 2, 3, 4], "{ran:#?}");
    assert_eq!(of("status"), ["ok"; 4], "{ran:#?}");
    assert_eq!(turns[2]["value"], "42");
    assert_eq!(turns[3]["stdout"], "0\n1\n");
    assert_eq!(ran.status, 0);
}

#[test]
fn a_block_that_fails_ends_nothing_but_itself() {
    let ran = repl(&[], "x = 5\n\n1/0\n\nx +\n\nx\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (1, "5\n"), "{ran:#?}");
    for expected in ["ZeroDivisionError: division by zero", "SyntaxError"] {
        assert!(ran.stderr.contains(expected), "{ran:#?}");
    }
}

#[test]
fn commands_are_answered_aside() {
    let input = "a = 'text'\n\n:vars\n\n:stats\n\n:policy\n\n:nosuch\n\n:reset\n\n:vars\n\n'a' in globals()\n\n:quit\n\n1\n";
    let ran = repl(&[], input);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [vars, stats, value] = lines[..] else {
        panic!("{ran:#?}");
    };
    let words: Vec<&str> = vars.split_whitespace().collect();
    assert_eq!(words, ["a", "str", "'text'"]);
    assert!(stats.starts_with("turns 1, memory "), "{stats}");
    assert_eq!(value, "False");
    for expected in [
        "nothing is in scope",
        "there is no command `:nosuch`\nhint: `:help` lists them",
        "a new session",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {ran:#?}");
    }

    // With --json, nothing but turns is on standard output.
    let ran = repl(&["--json"], input);
    assert_eq!(ran.objects().len(), 2, "{ran:#?}");
    assert!(ran.stderr.contains("turns 1, memory "), "{ran:#?}");
}

#[test]
fn what_is_no_source_is_refused() {
    let ran = memex_with(&["repl"], b"x = '\xff'\n\n");
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr.contains("standard input is not UTF-8\nhint: "),
        "{ran:#?}"
    );
    let ran = repl(&["--json"], "");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:#?}");
}
