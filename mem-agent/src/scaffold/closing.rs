//! Where a block of Python ends: at a closing tag that is no part of a string.

const CLOSE: &str = "</python";

/// Where the closing tag of a block begins and ends. One in a string closes nothing, unless
/// the code is broken so that no other does.
pub(super) fn python_end(text: &str) -> Option<(usize, usize)> {
    let mut quote: Option<Quote> = None;
    let mut within = None;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(length) = closing(rest) {
            if quote.is_none() {
                return Some((at, at + length));
            }
            within.get_or_insert((at, at + length));
            at += length;
            continue;
        }
        at += match quote {
            Some(open) => open.step(rest, &mut quote),
            None => outside(rest, &mut quote),
        };
    }
    // A string that never ends hides nothing; one that does hides what is in it.
    within.filter(|_| quote.is_some())
}

/// The length of the closing tag with which a text begins.
fn closing(text: &str) -> Option<usize> {
    let head = text.get(..CLOSE.len())?;
    let rest = text.get(CLOSE.len()..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let is_tag = head.eq_ignore_ascii_case(CLOSE) && rest.get(blanks..)?.starts_with('>');
    is_tag.then_some(CLOSE.len() + blanks + 1)
}

/// What ends a string.
#[derive(Debug, Clone, Copy)]
struct Quote {
    mark: char,
    is_triple: bool,
}

impl Quote {
    fn mark(self) -> &'static str {
        match (self.mark, self.is_triple) {
            ('"', true) => "\"\"\"",
            ('"', false) => "\"",
            (_, true) => "'''",
            (_, false) => "'",
        }
    }

    /// How much of a string is done with; ends it where it ends.
    fn step(self, rest: &str, quote: &mut Option<Self>) -> usize {
        let first = rest.chars().next().unwrap_or_default();
        if first == '\\' {
            let next = rest.get(1..).and_then(|rest| rest.chars().next());
            return 1 + next.map_or(0, char::len_utf8);
        }
        if rest.starts_with(self.mark()) {
            *quote = None;
            return self.mark().len();
        }
        if first == '\n' && !self.is_triple {
            *quote = None;
        }
        first.len_utf8()
    }
}

/// How much outside of strings is done with; begins a string where one begins.
fn outside(rest: &str, quote: &mut Option<Quote>) -> usize {
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '#' => {
            let line = rest.split('\n').next().unwrap_or(rest);
            // A tag closes the block even behind a comment.
            let tag = line
                .char_indices()
                .find(|(at, _)| line.get(*at..).is_some_and(|rest| closing(rest).is_some()));
            tag.map_or(line.len(), |(at, _)| at)
        }
        '"' | '\'' => {
            let is_triple = rest.starts_with("\"\"\"") || rest.starts_with("'''");
            *quote = Some(Quote {
                mark: first,
                is_triple,
            });
            if is_triple { 3 } else { 1 }
        }
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::python_end;

    #[test]
    fn a_tag_in_a_string_closes_nothing() {
        for (text, expect) in [
            ("x</python>", Some("x")),
            ("x</Python >", Some("x")),
            ("s = '</python>'\n</python>", Some("s = '</python>'\n")),
            (
                "s = '''\n</python>\n'''\n</python>",
                Some("s = '''\n</python>\n'''\n"),
            ),
            (
                "s = \"\\\"</python>\"</python>",
                Some("s = \"\\\"</python>\""),
            ),
            ("# don't\nx</python>", Some("# don't\nx")),
            ("x # it's done </python>", Some("x # it's done ")),
            // Broken code: a string that does not end on its line, and one that never ends.
            ("s = 'abc\nx</python>", Some("s = 'abc\nx")),
            ("s = '''abc</python>", Some("s = '''abc")),
            ("s = '</python>'\nx", None),
            ("x", None),
            ("", None),
        ] {
            let found = python_end(text).and_then(|(at, _)| text.get(..at));
            assert_eq!(found, expect, "{text:?}");
        }
    }
}
