//! Settings written in TOML: read in one way, and refused with their place.
//!
//! Files of settings that serde describes (configurations, agents, scripts, prices,
//! session specs) are read by [`read()`]. Policies and tool files have readers of
//! their own, which need the syntax tree: the first check every key by hand, the
//! second keep the order of keys.
//!
//! ```
//! let error = memex_settings::read::<std::collections::BTreeMap<String, u8>>("a = 1\nb = 'x'\n");
//! let error = error.unwrap_err();
//! assert_eq!((error.line, error.column), (2, 5));
//! assert!(error.to_string().starts_with("line 2, column 5: "));
//! ```

use serde::de::DeserializeOwned;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct Misread {
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// What is wrong, on one line.
    pub what: String,
}

/// Reads a text.
///
/// # Errors
/// [`Misread`] for a text that is no TOML, or not what `T` wants.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Misread> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let (line, column) = place(text, start);
        Misread {
            line,
            column,
            what: error.message().trim_end().replace('\n', "; "),
        }
    })
}

/// Takes settings from a table, such as one that other keys were taken out of. What
/// is wrong is said with the path of keys: a table has no lines.
///
/// # Errors
/// What `T` does not want.
pub fn of_table<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let path = error.path().to_string();
        let what = error.into_inner().message().trim_end().replace('\n', "; ");
        match path.as_str() {
            "." => what,
            path => format!("`{path}`: {what}"),
        }
    })
}

/// Line and column of a byte, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        for (text, line, column) in [
            ("a = [", 1, 6),
            ("'é' = 1\n'é' = 'x'", 2, 1),
            ("a = 1\r\nb = 'x'", 2, 5),
            ("a = 1\n\n  b = 300\n", 3, 7),
        ] {
            let error = read::<BTreeMap<String, u8>>(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{error}");
            assert!(!error.what.contains('\n'), "{error}");
        }
        let table = read("[outer]\ninner = 'x'").unwrap();
        let error = of_table::<BTreeMap<String, BTreeMap<String, u8>>>(table).unwrap_err();
        assert!(error.starts_with("`outer.inner`: invalid type"), "{error}");
        assert_eq!(
            read::<BTreeMap<String, u8>>("a = 1"),
            Ok(BTreeMap::from([("a".to_owned(), 1)]))
        );
    }
}
