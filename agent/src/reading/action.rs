//! What a reply wants done.

/// The action that a model requests.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A block of code is to run.
    Code {
        /// The block.
        code: String,
        /// The call that it came by, if it came by one.
        call_id: Option<String>,
        /// A notice to the model, in addition to the result.
        note: Option<String>,
        /// Further calls, which are not made, and what they are answered.
        others: Vec<(String, String, String)>,
        /// The answer that stands beside the block: with it the run ends once
        /// the block has run.
        answer: Option<String>,
    },
    /// Nothing runs; the model gets this notice instead of a result.
    Result {
        /// The notice.
        text: String,
        /// The block that does not run, for the record.
        unrun: Option<String>,
    },
    /// Tools are to be called: id, name and arguments, or what is wrong with
    /// them.
    Calls(Vec<RequestedCall>),
    /// It has answered.
    Answer(String),
    /// There is nothing to do; the model gets this notice.
    Nudge(String),
    /// The provider wants the reply back, to go on.
    Continue,
    /// It will not go on.
    Refusal(String),
}

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCall {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, or what is wrong with them.
    pub arguments: Result<serde_json::Map<String, serde_json::Value>, String>,
}
