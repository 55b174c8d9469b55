//! The functions that code can call, within a budget of tokens.

use memex_host_tools::{Form, ToolEntry};
use memex_models::estimate_text;

/// Tokens of the stubs that a prompt spells out whole.
const WHOLE_TOKENS: u64 = 3_000;
/// Tokens of the stubs in short form, past which functions are only named.
const SHORT_TOKENS: u64 = 2_800;
/// Tokens of the names of further functions.
const NAMES_TOKENS: u64 = 600;

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
    let more = entries.get(told..).unwrap_or_default();
    if !more.is_empty() {
        let count = more.len();
        text.push_str(&format!(
            "# … {count} more, which `tools.search(\"words\")` finds{}\n",
            names(more)
        ));
    }
    text
}

/// The names of functions, as many as fit.
fn names(entries: &[&ToolEntry]) -> String {
    let mut text = String::new();
    let mut left = NAMES_TOKENS;
    for entry in entries {
        let between = if text.is_empty() { ": " } else { ", " };
        let name = format!("{between}{}", entry.identifier());
        let size = estimate_text(&name);
        if size > left {
            text.push_str(", …");
            break;
        }
        left -= size;
        text.push_str(&name);
    }
    text
}

fn tokens(stubs: &[String]) -> u64 {
    stubs.iter().map(|stub| estimate_text(stub)).sum()
}
