//! What a grader says.

/// Whether an answer is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Correct,
    /// It is not.
    Incorrect {
        /// Why, for a person.
        reason: String,
    },
    /// A model has to say.
    NeedsJudge,
}
