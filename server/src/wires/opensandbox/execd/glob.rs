//! Patterns of file names: `*.txt`, `**/data-?.csv`.

/// A pattern of paths, relative to the folder that is searched.
///
/// `*` and `?` stay within a component, `**` does not. A pattern without a
/// slash is compared with the last component, as the protocol's examples have
/// it.
pub(super) struct Pattern {
    tokens: Vec<Token>,
    /// Whether it is compared with the whole path.
    is_of_paths: bool,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        Self {
            tokens: tokens(pattern),
            is_of_paths: pattern.contains('/') || pattern == "**",
        }
    }

    /// The most steps that comparing it with a path takes.
    pub(super) fn steps(&self, path: &str) -> usize {
        let text = self.subject(path).len().saturating_add(1);
        self.tokens.len().saturating_mul(text)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let text: Vec<char> = self.subject(path).chars().collect();
        // reach[i]: the tokens so far match the first i characters.
        let mut reach = vec![false; text.len() + 1];
        if let Some(first) = reach.first_mut() {
            *first = true;
        }
        for token in &self.tokens {
            let mut next = vec![false; reach.len()];
            match token {
                Token::Char(expected) => step(&reach, &mut next, &text, |found| found == *expected),
                Token::One => step(&reach, &mut next, &text, |found| found != '/'),
                Token::Many => run(&reach, &mut next, &text, |found| found != '/'),
                Token::Any => run(&reach, &mut next, &text, |_| true),
                Token::Folders => whole_components(&reach, &mut next, &text),
            }
            reach = next;
        }
        reach.last().copied().unwrap_or(false)
    }

    fn subject<'a>(&self, path: &'a str) -> &'a str {
        match self.is_of_paths {
            true => path,
            false => path.rsplit('/').next().unwrap_or(path),
        }
    }
}

enum Token {
    Char(char),
    One,
    Many,
    Any,
    Folders,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut made = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("**/") {
            made.push(Token::Folders);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            made.push(Token::Any);
            rest = after;
        } else {
            let mut chars = rest.chars();
            match chars.next() {
                Some('*') => made.push(Token::Many),
                Some('?') => made.push(Token::One),
                Some(other) => made.push(Token::Char(other)),
                None => {}
            }
            rest = chars.as_str();
        }
    }
    made
}

/// One character.
fn step(reach: &[bool], next: &mut [bool], text: &[char], fits: impl Fn(char) -> bool) {
    let pairs = reach.iter().zip(text).zip(next.iter_mut().skip(1));
    for ((here, found), place) in pairs {
        *place = *here && fits(*found);
    }
}

/// Any number of characters.
fn run(reach: &[bool], next: &mut [bool], text: &[char], fits: impl Fn(char) -> bool) {
    let mut is_open = false;
    for (index, place) in next.iter_mut().enumerate() {
        let goes_on = index
            .checked_sub(1)
            .and_then(|before| text.get(before))
            .is_some_and(|found| fits(*found));
        is_open = (is_open && goes_on) || reach.get(index).copied().unwrap_or(false);
        *place = is_open;
    }
}

/// `**/`: any number of whole components, also none.
fn whole_components(reach: &[bool], next: &mut [bool], text: &[char]) {
    let mut is_open = false;
    for (index, place) in next.iter_mut().enumerate() {
        let here = reach.get(index).copied().unwrap_or(false);
        let after_slash = index
            .checked_sub(1)
            .and_then(|before| text.get(before))
            .is_some_and(|found| *found == '/');
        *place = here || (is_open && after_slash);
        is_open |= here;
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).matches(path)
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, path, expected) in [
            ("**", "a/b.txt", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("d/*.txt", "d/a.txt", true),
            ("d/*.txt", "d/e/a.txt", false),
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "d/e/a.txt", true),
            ("d/**", "d/e/f", true),
            ("d/**/f", "d/f", true),
            ("d/**/f", "d/e/g/f", true),
            ("d/**/f", "d/ef", false),
            ("", "a", false),
            ("", "", true),
            ("ä*", "äö", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_stars_takes_no_exponential_time() {
        let began = std::time::Instant::now();
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
    }
}
