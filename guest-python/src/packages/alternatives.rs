//! What serves in a session where a package cannot be added: the guest's own table,
//! from which it tells failing imports the same.

use super::requirement::normal_name;

/// The file of the guest, of which the table is one text.
const FILE: &str = include_str!("../../python/memex_guest/alternatives.py");
const BEGIN: &str = "TABLE = \"\"\"\n";
const END: &str = "\"\"\"";

/// What to do instead of using a package with native code, in words; nothing for
/// packages that the table does not have.
pub(super) fn instead_of(package: &str) -> Option<&'static str> {
    let package = normal_name(package);
    rows().find_map(|(names, words)| {
        let mut names = names.split_whitespace().map(normal_name);
        names.any(|name| name == package).then_some(words)
    })
}

/// Names and words of each row.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = FILE.split_once(BEGIN).map_or("", |(_, rest)| rest);
    let table = table.split_once(END).map_or("", |(table, _)| table);
    table.lines().filter_map(|line| {
        let mut fields = line.splitn(3, " | ");
        let (names, _kind, words) = (fields.next()?, fields.next()?, fields.next()?);
        Some((names, words))
    })
}

#[cfg(test)]
mod tests {
    use super::{instead_of, rows};

    #[test]
    fn the_table_of_the_guest_is_read() {
        assert!(rows().count() > 40);
        for (package, word) in [
            ("torch", "scikit-learn"),
            ("opencv-python-headless", "PIL"),
            ("Opencv_Python", "PIL"),
            ("psycopg2-binary", "sqlite3"),
            ("pydantic-core", "pydantic 1"),
        ] {
            let words = instead_of(package).unwrap_or_default();
            assert!(words.contains(word), "{package}: {words}");
        }
        assert_eq!(instead_of("no-such-package"), None);
    }
}
