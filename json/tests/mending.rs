//! What is mended, in texts and in streams that are cut anywhere.
#![allow(clippy::unwrap_used, missing_docs)]

use memex_json::{Changes, Mended, mended};
use proptest::prelude::*;
use std::io::{self, Read};

/// Gives a few bytes at a time.
struct Slow<'b>(&'b [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

fn streamed(text: &[u8], at_a_time: usize) -> (Vec<u8>, Changes) {
    let mut out = Vec::new();
    let mut stream = Mended::new(Slow(text, at_a_time));
    stream.read_to_end(&mut out).unwrap();
    (out, stream.changes())
}

fn check(text: &[u8], expected: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    assert_eq!(&*mended(text), expected, "{shown}");
    for at_a_time in [1, 2, 3, 5, 100] {
        let (found, changes) = streamed(text, at_a_time);
        assert_eq!(found, expected, "{shown}, {at_a_time} bytes at a time");
        assert_eq!(changes.is_none(), text == expected, "{shown}");
    }
}

#[test]
fn numbers_that_json_does_not_have_are_null() {
    for (text, expected) in [
        (
            "[NaN, -Infinity,Infinity,1e-5,-1]",
            "[null, null,null,1e-5,-1]",
        ),
        ("[nan, -nan, -NaN]", "[null, null, null]"),
        (
            r#"{"NaN": "NaN \" NaN", "b": true}"#,
            r#"{"NaN": "NaN \" NaN", "b": true}"#,
        ),
        (r#"["NaN \" \\"]"#, r#"["NaN \" \\"]"#),
        ("NaN", "null"),
        (r#"["\\", NaN]"#, r#"["\\", null]"#),
        // What only begins or ends so is left for the parser to refuse.
        ("[NaNa, nul, aNaN, NaN1]", "[NaNa, nul, aNaN, NaN1]"),
        (
            "[12345678901234567890123456789, -Infinity]",
            "[12345678901234567890123456789, null]",
        ),
        (
            r#"{"x":NaN,"y":[-Infinity],"NaN":"NaN"}"#,
            r#"{"x":null,"y":[null],"NaN":"NaN"}"#,
        ),
    ] {
        check(text.as_bytes(), expected.as_bytes());
    }
}

#[test]
fn what_is_no_character_is_a_replacement_character() {
    let cases: [(&[u8], &[u8]); 9] = [
        (br#"["\ud83d\ude00"]"#, br#"["\ud83d\ude00"]"#),
        (
            br#"["\ud83d x", "\ude00", "\uD83D"]"#,
            br#"["\ufffd x", "\ufffd", "\ufffd"]"#,
        ),
        (br#"["\ud83d\ud83d\ude00"]"#, br#"["\ufffd\ud83d\ude00"]"#),
        (br#"["\ud83d\n"]"#, br#"["\ufffd\n"]"#),
        (b"[\"a\xffb\xe9\"]", "[\"a\u{fffd}b\u{fffd}\"]".as_bytes()),
        (b"[\"\xf0\x9f\x98\", 1]", "[\"\u{fffd}\", 1]".as_bytes()),
        ("[\"é😀\"]".as_bytes(), "[\"é😀\"]".as_bytes()),
        (b"[\"\xc3\xa9\xff\xc3\xa9\"]", "[\"é\u{fffd}é\"]".as_bytes()),
        // Not in a string: the parser refuses it.
        (b"[\xe9]", b"[\xe9]"),
    ];
    for (text, expected) in cases {
        check(text, expected);
    }
}

#[test]
fn control_characters_in_strings_are_escaped() {
    check(
        b"[\"a\nb\t\x00\",\n1]",
        b"[\"a\\u000ab\\u0009\\u0000\",\n1]",
    );
}

#[test]
fn a_byte_order_mark_is_left_out_at_the_beginning_alone() {
    check(b"\xef\xbb\xbf[1]", b"[1]");
    check("[\"\u{feff}\"]".as_bytes(), "[\"\u{feff}\"]".as_bytes());
    check(b"\xef\xbb\xbf", b"");
}

/// A text that ends anywhere ends, and what is there of an escape passes.
#[test]
fn texts_that_are_cut_off_pass_as_they_are() {
    for text in [
        "",
        "[",
        "\"",
        "[\"a",
        "[\"\\",
        "[\"\\u",
        "[\"\\u12",
        "[\"\\u12\"]",
        "[\"\\u+123\"]",
        "[\"\\x\"]",
        "-",
        "N",
        "Na",
    ] {
        check(text.as_bytes(), text.as_bytes());
    }
    check(b"[\"\\ud83d\\ude", b"[\"\\ufffd\\ude");
}

#[test]
fn changes_are_counted() {
    let (_, changes) = streamed(b"\xef\xbb\xbf[NaN, nan, \"\xff\\ud800\x01\"]", 7);
    assert_eq!(
        changes,
        Changes {
            numbers: 2,
            characters: 2,
            controls: 1,
            mark: true,
        }
    );
}

proptest! {
    /// Whatever it is: cutting changes nothing, and once is enough.
    #[test]
    fn any_bytes_are_mended_the_same_way_however_they_come(
        pieces in prop::collection::vec(
            prop_oneof![
                Just(b"\"".to_vec()), Just(b"\\".to_vec()), Just(b"\\u".to_vec()),
                Just(b"\\ud83d".to_vec()), Just(b"\\ude00".to_vec()), Just(b"NaN".to_vec()),
                Just(b"-Infinity".to_vec()), Just("é😀".as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..24,
        ),
        at_a_time in 1_usize..9,
    ) {
        let text = pieces.concat();
        let once = mended(&text).into_owned();
        prop_assert_eq!(&streamed(&text, at_a_time).0, &once);
        prop_assert_eq!(&*mended(&once), once.as_slice());
    }

    /// JSON stays as it is, to the byte.
    #[test]
    fn json_stays_as_it_is(text in "[a-zé😀\\\\\"\n]{0,20}", number in any::<f64>()) {
        let value = serde_json::json!({"text": text, "number": number, "list": [null, true]});
        let written = value.to_string();
        prop_assert_eq!(&*mended(written.as_bytes()), written.as_bytes());
    }
}
