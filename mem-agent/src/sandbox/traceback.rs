//! Tracebacks in the form that the trained model knows.

const HEADER: &str = "Traceback (most recent call last):";
/// Syntax errors that are found after parsing: of these a string has no line to show.
const LATE: [&str; 7] = [
    "outside loop",
    "not properly in loop",
    "outside function",
    "outside async function",
    "before global declaration",
    "before nonlocal declaration",
    "no binding for nonlocal",
];
/// What every block is called there.
const FILE: &str = "  File \"<string>\"";

/// A traceback of blocks as `traceback.format_exc` writes it for code that was executed as a
/// string: every block is `<string>`, the lines of frames have no source, and it ends its last
/// line. A syntax error shows its line.
pub(super) fn of_strings(traceback: &str) -> String {
    let mut out = String::with_capacity(traceback.len());
    if !traceback.starts_with(HEADER) {
        out.push_str(HEADER);
        out.push('\n');
    }
    let last = traceback.trim_end().lines().next_back().unwrap_or_default();
    let is_late = last.starts_with("SyntaxError: ") && LATE.iter().any(|late| last.contains(late));
    let mut in_frame = false;
    for line in traceback.trim_end().lines() {
        // Below a frame stand its source and the marks under it.
        if in_frame && line.starts_with("    ") {
            continue;
        }
        in_frame = false;
        match place(line) {
            Some(rest) => {
                in_frame = rest.contains(", in ") || is_late;
                out.push_str(FILE);
                out.push_str(rest);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// What follows the name of the block in the line of a frame.
fn place(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  File \"<turn ")?;
    let (number, rest) = rest.split_once(">\"")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (is_number && rest.starts_with(", line ")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::of_strings;

    #[test]
    fn blocks_are_strings_without_source() {
        let frames = "Traceback (most recent call last):\n  File \"<turn 7>\", line 2, in <module>\n    f()\n    ~^^\n  File \"<turn 1>\", line 1, in f\n    def f(): 1 / 0\n             ~~^~~\nZeroDivisionError: division by zero\n    and more";
        assert_eq!(
            of_strings(frames),
            "Traceback (most recent call last):\n  File \"<string>\", line 2, in <module>\n  File \"<string>\", line 1, in f\nZeroDivisionError: division by zero\n    and more\n"
        );
        let syntax =
            "  File \"<turn 3>\", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax";
        assert_eq!(
            of_strings(syntax),
            "Traceback (most recent call last):\n  File \"<string>\", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n"
        );
    }
}
