//! One task by one variant: what is asked, and whether the answer is right.

use memex_models::{Message, Model, Request};
use memex_suites::{Grader, Task, Verdict, grade, judge_prompt};
use memex_trajectories::{ActionSpace, Trajectory};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Error, OutputSchema, Reactor, RunResult};

/// A model in an action space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Variant {
    /// The model, as its line names it.
    pub model: String,
    /// `code` or `tools`.
    pub space: String,
}

impl Variant {
    /// A model in a space.
    #[must_use]
    pub fn new(model: &str, space: ActionSpace) -> Self {
        Self {
            model: model.to_owned(),
            space: space.word().to_owned(),
        }
    }
}

/// A task that a variant has done: a line of the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graded {
    /// The task.
    pub task: String,
    /// Who did it.
    #[serde(flatten)]
    pub variant: Variant,
    /// Which of its repetitions.
    pub repetition: u32,
    /// How the run ended.
    pub status: String,
    /// Whether the answer is right.
    pub correct: bool,
    /// Why not.
    pub reason: String,
    /// The answer.
    pub answer: Value,
    /// Replies of the model.
    pub turns: u64,
    /// Calls of tools by the model.
    pub tool_calls: u64,
    /// Blocks of code that it had run.
    #[serde(default)]
    pub blocks: u64,
    /// Tokens into the model.
    pub input_tokens: u64,
    /// Tokens out of it.
    pub output_tokens: u64,
    /// Its cost, if prices are known.
    pub cost_usd: Option<f64>,
    /// How long it took.
    pub wall_ms: u64,
    /// What kind of task it is.
    pub tags: Vec<String>,
}

/// The schema that an answer to a task has to meet; words for those that a
/// model judges.
///
/// # Errors
/// [`Error::Schema`].
pub fn output_of(task: &Task) -> Result<Option<OutputSchema>, Error> {
    let schema = match &task.grader {
        Grader::Schema { schema, .. } => schema.clone(),
        Grader::Numeric { .. } => json!({ "type": "number" }),
        Grader::OfficeQa { .. } => json!({
            "type": "string",
            "description": "The answer alone: the number with its unit, the list, the date or the name.",
        }),
        Grader::Exact if task.answer.is_string() => json!({ "type": "string" }),
        Grader::Exact => json!({}),
        Grader::Rules(_) | Grader::Judge { .. } => return Ok(None),
    };
    OutputSchema::new(schema).map(Some)
}

/// Grades the result of a run; `judge` decides what needs a model.
///
/// # Errors
/// [`Error::Suite`] if the task cannot be graded, [`Error::Setting`] if it
/// takes a judge and there is none, [`Error::Model`] if the judge fails.
pub fn grade_result(
    task: &Task,
    variant: &Variant,
    repetition: u32,
    result: &RunResult,
    judge: Option<(&dyn Model, &Reactor)>,
) -> Result<Graded, Error> {
    let words = result.answer.clone().map(Value::String);
    let answer = result.submission.clone().or(words);
    let verdict = match &answer {
        Some(answer) => match grade(task, answer)? {
            Verdict::NeedsJudge => judged(task, answer, judge)?,
            verdict => verdict,
        },
        None => Verdict::Incorrect {
            reason: format!("there is no answer: {}", result.status),
        },
    };
    let (correct, reason) = match verdict {
        Verdict::Correct => (true, String::new()),
        Verdict::Incorrect { reason } => (false, reason),
        Verdict::NeedsJudge => (false, "no judge was configured".to_owned()),
    };
    let totals = &result.totals;
    Ok(Graded {
        task: task.id.clone(),
        variant: variant.clone(),
        repetition,
        status: result.status.word().to_owned(),
        correct,
        reason,
        answer: answer.unwrap_or_default(),
        turns: totals.turns,
        tool_calls: totals.tool_calls,
        blocks: blocks(&result.trajectory),
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        cost_usd: totals.cost_usd,
        wall_ms: totals.wall_ms,
        tags: task.tags.clone(),
    })
}

fn blocks(run: &Trajectory) -> u64 {
    let own = run.steps.iter().filter(|step| step.code.is_some()).count() as u64;
    let children = run.children.iter();
    let children = children.filter_map(|child| child.trajectory.as_deref());
    children.map(blocks).fold(own, u64::saturating_add)
}

fn judged(
    task: &Task,
    answer: &Value,
    judge: Option<(&dyn Model, &Reactor)>,
) -> Result<Verdict, Error> {
    let Some((model, reactor)) = judge else {
        let what = format!("the task {} takes a model that judges; name one", task.id);
        return Err(Error::setting("judge", what));
    };
    let request = Request::new(vec![Message::user(judge_prompt(task, answer))]);
    let (verdict, _) = reactor.wait(super::judge(model, request))?;
    Ok(verdict.unwrap_or(Verdict::Incorrect {
        reason: "the judge gave no judgment".to_owned(),
    }))
}
