//! Whole texts, by who says them.

use super::filter::{Filter, LINE, OUTPUT, Passes, SAID, TEXT};

/// What code prints, as a whole. Colours pass.
pub fn harmless(text: &str) -> String {
    filtered(OUTPUT, text)
}

/// Text of the command for a terminal, which may quote other sources.
pub fn said(text: &str) -> String {
    filtered(SAID, text)
}

/// A text of someone who may change nothing about how it looks.
pub fn plain(text: &str) -> String {
    filtered(TEXT, &text.replace("\r\n", "\n"))
}

/// A text that stays within its line.
pub fn line(text: &str) -> String {
    filtered(LINE, text)
}

fn filtered(passes: Passes, text: &str) -> String {
    let mut filter = Filter::new(passes);
    let mut bytes = filter.pass(text.as_bytes());
    bytes.append(&mut filter.finish());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::characters::HIDDEN;
    use super::{OUTPUT, SAID, TEXT, filtered, harmless, line, plain, said};

    #[test]
    fn colours_pass_and_everything_else_is_shown() {
        for (said, shown) in [
            ("plain\ttext\r\n", "plain\ttext\r\n"),
            ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
            ("\x1b[2J", "␛[2J"),
            ("\x1b]0;title\x07", "␛]0;title␇"),
            (
                "\x1b]8;;http://a.test\x1b\\here\x1b]8;;\x1b\\",
                "␛]8;;http://a.test␛\\here␛]8;;␛\\",
            ),
            ("a\u{9b}2Jb", "a\u{fffd}2Jb"),
            ("a\x08b\x7f", "a␈b␡"),
            ("é © ½ 漢字 🎈", "é © ½ 漢字 🎈"),
            ("\x1b\x1b[m", "␛\x1b[m\x1b[0m"),
            ("end\x1b[1;", "end␛[1;"),
        ] {
            assert_eq!(harmless(said), shown, "{said:?}");
        }
    }

    #[test]
    fn what_hides_is_shown_by_its_number() {
        for range in HIDDEN {
            for c in [*range.start(), *range.end()] {
                let shown = format!("a<U+{:04X}>b", u32::from(c));
                for passes in [OUTPUT, SAID, TEXT] {
                    assert_eq!(filtered(passes, &format!("a{c}b")), shown);
                }
                assert_eq!(line(&format!("a{c}b")), shown);
            }
        }
        assert_eq!(harmless("exe\u{202e}txt.py"), "exe<U+202E>txt.py");
    }

    #[test]
    fn joiners_stay_where_writing_needs_them() {
        for text in ["👩‍👩‍👧", "🏳️‍🌈", "❤️", "क्‍ष", "می‌خواهم"]
        {
            assert_eq!(harmless(text), text);
        }
        assert_eq!(harmless("ad\u{200d}min"), "ad<U+200D>min");
        assert_eq!(harmless("\u{200c}a"), "<U+200C>a");
    }

    #[test]
    fn quotes_move_nothing() {
        let text = "one\r\ntwo\rthree\n\x1b[31mred";
        assert_eq!(harmless(text), "one\r\ntwo\rthree\n\x1b[31mred\x1b[0m");
        assert_eq!(said(text), "one␍\ntwo␍three\n\x1b[31mred\x1b[0m");
        assert_eq!(plain(text), "one\ntwo␍three\n␛[31mred");
        assert_eq!(line(text), "one␍␊two␍three␊␛[31mred");
    }

    #[test]
    fn a_sequence_without_end_is_not_kept() {
        let long = format!("\x1b[{}m", "1;".repeat(1000));
        assert!(harmless(&long).starts_with("␛[1;1;"));
        assert_eq!(harmless(&long).len(), long.len() + 2);
    }
}
