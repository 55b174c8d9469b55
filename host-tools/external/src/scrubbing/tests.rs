//! What is found, what is not, and what it takes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{SECRET_MIN_BYTES, Scrubber, check_header_value, check_size, parts};

const SECRET: &str = "sk-Test/40+2=a&\"b\\c%z<9>";

fn scrubber(secret: &str) -> Scrubber {
    Scrubber::new([("[secret]".to_owned(), parts(secret))])
}

/// The ways in which one byte can be written, `way` choosing.
fn written(byte: u8, way: usize) -> String {
    let c = char::from(byte);
    let json = |c: char| serde_json::to_string(&c.to_string()).unwrap_or_default();
    let inner = |text: String| text[1..text.len() - 1].to_owned();
    match way {
        0 => c.to_string(),
        1 => format!("%{byte:02x}"),
        2 => format!("%{byte:02X}"),
        3 => format!("%25{byte:02X}"),
        4 => format!("%2525{byte:02x}"),
        5 => format!("%u{byte:04x}"),
        6 => format!("\\u{byte:04x}"),
        7 => format!("\\u{byte:04X}"),
        8 => format!("\\\\u{byte:04x}"),
        9 => format!("\\u{{{byte:x}}}"),
        10 => format!("\\U{byte:08x}"),
        11 => format!("\\x{byte:02x}"),
        12 => format!("\\{byte:03o}"),
        13 => format!("&#{byte};"),
        14 => format!("&#x{byte:X};"),
        15 => format!("&amp;#{byte:05};"),
        16 => format!("={byte:02X}"),
        17 => inner(json(c)),
        18 => inner(serde_json::to_string(&inner(json(c))).unwrap_or_default()),
        19 => match c {
            '"' => "&quot;".to_owned(),
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&amp;gt;".to_owned(),
            '\'' => "&apos;".to_owned(),
            '/' => "&sol;".to_owned(),
            '+' => "&plus;".to_owned(),
            other => other.to_string(),
        },
        20 if c == ' ' => "+".to_owned(),
        20 => format!("\\{c}"),
        21 => format!("{c}\r\n"),
        22 => format!("{c}=\r\n"),
        23 => format!("{c}\0"),
        _ => c.to_ascii_uppercase().to_string(),
    }
}

const WAYS: usize = 25;

fn all_written(secret: &str, way: usize) -> String {
    secret.bytes().map(|byte| written(byte, way)).collect()
}

/// The forms in which a peer may send a secret back.
fn echoes(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> = (0..WAYS).map(|way| all_written(secret, way)).collect();
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    forms.push(secret.chars().rev().collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02X}:")).collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02x} ")).collect());
    forms.push(hex.to_uppercase());
    forms.push(hex);
    for before in [
        "",
        "a",
        "ab",
        "abc",
        "user:",
        "{\"authorization\":\"Bearer ",
    ] {
        for after in ["", "z", "zz", "\"}"] {
            let text = format!("{before}{secret}{after}");
            for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&text);
                forms.push(encoded.bytes().map(|b| written(b, 1)).collect());
                forms.push(encoded.bytes().map(|b| written(b, 6)).collect());
                let lines = encoded.as_bytes().chunks(7);
                let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
                let lines: Vec<String> = lines.collect();
                forms.push(lines.join("\r\n"));
                forms.push(lines.join("\n    "));
                forms.push(lines.join("\\n"));
                forms.push(encoded);
            }
        }
    }
    forms
}

#[test]
fn every_echo_is_found() {
    for secret in [SECRET, "plain-token", "12345678", "with a space"] {
        let scrubber = scrubber(secret);
        for echo in echoes(secret) {
            let text = format!("<{echo}|");
            let clean = scrubber.clean_text(&text);
            assert!(clean.contains("[secret]"), "{secret}: {text:?} → {clean:?}");
            assert!(clean.starts_with('<') && clean.ends_with('|'), "{clean:?}");
        }
    }
}

#[test]
fn characters_outside_of_ascii_are_found_escaped() {
    let scrubber = scrubber("pässwörd→🔑");
    for echo in [
        "p\\u00e4ssw\\u00f6rd\\u2192\\ud83d\\udd11",
        "p\\\\u00E4ssw\\\\u00F6rd\\\\u2192\\\\uD83D\\\\uDD11",
        "p%C3%A4ssw%c3%b6rd%E2%86%92%F0%9F%94%91",
        "p&#228;ssw&#xF6;rd&#8594;&#128273;",
        "p\\xc3\\xa4ssw\\xc3\\xb6rd\\u{2192}\\u{1f511}",
    ] {
        assert_eq!(scrubber.clean_text(echo), "[secret]", "{echo}");
    }
}

#[test]
fn what_counts_alone_is_found_alone() {
    let pair = STANDARD.encode("robot:correct-horse");
    let scrubber = scrubber(&format!("Basic {pair}"));
    for (said, left) in [
        ("the password is correct-horse", "the password is [secret]"),
        ("robot:correct-horse", "[secret]"),
        (&*format!("<{pair}>"), "<[secret]>"),
        ("robot", "robot"),
    ] {
        assert_eq!(scrubber.clean_text(said), left);
    }
    let key_as_user = STANDARD.encode("sk_live_12345678:");
    let scrubber = super::Scrubber::new([(
        "[secret K]".to_owned(),
        parts(&format!("basic {key_as_user}")),
    )]);
    assert_eq!(
        scrubber.clean_text("key sk_live_12345678"),
        "key [secret K]"
    );
}

#[test]
fn a_secret_within_another_leaves_nothing_of_it() {
    let scrubber = Scrubber::new([
        ("[inner]".to_owned(), parts("abcdefgh")),
        ("[outer]".to_owned(), parts("xxabcdefghyy")),
    ]);
    let clean = scrubber.clean_text("1 xxabcdefghyy 2 abcdefgh 3 abcdefghabcdefgh");
    assert!(!clean.contains("xx") && !clean.contains("yy"), "{clean}");
    assert!(clean.ends_with(" 2 [inner] 3 [inner][inner]"), "{clean}");
}

#[test]
fn what_is_no_secret_stays() {
    let scrubber = scrubber(SECRET);
    for text in [
        "sk-Test/40+2=a&\"b\\c%z<9",
        "k-Test/40+2=a&\"b\\c%z<9>",
        "%%%%\\\\\\\\&&&&&amp;&#;&#x;\\u00&#99999999;%zz+",
        "",
        "s",
    ] {
        assert_eq!(scrubber.clean_text(text), text);
    }
}

#[test]
fn what_is_too_short_or_too_long_is_refused() {
    for (value, is_taken) in [
        ("1234567", false),
        ("12345678", true),
        ("Bearer 1234567", false),
        ("Bearer 12345678", true),
        ("Basic dTpzaG9ydA==", false),
        ("Basic dTpsb25nZW5vdWdo", true),
        ("two words", false),
        ("s3cret/+ words", true),
    ] {
        assert_eq!(check_header_value(value).is_ok(), is_taken, "{value}");
    }
    let secret = "s".repeat(super::SECRET_MAX_BYTES);
    assert!(check_size(&secret).is_ok() && check_size(&format!("{secret}s")).is_err());
    assert_eq!(SECRET_MIN_BYTES, "[secret]".len());
}

/// Taken literally, each of these takes the square of its length, or worse.
#[test]
fn no_secret_and_no_text_take_long() {
    let began = Instant::now();
    let size = 2 << 20;
    for unit in [
        "\\", "\\a", "a", "%", "%25", "+ ", "&amp;", "aab", "\\\\n", "=3D",
    ] {
        let secret = unit.repeat(8192 / unit.len());
        let scrubber = scrubber(&secret);
        for unit in [unit, "\\", "\\a", "\\\\x", "%25", "&amp;", "a"] {
            let text = unit.repeat(size / unit.len()).into_bytes();
            let clean = scrubber.clean(text.clone());
            // The control: it is looked through.
            let whole = String::from_utf8_lossy(&text).contains(&secret);
            assert!(!whole || clean.len() < text.len(), "{unit}");
        }
        let almost = format!("{}!", &secret[..secret.len() - unit.len()]);
        let text = almost.repeat(size / almost.len());
        scrubber.clean(text.into_bytes());
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(300), "{took:?}");
}

proptest! {
    #[test]
    fn any_mixture_of_escapes_is_found(
        secret in "[ -}]{8,40}",
        ways in proptest::collection::vec(0..WAYS, 40),
        before in "[A-Za-z0-9]{0,5}",
    ) {
        let bytes = secret.bytes().zip(&ways);
        let echo: String = bytes.map(|(byte, way)| written(byte, *way)).collect();
        let clean = scrubber(&secret).clean_text(&format!("{before}~{echo}~"));
        let start = format!("{before}~");
        prop_assert!(clean.starts_with(&start) && clean.ends_with('~'), "{echo:?} → {clean:?}");
        prop_assert!(clean.contains("[secret]"), "{echo:?} → {clean:?}");
        // At most the line end or the zero behind the last byte is left.
        prop_assert!(clean.len() <= start.len() + "[secret]=\r\n~".len(), "{echo:?} → {clean:?}");
    }

    #[test]
    fn any_base64_around_it_is_found(
        secret in proptest::collection::vec(any::<u8>(), 8..40),
        before in proptest::collection::vec(any::<u8>(), 0..9),
        after in proptest::collection::vec(any::<u8>(), 0..9),
        is_for_urls: bool,
    ) {
        let scrubber = Scrubber::new([("[secret]".to_owned(), vec![secret.clone()])]);
        let text = [before, secret, after].concat();
        let encoded = match is_for_urls {
            true => URL_SAFE_NO_PAD.encode(&text),
            false => STANDARD.encode(&text),
        };
        let clean = scrubber.clean_text(&encoded);
        prop_assert!(clean.contains("[secret]"), "{encoded} → {clean}");
    }

    #[test]
    fn any_bytes_are_looked_through(
        secret in "[\\\\%&+a]{8,20}",
        text in proptest::collection::vec(prop_oneof![
            Just(b'\\'), Just(b'%'), Just(b'&'), Just(b'+'), Just(b'a'), Just(b'2'), Just(b'5'), any::<u8>()
        ], 0..200),
    ) {
        let scrubber = scrubber(&secret);
        let clean = scrubber.clean(text.clone());
        prop_assert_eq!(scrubber.finds_in(&text), clean != text);
        let is_there = text.windows(secret.len()).any(|part| part.eq_ignore_ascii_case(secret.as_bytes()));
        prop_assert!(!is_there || clean != text);
    }
}
