//! Where a request to the server goes, by its host, its headers, its path and its token; and
//! patterns of file names, which match as a plain search has it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_server::fuzzing::{check_address, check_token, matches};

/// A plain search takes exponential time.
const PATTERN_CHARS_MAX: usize = 10;
const PATH_CHARS_MAX: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (lines, rest) = match at {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &b""[..]),
    };
    let text = String::from_utf8_lossy(rest);
    assert_eq!(check_address(lines, &text), Ok(()));
    assert_eq!(check_token(&text), Ok(()));
    let (pattern, path) = text.split_once('\n').unwrap_or((&*text, &*text));
    let found = matches(pattern, path);
    let subject = match pattern.contains('/') {
        true => path,
        false => path.rsplit('/').next().unwrap_or(path),
    };
    let (pattern, subject): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), subject.chars().collect());
    if pattern.len() <= PATTERN_CHARS_MAX && subject.len() <= PATH_CHARS_MAX {
        let is_all = pattern == ['*', '*'];
        assert_eq!(found, is_all || searched(&pattern, &subject), "{text:?}");
    }
});

fn searched(pattern: &[char], text: &[char]) -> bool {
    let behind = |rest: &[char], fits: fn(char) -> bool| {
        let most = text.iter().take_while(|found| fits(**found)).count();
        (0..=most).any(|taken| searched(rest, &text[taken..]))
    };
    match pattern {
        [] => text.is_empty(),
        ['*', '*', '/', rest @ ..] => {
            let ends = (1..=text.len()).filter(|end| text[end - 1] == '/');
            searched(rest, text) || ends.into_iter().any(|end| searched(rest, &text[end..]))
        }
        ['*', '*', rest @ ..] => behind(rest, |_| true),
        ['*', rest @ ..] => behind(rest, |found| found != '/'),
        ['?', rest @ ..] => text
            .split_first()
            .is_some_and(|(found, text)| *found != '/' && searched(rest, text)),
        [expected, rest @ ..] => text
            .split_first()
            .is_some_and(|(found, text)| found == expected && searched(rest, text)),
    }
}
