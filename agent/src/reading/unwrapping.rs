//! Code without what models put around it.

use super::fences::{TICKS_MIN, fence};

/// A block without a fence around it and without a console's prompts.
pub(super) fn unwrapped(code: &str) -> String {
    let code = without_fence(code);
    without_prompts(code).unwrap_or_else(|| code.to_owned())
}

/// The inside of a fence that is all of a text.
pub(super) fn without_fence(code: &str) -> &str {
    let inner = code.trim();
    let (ticks, _) = fence(inner);
    let Some((fence, rest)) = inner.split_at_checked(ticks).filter(|_| ticks >= TICKS_MIN) else {
        return code;
    };
    // What follows the fence on its line is a label, and no code.
    let Some((label, body)) = rest.split_once('\n') else {
        return code;
    };
    if label.contains('`') {
        return code;
    }
    body.strip_suffix(fence).unwrap_or(body)
}

/// What was typed at a console, if a text begins as its record does. What it printed there
/// is left out.
fn without_prompts(code: &str) -> Option<String> {
    let first = code.lines().find(|line| !line.trim().is_empty())?;
    typed(first).filter(|(_, begins)| *begins)?;
    let lines = code
        .lines()
        .filter_map(|line| typed(line))
        .map(|(line, _)| line);
    Some(lines.flat_map(|line| [line, "\n"]).collect())
}

/// What stands behind the prompt of a line, and whether the prompt begins a block.
fn typed(line: &str) -> Option<(&str, bool)> {
    let line = line.trim_start();
    for (prompt, begins) in [(">>>", true), ("...", false)] {
        if let Some(rest) = line.strip_prefix(prompt) {
            // `...` alone on its line is a prompt; `...x` is none.
            return match rest.strip_prefix(' ') {
                Some(rest) => Some((rest, begins)),
                None => rest.is_empty().then_some((rest, begins)),
            };
        }
    }
    let (number, rest) = line.strip_prefix("In [")?.split_once("]: ")?;
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some((rest, true))
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn what_stands_around_code_is_taken_off() {
        let table = [
            ("```python\nprint(1)\n```", "print(1)\n"),
            ("```\nprint(2)\n```\n", "print(2)\n"),
            ("````py\ns = '''\n```\n'''\n````", "s = '''\n```\n'''\n"),
            (">>> x = 2\n>>> print(x + 1)\n3", "x = 2\nprint(x + 1)\n"),
            (
                ">>> for i in y:\n...     print(i)\n...\n1\n",
                "for i in y:\n    print(i)\n\n",
            ),
            ("```python\n>>> 1\n1\n```", "1\n"),
            ("In [3]: x = 1\nIn [4]: x\nOut[4]: 1", "x = 1\nx\n"),
            // Nothing is taken off here.
            ("x = 1", "x = 1"),
            ("s = '''\n>>> 1\n'''", "s = '''\n>>> 1\n'''"),
            ("...", "..."),
            ("```", "```"),
        ];
        for (text, code) in table {
            assert_eq!(unwrapped(text), code, "{text:?}");
        }
    }
}
