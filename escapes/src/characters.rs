//! Characters that are not themselves visible, and how they are shown.

use std::ops::RangeInclusive;

/// The picture of a control character: U+2400 and its code.
pub(super) fn picture(c: char, out: &mut String) {
    let code = 0x2400 + u32::from(c);
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
}

/// Characters that show nothing themselves, but change how others are shown or
/// hide among them: those of direction, joiners, fillers, separators of lines,
/// tags, and selectors of variants. Unicode's `Default_Ignorable_Code_Point`,
/// with what parts or annotates lines. In order.
pub(super) const HIDDEN: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0d}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{13430}'..='\u{1345f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether a character shows nothing itself, but changes how others are shown or hides among
/// them. Control characters are not among these.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let next = HIDDEN.partition_point(|range| *range.end() < c);
    HIDDEN.get(next).is_some_and(|range| range.contains(&c))
}

/// Whether `c` is a joiner that belongs to what stands before it: to a letter of
/// a script that is written with joiners, or to a picture made of several.
pub(super) fn joins(before: char, c: char) -> bool {
    match c {
        '\u{200c}' | '\u{200d}' => {
            matches!(before, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1780}'..='\u{18af}')
                || c == '\u{200d}' && is_picture(before)
        }
        _ => false,
    }
}

fn is_picture(c: char) -> bool {
    matches!(c, '\u{fe0f}' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}
