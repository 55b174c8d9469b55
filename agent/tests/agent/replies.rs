//! Code in text.

use memex_agent::{CodeForm, blocks};
use proptest::prelude::*;

/// Form, text, whether it stops before a mark; the first block, how many others,
/// whether one is not closed.
type Case = (
    CodeForm,
    &'static str,
    bool,
    Option<&'static str>,
    usize,
    bool,
);

#[test]
fn blocks_of_text() {
    let table: &[Case] = &[
        (
            CodeForm::Fenced,
            "```python\na\n```",
            false,
            Some("a\n"),
            0,
            false,
        ),
        (
            CodeForm::Fenced,
            "```py\na\n```\n```\nb\n```",
            false,
            Some("a\n"),
            1,
            false,
        ),
        (
            CodeForm::Fenced,
            "```bash\nls\n```\nno code",
            false,
            None,
            0,
            false,
        ),
        (
            CodeForm::Fenced,
            "````python\na = '''\n```\n'''\n````",
            false,
            Some("a = '''\n```\n'''\n"),
            0,
            false,
        ),
        // A bare fence before the words of code is something shown.
        (
            CodeForm::Fenced,
            "```\nname  value\n```\nso\n```python\na\n```",
            false,
            Some("a\n"),
            0,
            false,
        ),
        // A fence within a text of many lines is the text's.
        (
            CodeForm::Fenced,
            "```python\na = '''\n```bash\nls\n```\n'''\n```\nmore",
            false,
            Some("a = '''\n```bash\nls\n```\n'''\n"),
            0,
            false,
        ),
        // One that is never closed has its fence all the same.
        (
            CodeForm::Fenced,
            "```python\na = '''\n```\nmore",
            false,
            Some("a = '''\n"),
            0,
            false,
        ),
        (CodeForm::Fenced, "```python\n\n```", false, None, 0, false),
        (CodeForm::Fenced, "```python\na", false, None, 0, true),
        (CodeForm::Fenced, "```python\na", true, Some("a"), 0, false),
        (CodeForm::Fenced, "no code", false, None, 0, false),
        (
            CodeForm::Tagged,
            "x <python>a</python> y <python>b</python>",
            false,
            Some("a"),
            1,
            false,
        ),
        (CodeForm::Tagged, "<python>a", false, None, 0, true),
        (CodeForm::Tagged, "<python>a", true, Some("a"), 0, false),
        (CodeForm::Tagged, "and <pyth", false, None, 0, true),
        (CodeForm::Tagged, "1 < 2", false, None, 0, false),
        (
            CodeForm::Tagged,
            "<python>\n```python\na\n```\n</python>",
            false,
            Some("a\n"),
            0,
            false,
        ),
        (CodeForm::Tool, "```python\na\n```", false, None, 0, false),
    ];
    for (form, text, stopped, first, others, unclosed) in table {
        let found = blocks(text, *form, *stopped);
        assert_eq!(found.first.as_deref(), *first, "{form:?} {text}");
        assert_eq!(found.others, *others, "{form:?} {text}");
        assert_eq!(found.unclosed, *unclosed, "{form:?} {text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(```|python|<python>|</python>|\n|[a-z ]|`){0,40}", stopped: bool) {
        for form in [CodeForm::Fenced, CodeForm::Tagged] {
            let found = blocks(&text, form, stopped);
            if let Some(first) = found.first {
                prop_assert!(!first.trim().is_empty());
            }
        }
    }

    #[test]
    fn a_block_comes_back_as_it_was(code in "[a-z =()0-9]{1,30}(\n[a-z =()0-9]{0,30}){0,5}") {
        prop_assume!(!code.trim().is_empty());
        let fenced = format!("Words.\n```python\n{code}\n```\nMore.");
        prop_assert_eq!(blocks(&fenced, CodeForm::Fenced, false).first, Some(format!("{code}\n")));
    }
}
