//! The module in the guest that finds out what blocks change.

use super::policy::TOOL_NAMES;

/// Its name.
pub(super) const MODULE: &str = "_memex_blocks";
const SOURCE: &str = include_str!("blocks.py");

/// Turns after which a session can tell what blocks change and has the tools
/// made, so that no agent waits for that. They leave no name in the scope.
pub(super) fn preparation() -> [String; 5] {
    let source = literal(SOURCE);
    let module = format!("__import__('sys').modules['{MODULE}']");
    let names = TOOL_NAMES.join("; ");
    let gone = TOOL_NAMES.join(", ");
    [
        format!(
            "exec(compile({source}, '<memex>', 'exec'), __import__('sys').modules.setdefault(\
             '{MODULE}', __import__('types').ModuleType('{MODULE}')).__dict__)"
        ),
        format!("{names}; check_if_file_exists('user.md'); del {gone}"),
        "x = [1]\ndel x".to_owned(),
        format!("{module}.values('x = [1]\\ndel x', None)"),
        format!("{module}.names('x = [1]\\ndel x', None)"),
    ]
}

/// A text as a literal of Python: JSON's escapes mean the same there.
pub(super) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
