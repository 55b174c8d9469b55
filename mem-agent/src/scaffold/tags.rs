//! Parsing a model's reply: thoughts, Python, an answer.

/// The blocks of a reply. A block is the text between the first tag that opens
/// it and the next that closes it; one that is missing is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    /// Of `<think>`.
    pub thoughts: String,
    /// Of `<python>`, without fences.
    pub python: String,
    /// Of `<reply>`.
    pub reply: String,
}

impl Blocks {
    /// The blocks of a text, whatever it is.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self {
            thoughts: between(text, "<think>", "</think>").trim().to_owned(),
            python: unfenced(between(text, "<python>", "</python>")),
            reply: between(text, "<reply>", "</reply>").trim().to_owned(),
        }
    }
}

/// Most letters of the word after a fence that names its language.
const LANGUAGE_CHARS_MAX: usize = 20;
/// Languages that stand on a first line without a fence.
const LANGUAGES: [&str; 3] = ["python", "python3", "py"];

fn between<'t>(text: &'t str, open: &str, close: &str) -> &'t str {
    let Some((_, rest)) = text.split_once(open) else {
        return "";
    };
    rest.split_once(close).map_or("", |(block, _)| block)
}

/// The code without what models put around it: a fence, and the name of the
/// language. What the code itself says, its indentation included, stays.
pub(super) fn unfenced(block: &str) -> String {
    let block = block.trim_end();
    let block = block.trim_start_matches(['\n', '\r']);
    let mut code = block;
    let trimmed = block.trim_start();
    if let Some(fence) = ["```", "~~~"].iter().find(|f| trimmed.starts_with(**f)) {
        let rest = trimmed.trim_start_matches(fence.chars().next().unwrap_or('`'));
        code = match rest.split_once('\n') {
            Some((word, rest)) if is_language(word) => rest,
            // One line between fences may begin with the word.
            _ => without_word(rest),
        };
        code = code.trim_end();
        code = code.strip_suffix(fence).unwrap_or(code);
    } else if let Some((first, rest)) = block.split_once('\n')
        && LANGUAGES.contains(&first.trim().to_ascii_lowercase().as_str())
    {
        code = rest;
    }
    let code = code.trim_end();
    match code.trim().is_empty() {
        true => String::new(),
        false => code.trim_start_matches(['\n', '\r']).to_owned(),
    }
}

fn is_language(word: &str) -> bool {
    let word = word.trim();
    word.chars().count() <= LANGUAGE_CHARS_MAX
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "+-_.".contains(c))
}

fn without_word(line: &str) -> &str {
    let known = LANGUAGES.iter().filter_map(|word| {
        let rest = line.strip_prefix(word)?;
        rest.starts_with(char::is_whitespace)
            .then(|| rest.trim_start())
    });
    known.into_iter().next().unwrap_or(line)
}
