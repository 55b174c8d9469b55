//! Secrets in JSON.

use serde_json::{Map, Value};

use super::scrubber::Scrubber;

/// Longer texts are no pieces of a secret that was taken apart byte by byte.
const PIECE_BYTES_MAX: usize = 8;

impl Scrubber {
    /// Takes secrets out of a text.
    pub fn text(&self, text: &mut String) {
        if let Some(cleaned) = self.cleaned(text) {
            *text = cleaned;
        }
    }

    /// Takes secrets out of every text, name and number of a value, and out of lists of their
    /// bytes.
    pub fn json(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        if let Some(clean) = self.in_pieces(value) {
            *value = Value::String(clean);
            return;
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => {
                if map.keys().any(|key| self.finds_in(key.as_bytes())) {
                    *map = std::mem::take(map)
                        .into_iter()
                        .map(|(mut key, mut item)| {
                            self.text(&mut key);
                            self.json(&mut item);
                            (key, item)
                        })
                        .collect::<Map<_, _>>();
                } else {
                    map.values_mut().for_each(|item| self.json(item));
                }
            }
            Value::Number(number) => {
                let digits = number.to_string();
                if self.finds_in(digits.as_bytes()) {
                    *value = Value::String(self.clean_text(&digits));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The text of a list or record of bytes or letters, without the secret that
    /// they make together; none if they make none.
    fn in_pieces(&self, value: &Value) -> Option<String> {
        let leaves: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => return None,
        };
        let mut pieces = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            match leaf {
                Value::Number(number) => pieces.push(number.to_string()),
                Value::String(text) if text.len() <= PIECE_BYTES_MAX => pieces.push(text.clone()),
                _ => return None,
            }
        }
        [pieces.join(","), pieces.concat()]
            .into_iter()
            .find(|text| self.finds_in(text.as_bytes()))
            .map(|text| self.clean_text(&text))
    }
}
