//! Deciding whether an answer is right.

use std::sync::Arc;

use memex_agent::evaluation;
use memex_models::{Message, Model, Request};
use memex_suites::{Verdict as Judged, parse_judgment};
use serde::Serialize;

use super::Task;
use crate::Error;

const PROMPT: &str = include_str!("judge.md");

/// The judge of answers.
#[derive(Clone)]
pub enum Judge {
    /// A model that is asked for a judgment.
    Model(Arc<dyn Model>),
    /// The rules of the tasks: words that the answer must or must not contain.
    Rules,
}

/// The decision of a judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgment {
    /// The verdict.
    pub verdict: Verdict,
    /// The judge's verdict.
    pub reason: String,
}

/// Whether an answer is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Correct,
    /// It is not.
    Incorrect,
    /// The judge did not say; counts as not right.
    Unclear,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Model(model) => f.debug_tuple("Model").field(&model.name()).finish(),
            Self::Rules => f.write_str("Rules"),
        }
    }
}

impl Verdict {
    /// The verdict in a judge's reply: the text in its last pair of tags.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        parse_judgment(text).into()
    }
}

impl From<Option<Judged>> for Verdict {
    fn from(judged: Option<Judged>) -> Self {
        match judged {
            Some(Judged::Correct) => Self::Correct,
            Some(Judged::Incorrect { .. }) => Self::Incorrect,
            Some(Judged::NeedsJudge) | None => Self::Unclear,
        }
    }
}

impl Judge {
    /// Decides about the reply to a task. `conversation` names the request to
    /// the model.
    ///
    /// # Errors
    /// [`Error::Agent`] if the model fails; [`Error::Malformed`] for a task without
    /// rules where those are to decide.
    pub async fn judge(
        &self,
        task: &Task,
        reply: &str,
        conversation: &str,
    ) -> Result<Judgment, Error> {
        let model = match self {
            Self::Rules => return by_rules(task, reply),
            Self::Model(model) => model,
        };
        let mut request = Request::new(vec![
            Message::system(PROMPT),
            Message::user(case(task, reply)),
        ]);
        request.conversation = Some(format!("{conversation}/judge"));
        let judged = evaluation::judge(model.as_ref(), request).await;
        let (judged, reason) = judged.map_err(memex_agent::Error::Model)?;
        Ok(Judgment {
            verdict: judged.into(),
            reason,
        })
    }
}

/// The case as the judge reads it. Tags in the reply cannot be mistaken for the
/// judge's own: those count only in what the judge writes.
fn case(task: &Task, reply: &str) -> String {
    let reply = match reply.trim() {
        "" => "(no reply)",
        reply => reply,
    };
    let hint = task.judge.as_deref().unwrap_or("(none)");
    format!(
        "# Question\n{}\n\n# Reference answer\n{}\n\n# Hint for the judge\n{hint}\n\n\
         # Reply to be judged\n{reply}\n",
        task.question, task.answer
    )
}

fn by_rules(task: &Task, reply: &str) -> Result<Judgment, Error> {
    let Some(rules) = &task.rules else {
        let what = "has no rules; judge it with a model";
        return Err(Error::malformed(&task.id, None, what));
    };
    Ok(match rules.check(reply) {
        Ok(()) => Judgment {
            verdict: Verdict::Correct,
            reason: "all rules hold".to_owned(),
        },
        Err(reason) => Judgment {
            verdict: Verdict::Incorrect,
            reason,
        },
    })
}
