//! Long texts in pieces.

use crate::text::floor;

/// Where a text is best taken apart, best first.
const SEAMS: [&str; 4] = ["\n## ", "\n\n**", "\n\n", "\n"];
/// How a line of a quotation begins.
const QUOTE: &str = "> ";

/// The text in pieces of at most `bytes_max` bytes, one if it is short. They end where a
/// section, a message, a paragraph or a line ends, or else at a character; a quoted line that
/// is taken apart stays a quotation.
pub(super) fn pieces(text: &str, bytes_max: usize) -> Vec<String> {
    // Every piece holds at least a character of any size.
    let bytes_max = bytes_max.max(QUOTE.len() + 4);
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut prefix = "";
    while rest.len() > bytes_max - prefix.len() {
        let window = rest
            .get(..floor(rest, bytes_max - prefix.len()))
            .unwrap_or_default();
        let seams = SEAMS.iter().filter_map(|seam| window.rfind(seam));
        let seam = seams.into_iter().find(|at| *at > window.len() / 2);
        let at = seam.unwrap_or(window.len());
        let (piece, after) = rest.split_at(at);
        let piece = format!("{prefix}{piece}");
        prefix = match seam {
            Some(_) => "",
            None if last_line(&piece).starts_with(QUOTE) => QUOTE,
            None => "",
        };
        pieces.push(piece.trim_end_matches('\n').to_owned());
        rest = match seam {
            Some(_) => after.trim_start_matches('\n'),
            None => after,
        };
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(format!("{prefix}{rest}"));
    }
    pieces
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_split_where_they_have_seams_and_nothing_is_lost() {
        for (text, bytes_max, expect) in [
            ("", 10, vec![""]),
            ("short", 10, vec!["short"]),
            ("one two\nthree\nfour", 14, vec!["one two\nthree", "four"]),
            (
                "aaaaaaaa\n\n**B**\n\n> b",
                12,
                vec!["aaaaaaaa", "**B**\n\n> b"],
            ),
            ("éééééééé", 7, vec!["ééé", "ééé", "éé"]),
            ("> abcdefghijkl", 8, vec!["> abcdef", "> ghijkl"]),
        ] {
            assert_eq!(pieces(text, bytes_max), expect, "{text:?}");
        }
        let long = "word ".repeat(10_000);
        let split = pieces(&long, 64);
        assert!(split.iter().all(|piece| piece.len() <= 64));
        assert_eq!(split.concat(), long);
    }
}
