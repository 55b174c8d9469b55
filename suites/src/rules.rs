//! Grading an answer by the words in it.

use serde::{Deserialize, Serialize};

/// Words that an answer must or must not contain, in any case of letters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The answer contains all of these.
    pub all: Vec<String>,
    /// At least one of these does, if there are any.
    pub any: Vec<String>,
    /// None of these does.
    pub none: Vec<String>,
}

impl Rules {
    /// Checks an answer.
    ///
    /// # Errors
    /// The rule that does not hold, for a person.
    pub fn check(&self, answer: &str) -> Result<(), String> {
        if answer.trim().is_empty() {
            return Err("there is no reply".to_owned());
        }
        let answer = answer.to_lowercase();
        let says = |words: &&String| answer.contains(&words.to_lowercase());
        if let Some(words) = self.all.iter().find(|words| !says(words)) {
            return Err(format!("{words:?} is missing"));
        }
        if let Some(words) = self.none.iter().find(says) {
            return Err(format!("{words:?} must not be disclosed"));
        }
        if !self.any.is_empty() && !self.any.iter().any(|words| says(&words)) {
            return Err(format!("none of {:?} is there", self.any));
        }
        Ok(())
    }
}
