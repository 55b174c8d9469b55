//! Finds secrets and replaces each by its label.

use std::ops::Range;

use super::automaton::Automaton;
use super::forms::forms;
use super::search::Found;

/// What stands where a secret without a name was. Not longer than the shortest
/// secret, so that a text that keeps a limit still does.
pub const REPLACEMENT: &str = "[secret]";

/// How much longer a text may become by the names of what was taken out.
const LABELS_EXTRA_BYTES: usize = 4 << 10;

/// What a byte of a form takes in a text, if it is escaped as is usual.
const ESCAPED_BYTES: usize = 8;
const MARGIN_MIN_BYTES: usize = 8 << 10;

/// Finds secrets and replaces each by its label.
#[derive(Debug, Default)]
pub struct Scrubber {
    labels: Vec<String>,
    automaton: Automaton,
}

impl Scrubber {
    /// A scrubber of these secrets: a label, and the [`parts`](crate::parts) that it stands for.
    pub fn new(secrets: impl IntoIterator<Item = (String, Vec<Vec<u8>>)>) -> Self {
        let mut labels: Vec<String> = Vec::new();
        let mut all = Vec::new();
        for (label, parts) in secrets {
            let known = labels.iter().position(|other| *other == label);
            let index = known.unwrap_or(labels.len());
            if known.is_none() {
                labels.push(label);
            }
            let forms = parts.iter().flat_map(|part| forms(part));
            all.extend(forms.map(|form| (form, u32::try_from(index).unwrap_or(u32::MAX))));
        }
        Self {
            labels,
            automaton: Automaton::new(all),
        }
    }

    /// Whether there are no secrets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.automaton.is_empty()
    }

    /// Whether a secret is in there.
    #[must_use]
    pub fn finds_in(&self, bytes: &[u8]) -> bool {
        self.automaton.is_in(bytes)
    }

    /// The bytes without secrets. Of those that follow upon each other, one label
    /// is left.
    #[must_use]
    pub fn clean(&self, bytes: Vec<u8>) -> Vec<u8> {
        let whole = 0..bytes.len();
        self.clean_part(&bytes, whole).unwrap_or(bytes)
    }

    /// How many bytes around a part that is cut out of a text must be there for
    /// [`clean_part`](Self::clean_part), so that a secret is found which the cut
    /// goes through. Of most escapes that is more than enough.
    #[must_use]
    pub fn margin(&self) -> usize {
        MARGIN_MIN_BYTES.max(self.automaton.longest().saturating_mul(ESCAPED_BYTES))
    }

    /// What stands in a part of a text, without secrets: those at its edges are
    /// looked for in the whole text. None if there are none.
    #[must_use]
    pub fn clean_part(&self, bytes: &[u8], part: Range<usize>) -> Option<Vec<u8>> {
        let mut cleaned = Vec::new();
        // Up to where it is copied, and the label at the end of that.
        let (mut copied, mut last) = (part.start, None);
        let mut is_clean = true;
        self.automaton.find(bytes, |Found { start, end, label }| {
            if end <= part.start || start >= part.end {
                return;
            }
            if is_clean {
                is_clean = false;
                cleaned.reserve_exact(part.len() + LABELS_EXTRA_BYTES);
            }
            let between = bytes.get(copied..start).unwrap_or_default();
            cleaned.extend_from_slice(between);
            if !between.is_empty() || last != Some(label) {
                let known = usize::try_from(label).ok();
                let known = known.and_then(|at| self.labels.get(at));
                let name = known.map_or(REPLACEMENT, String::as_str);
                let allowed = start.max(part.start) - part.start + LABELS_EXTRA_BYTES;
                // Names that are longer than what they stand for do not make a
                // large text larger.
                let name = match cleaned.len() + name.len() <= allowed {
                    true => name,
                    false => REPLACEMENT,
                };
                cleaned.extend_from_slice(name.as_bytes());
            }
            (copied, last) = (end, Some(label));
        });
        if is_clean {
            return None;
        }
        cleaned.extend_from_slice(bytes.get(copied..part.end).unwrap_or_default());
        Some(cleaned)
    }

    /// The text without secrets.
    #[must_use]
    pub fn clean_text(&self, text: &str) -> String {
        self.cleaned(text).unwrap_or_else(|| text.to_owned())
    }

    /// The text without secrets; none if it has none.
    pub(crate) fn cleaned(&self, text: &str) -> Option<String> {
        let bytes = self.clean_part(text.as_bytes(), 0..text.len())?;
        let text = String::from_utf8(bytes);
        Some(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}
