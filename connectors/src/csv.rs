//! Tables of comma-separated values, as RFC 4180 has them.

/// The rows of a table, `rows_max` at most. They may differ in length; empty
/// lines are none.
pub(super) fn rows(text: &str, rows_max: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let records = reader.records().map_while(Result::ok).take(rows_max);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        for (text, expect) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a,b", vec![vec!["a", "b"]]),
            ("\"a,\"\"x\n\",b\n", vec![vec!["a,\"x\n", "b"]]),
            (",\n", vec![vec!["", ""]]),
            ("a\n\nb,c\n", vec![vec!["a"], vec!["b", "c"]]),
            ("a\"b,c\n", vec![vec!["a\"b", "c"]]),
            ("\"open", vec![vec!["open"]]),
            ("", vec![]),
        ] {
            assert_eq!(rows(text, 10), expect, "{text:?}");
        }
        assert_eq!(rows("1\n2\n3\n", 2), [["1"], ["2"]]);
    }
}
