//! What stands before a text between lines `---`.

/// Lines of a frontmatter that are looked at.
const LINES_MAX: usize = 200;

/// How many lines the frontmatter of a text has, with the marks around it.
pub(super) fn line_count(text: &str) -> usize {
    let mut lines = text.lines();
    if lines.next() != Some("---") {
        return 0;
    }
    let end = lines
        .take(LINES_MAX)
        .position(|line| ["---", "..."].contains(&line.trim_end()));
    end.map_or(0, |end| end + 2)
}

/// Further names of a note, from `aliases` in its frontmatter.
#[must_use]
pub fn aliases(text: &str) -> Vec<String> {
    let count = line_count(text);
    let mut found = Vec::new();
    let mut in_list = false;
    for line in text.lines().take(count.saturating_sub(1)).skip(1) {
        if let Some(item) = line.trim_start().strip_prefix('-').filter(|_| in_list) {
            found.extend(name(item));
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let key = key.trim().to_ascii_lowercase();
        in_list = key == "aliases" || key == "alias";
        if in_list {
            let value = value.trim();
            let value = value.strip_prefix('[').unwrap_or(value);
            let value = value.strip_suffix(']').unwrap_or(value);
            found.extend(value.split(',').filter_map(name));
        }
    }
    found
}

/// A name without quotation marks.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.trim_matches(['"', '\'']).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_read_in_their_forms() {
        for (text, expect) in [
            ("---\naliases: [A b, \"C\"]\n---\nx", vec!["A b", "C"]),
            (
                "---\ntitle: x\nAliases:\n  - A\n- 'B'\ntags: [y]\n---\n",
                vec!["A", "B"],
            ),
            ("---\nalias: A\n...\n", vec!["A"]),
            ("---\naliases: A\n", vec![]),
            ("x\n---\naliases: A\n---\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(aliases(text), expect, "{text:?}");
        }
    }
}
