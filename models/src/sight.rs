//! Which models can see pictures, as far as their names say so.

/// Beginnings of names of models that take pictures.
const SEEING: [&str; 14] = [
    "claude-", "gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4-mini", "gemini", "gemma-3",
    "llava", "pixtral", "qwen2-vl", "internvl",
];

/// Names of models that begin as one of those above, and take no pictures.
const BLIND: [&str; 3] = ["claude-2", "claude-instant", "o3-mini"];

/// Whether a model is known to take pictures. Of others it is not known; a setting says so.
///
/// ```
/// assert!(memex_models::sees("gpt-5-mini") && memex_models::sees("Qwen/Qwen3-VL-8B"));
/// assert!(!memex_models::sees("o3-mini") && !memex_models::sees("llama-3.3-70b"));
/// ```
#[must_use]
pub fn sees(model: &str) -> bool {
    let name = model
        .rsplit('/')
        .next()
        .unwrap_or(model)
        .to_ascii_lowercase();
    let begins = |names: &[&str]| names.iter().any(|start| name.starts_with(start));
    let parts = || name.split(['-', '_', '.', ':']);
    let is_named = parts().any(|part| part == "vl" || part == "vision");
    (begins(&SEEING) && !begins(&BLIND)) || is_named
}
