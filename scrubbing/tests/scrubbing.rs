//! What is found, what is not, and what it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use memex_scrubbing::{
    SECRET_MAX_BYTES, SECRET_MIN_BYTES, Scrubber, check_header_value, check_size, parts,
};
use proptest::prelude::*;
use serde_json::{Value, json};

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
    forms.extend(dumps(secret));
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

/// Bytes one by one, as programs print them, and encodings of UTF-16.
fn dumps(secret: &str) -> Vec<String> {
    let each = |number: fn(u8) -> String, between: &str| {
        let numbers: Vec<String> = secret.bytes().map(number).collect();
        numbers.join(between)
    };
    let hex: fn(u8) -> String = |byte| format!("{byte:02x}");
    let decimal: fn(u8) -> String = |byte| byte.to_string();
    let padded: fn(u8) -> String = |byte| format!("{byte:03}");
    let mut forms = Vec::new();
    for between in [
        ":",
        "-",
        ".",
        "_",
        "|",
        "/",
        " ",
        "  ",
        "\t",
        ", ",
        ",",
        ";",
        "\n",
        ",\n        ",
        "\", \"",
        "' '",
    ] {
        forms.push(each(hex, between));
        forms.push(each(decimal, between));
        forms.push(each(padded, between));
        forms.push(each(|byte| format!("0x{byte:02X}"), between));
        forms.push(each(|byte| format!("\\x{byte:02x}"), between));
    }
    forms.push(format!("{:?}", secret.as_bytes()));
    forms.push(format!("{:#?}", secret.as_bytes()));
    for (before, after) in [
        ("", ""),
        ("a", "z"),
        ("ab", ""),
        ("abc", "yz"),
        ("abcd", "xyz"),
    ] {
        let text = format!("{before}{secret}{after}");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for wide in [little, big] {
            forms.push(STANDARD.encode(&wide));
            forms.push(URL_SAFE_NO_PAD.encode(&wide));
            forms.push(wide.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        let small = base32(text.as_bytes());
        forms.push(small.to_ascii_lowercase());
        forms.push(small);
    }
    for hidden in [
        "\u{7}",
        "\u{7f}",
        "\u{85}",
        "\u{200b}",
        "\u{202e}",
        "\u{feff}",
        "\x1b[0;1m",
    ] {
        let cut = secret.chars().map(|c| format!("{c}{hidden}"));
        let cut = cut.collect::<String>();
        forms.push(cut.trim_end_matches(hidden).to_owned());
    }
    forms
}

/// As Python's `base64.b32encode`, without padding.
fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let digits = bits.as_bytes().chunks(5).map(|digit| {
        let digit = format!("{:0<5}", String::from_utf8_lossy(digit));
        let value = usize::from_str_radix(&digit, 2).unwrap();
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value])
    });
    digits.collect()
}

#[test]
fn encodings_of_these_tests_are_those_of_others() {
    // Of RFC 4648.
    assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
}

/// A part of a text, and what a cut through a secret leaves.
#[test]
fn a_secret_that_a_cut_goes_through_is_left_out_whole() {
    let secret = "plain-token-0123";
    let scrubber = scrubber(secret);
    let text = format!("before {secret} between {} after", STANDARD.encode(secret));
    for from in 0..text.len() {
        for to in from..=text.len() {
            let part = scrubber.clean_part(text.as_bytes(), from..to);
            let part = part.unwrap_or_else(|| text.as_bytes()[from..to].to_vec());
            let part = String::from_utf8(part).unwrap();
            let rest = part.replace("[secret]", " ");
            for word in rest.split_whitespace() {
                assert!(
                    "before between after".contains(word),
                    "{from}..{to}: {part}"
                );
            }
        }
    }
    assert_eq!(scrubber.clean_part(b"nothing", 2..5), None);
}

#[test]
fn lines_of_a_key_are_found_alone() {
    let key =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n";
    let scrubber = scrubber(key);
    assert_eq!(
        scrubber.clean_text("line 2 is BgkqhkiG9w0B"),
        "line 2 is [secret]"
    );
    assert_eq!(scrubber.clean_text(key.trim_end()), "[secret]");
    let kept = "-----BEGIN PRIVATE KEY-----";
    assert_eq!(scrubber.clean_text(kept), kept);
}

#[test]
fn names_of_secrets_do_not_make_a_large_text_larger() {
    let name = "[secret WITH_A_NAME_OF_SOME_LENGTH]";
    let scrubber = Scrubber::new([(name.to_owned(), parts("abcdefgh"))]);
    assert_eq!(scrubber.clean_text("abcdefgh"), name);
    for unit in ["abcdefgh", "abcdefgh,"] {
        let text = unit.repeat(100_000);
        let clean = scrubber.clean_text(&text);
        assert!(clean.len() <= text.len() + (4 << 10), "{}", clean.len());
        assert!(clean.starts_with(name) && !clean.contains("abc"));
    }
    assert_eq!(scrubber.clean_text(&"abcdefgh".repeat(9)), name);
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
fn a_secret_in_pieces_of_json_is_found() {
    let scrubber = scrubber(SECRET);
    let bytes: Vec<u8> = SECRET.bytes().collect();
    let letters: Vec<String> = SECRET.chars().map(String::from).collect();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbered: serde_json::Map<String, Value> = (bytes.iter().enumerate())
        .map(|(at, byte)| (at.to_string(), json!(byte)))
        .collect();
    for pieces in [json!(bytes), json!(letters), json!(hex), json!(numbered)] {
        let mut answer = json!({ "type": "Buffer", "data": [1, { "in": pieces }] });
        scrubber.json(&mut answer);
        assert_eq!(answer["data"][1]["in"], json!("[secret]"), "{pieces}");
        assert_eq!(answer["type"], "Buffer");
    }
    // Other lists stay lists.
    let plain = json!({ "data": [84, 111], "words": ["To", "ken"], "none": [], "more": {} });
    let mut answer = plain.clone();
    scrubber.json(&mut answer);
    assert_eq!(answer, plain);
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
    let scrubber = Scrubber::new([(
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
    assert!(clean.ends_with(" 2 [inner] 3 [inner]"), "{clean}");
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
    let secret = "s".repeat(SECRET_MAX_BYTES);
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
        drop(scrubber.clean(text.into_bytes()));
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

    /// What is left of any pieces of echoes, in any order, is no secret.
    #[test]
    fn what_is_clean_stays_clean(
        pieces in proptest::collection::vec((0..10_000_usize, 0..40_usize, 0..40_usize), 1..6),
    ) {
        let secret = "s3cret/T0ken+x";
        let scrubber = scrubber(secret);
        let echoes = echoes(secret);
        let mut text = Vec::new();
        for (echo, from, length) in pieces {
            let echo = echoes[echo % echoes.len()].as_bytes();
            let from = from.min(echo.len());
            let to = if length > 30 { echo.len() } else { (from + length).min(echo.len()) };
            text.extend_from_slice(&echo[from..to]);
        }
        let clean = scrubber.clean(text.clone());
        prop_assert!(!scrubber.finds_in(&clean), "{:?}", String::from_utf8_lossy(&text));
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
