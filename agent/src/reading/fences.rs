//! Fences of Markdown, line by line.

/// The fewest backticks of a fence.
pub(super) const TICKS_MIN: usize = 3;

/// The backticks with which a line begins, and what stands behind them.
pub(super) fn fence(line: &str) -> (usize, &str) {
    let line = line.trim();
    let ticks = line.bytes().take_while(|byte| *byte == b'`').count();
    (ticks, line.get(ticks..).unwrap_or_default().trim())
}

/// Whether a line ends a block that a fence of so many backticks began.
pub(super) fn ends(line: &str, opening: usize) -> bool {
    let (ticks, label) = fence(line);
    ticks >= opening && label.is_empty()
}
