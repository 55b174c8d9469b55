//! Takes secrets out of everything that goes back to a guest, a client or a log.
//!
//! ```text
//!  text ─► readings ─► automaton of all forms ─► places ─► replaced by a label
//!          (what each place may stand for)
//! ```
//! One scrubber serves the requests of `fetch` and the tools of tool files. It
//! finds a secret in any case of letters, as it is, reversed, in hexadecimal and
//! in base64 (both alphabets, any bytes around it), and each of these escaped as
//! in URLs, JSON, HTML, source code or mail, once or several times over, with
//! every byte escaped in a way of its own.
//!
//! This is a net for peers that echo by habit. A peer that means to pass a
//! secret on can do so: split between answers, encrypted, as a picture.
//!
//! Time is linear in the text for any secrets and any text, and memory is linear
//! in the secrets: see [`automaton`].

mod automaton;
mod forms;
mod readings;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use forms::{check_header_value, check_size, parts};

use automaton::{Automaton, Found};

/// Fewest bytes of a secret, and of every part of it that counts alone: a token
/// behind a scheme, a password. Anything shorter occurs in answers by chance,
/// so that it could not be kept out of them: it is refused.
pub const SECRET_MIN_BYTES: usize = 8;

/// Most bytes of a secret.
pub const SECRET_MAX_BYTES: usize = 64 << 10;

/// What stands where a secret without a name was. Not longer than the shortest
/// secret, so that a text that keeps a limit still does.
pub(crate) const REPLACEMENT: &str = "[secret]";

/// Finds secrets and replaces each by its label.
#[derive(Debug, Default)]
pub(crate) struct Scrubber {
    labels: Vec<String>,
    automaton: Automaton,
}

impl Scrubber {
    /// A scrubber of these secrets: a label, and the [`parts`] that it stands for.
    pub(crate) fn new(secrets: impl IntoIterator<Item = (String, Vec<Vec<u8>>)>) -> Self {
        let mut labels: Vec<String> = Vec::new();
        let mut all = Vec::new();
        for (label, parts) in secrets {
            let known = labels.iter().position(|other| *other == label);
            let index = known.unwrap_or(labels.len());
            if known.is_none() {
                labels.push(label);
            }
            let forms = parts.iter().flat_map(|part| forms::forms(part));
            all.extend(forms.map(|form| (form, u32::try_from(index).unwrap_or(u32::MAX))));
        }
        Self {
            labels,
            automaton: Automaton::new(all),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.automaton.is_empty()
    }

    /// Whether a secret is in there.
    pub(crate) fn finds_in(&self, bytes: &[u8]) -> bool {
        !self.automaton.find(bytes, true).is_empty()
    }

    /// The bytes without secrets.
    pub(crate) fn clean(&self, bytes: Vec<u8>) -> Vec<u8> {
        let found = self.automaton.find(&bytes, false);
        if found.is_empty() {
            return bytes;
        }
        let mut cleaned = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for Found { start, end, label } in found {
            cleaned.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
            let label = usize::try_from(label)
                .ok()
                .and_then(|at| self.labels.get(at));
            cleaned.extend_from_slice(label.map_or(REPLACEMENT, String::as_str).as_bytes());
            copied = end;
        }
        cleaned.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        cleaned
    }

    /// The text without secrets.
    pub(crate) fn clean_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clean(text.as_bytes().to_vec())).into_owned()
    }
}
