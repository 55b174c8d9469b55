//! How a run speaks with its model: the part of the loop that is a parameter.

use std::borrow::Cow;

use memex_models::{Reply, Request};
use memex_trajectories::Display;

use crate::observation::shown;
use crate::reading::Action;
use crate::{ObservationOptions, Ran};

/// How a run speaks with its model: what it is sent of the conversation, how a
/// reply is read, and how results are worded.
///
/// The loop itself (budgets, requests, blocks, the record, the end) knows none
/// of that. What the methods with a default do is what the loop's own settings
/// begin with.
pub trait Dialect: Send + Sync {
    /// The request that asks for the next reply.
    fn request(&self) -> Cow<'_, Request>;

    /// Makes room in the conversation if it needs some; `overflowed` says that
    /// the model found it too long. `scope` are the names that code has.
    /// Returns whether anything became shorter. Default: nothing does.
    fn shorten(&mut self, _scope: &[String], _overflowed: bool) -> bool {
        false
    }

    /// A reply as it is meant, which is what is recorded. Default: as it came.
    fn understood(&self, reply: Reply) -> Reply {
        reply
    }

    /// Takes a reply into the conversation, and says what it wants done.
    fn read(&mut self, reply: &Reply) -> Action;

    /// Adds words that are neither the model's nor a result.
    fn say(&mut self, text: &str);

    /// Adds the result of a block; `call_id` is the call that it came by, if it
    /// came by one.
    fn observe(&mut self, call_id: Option<&str>, text: &str);

    /// Adds the result of a call of a tool. Default: as that of a block.
    fn result(&mut self, call_id: &str, text: &str, _is_error: bool) {
        self.observe(Some(call_id), text);
    }

    /// Adds the pictures of the result that was added last, and says what of them is not
    /// shown. Default: none is.
    fn show(&mut self, _pictures: &[Display]) {}

    /// What a model is shown of a block that the scope has no words for.
    fn shown(&self, code: &str, ran: &Ran) -> String {
        shown(code, ran, &ObservationOptions::default())
    }

    /// Characters of a tool's result; longer ones are cut.
    fn result_max_chars(&self) -> usize {
        ObservationOptions::default().max_chars
    }

    /// A notice to the model before its last turn. Default: none.
    fn last_turn(&self) -> Option<String> {
        None
    }

    /// A notice to the model of the turns that are left. Default: none.
    fn turns_left(&self, _left: u64) -> Option<String> {
        None
    }

    /// Replies in a row that are nothing to act on, before the run fails.
    fn nudges_max(&self) -> u32 {
        3
    }
}
