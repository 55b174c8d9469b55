//! The functions that code can call, within a budget of tokens.

use memex_host_tools::{Form, ToolEntry};
use memex_models::estimate_text;

/// Tokens of the stubs that a prompt spells out whole.
const WHOLE_TOKENS: u64 = 3_000;
/// Tokens of the stubs that follow in short form.
const SHORT_TOKENS: u64 = 3_000;

/// The stubs: all of them whole if that fits, else as many as fit in short form.
pub(super) fn stubs(entries: &[&ToolEntry]) -> String {
    let whole: Vec<String> = entries
        .iter()
        .map(|entry| entry.stub(Form::Described))
        .collect();
    if tokens(&whole) <= WHOLE_TOKENS {
        return whole.concat();
    }
    let mut text = String::from(
        "# Short forms: `help(name)` tells all of one; read it before the first call.\n",
    );
    let mut left = SHORT_TOKENS;
    let mut told = 0_usize;
    for entry in entries {
        let short = entry.stub(Form::Short);
        let size = estimate_text(&short);
        if size > left {
            break;
        }
        left -= size;
        told += 1;
        text.push_str(&short);
    }
    let more = entries.len().saturating_sub(told);
    if more > 0 {
        text.push_str(&format!(
            "# … {more} more: `tools.search(\"words\")` finds them.\n"
        ));
    }
    text
}

fn tokens(stubs: &[String]) -> u64 {
    stubs.iter().map(|stub| estimate_text(stub)).sum()
}
