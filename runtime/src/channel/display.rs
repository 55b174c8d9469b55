//! Rich output: what `display()` and figures send.

use memex_channel::Frame;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a form costs besides its content: two texts and a place in a map.
pub(crate) const FORM_BYTES: usize = 128;

/// One thing shown, in every form its object offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// Whether it is the value of the turn's last expression.
    pub main: bool,
    /// MIME type to content.
    pub data: BTreeMap<String, DisplayData>,
}

/// Content of one MIME type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplayData {
    /// Text, HTML, SVG, JSON and the like.
    Text(String),
    /// Pictures and the like.
    Bytes(Vec<u8>),
}

impl Display {
    /// What all forms together hold, as `display_bytes` counts it: their
    /// contents, the names of their types, and 128 bytes each.
    #[must_use]
    pub fn len(&self) -> usize {
        let forms = self.data.iter();
        forms.fold(0, |sum: usize, (mime, data)| {
            let content = match data {
                DisplayData::Text(text) => text.len(),
                DisplayData::Bytes(bytes) => bytes.len(),
            };
            sum.saturating_add(form_len(mime, content))
        })
    }

    /// Whether there is no content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    data: BTreeMap<String, String>,
    #[serde(default)]
    binary: Vec<String>,
    #[serde(default)]
    main: bool,
}

fn form_len(mime: &str, content: usize) -> usize {
    content
        .saturating_add(mime.len())
        .saturating_add(FORM_BYTES)
}

/// A display that has been read, its pictures still in the guest.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    head: Head,
    parts: &'a [&'a [u8]],
}

impl Shown<'_> {
    /// What it will hold; see [`Display::len`].
    pub(crate) fn len(&self) -> usize {
        let texts = self.head.data.iter();
        let texts = texts.map(|(mime, text)| form_len(mime, text.len()));
        let pictures = self.head.binary.iter().zip(self.parts);
        let pictures = pictures.map(|(mime, part)| form_len(mime, part.len()));
        texts.chain(pictures).fold(0, usize::saturating_add)
    }

    /// The display, with copies of its pictures.
    pub(crate) fn into_display(self) -> Display {
        let texts = self.head.data.into_iter();
        let mut data: BTreeMap<_, _> = texts
            .map(|(mime, text)| (mime, DisplayData::Text(text)))
            .collect();
        for (mime, part) in self.head.binary.into_iter().zip(self.parts) {
            data.insert(mime, DisplayData::Bytes(part.to_vec()));
        }
        Display {
            main: self.head.main,
            data,
        }
    }
}

/// Reads a display frame. The error is a sentence for the guest.
pub(crate) fn decode<'a>(frame: &'a Frame<'a>) -> Result<Shown<'a>, String> {
    let head: Head =
        serde_json::from_slice(frame.head).map_err(|e| format!("display head: {e}"))?;
    if head.binary.len() != frame.parts.len() {
        return Err(format!(
            "display names {} binary forms and carries {}",
            head.binary.len(),
            frame.parts.len()
        ));
    }
    Ok(Shown {
        head,
        parts: &frame.parts,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn shapes() {
        let check = |head: &str, parts: Vec<&[u8]>| {
            let frame = Frame {
                op: 1,
                head: head.as_bytes(),
                parts,
            };
            let shown = decode(&frame)?;
            let len = shown.len();
            let display = shown.into_display();
            assert_eq!(display.len(), len);
            Ok::<_, String>((display.main, len))
        };
        assert_eq!(
            check(r#"{"data":{"text/plain":"x"}}"#, vec![]),
            Ok((false, 11 + FORM_BYTES))
        );
        assert_eq!(
            check(
                r#"{"data":{},"binary":["image/png"],"main":true}"#,
                vec![b"abc"]
            ),
            Ok((true, 12 + FORM_BYTES))
        );
        assert!(check(r#"{"data":{},"binary":["image/png"]}"#, vec![]).is_err());
        assert!(check(r#"{"data":{},"more":1}"#, vec![]).is_err());
        assert!(check("nonsense", vec![]).is_err());
    }
}
