//! A reply as an action.

use memex_models::{Part, Reply, StopReason, ToolCall};
use memex_trajectories::ActionSpace;

use super::action::Action;
use super::blocks::{Blocks, blocks};
use super::calls::{self, CODE_TOOL};
use super::thoughts::{Parted, parted};
use super::written_calls::written_calls;
use crate::CodeForm;

/// Reads a reply. `submits` says that an answer in words is not enough.
#[must_use]
pub fn read(reply: &Reply, space: ActionSpace, form: CodeForm, submits: bool) -> Action {
    match reply.stop {
        StopReason::Refusal => return Action::Refusal(reason(reply, "the model refused")),
        StopReason::ContentFilter => {
            return Action::Refusal(reason(reply, "the provider held the reply back"));
        }
        StopReason::Pause => return Action::Continue,
        _ => {}
    }
    if let Some(action) = calls::read(reply, space, form) {
        return action;
    }
    let text = reply.message.text();
    if space == ActionSpace::Code {
        let stopped = matches!(reply.stop, StopReason::StopSequence);
        let found = in_words(&text, form, stopped);
        if let Some(code) = found.first {
            return Action::Code {
                code,
                call_id: None,
                note: note(form, found.others),
                others: Vec::new(),
                answer: None,
            };
        }
        if found.unclosed {
            return Action::Nudge(match reply.stop {
                StopReason::MaxTokens => {
                    "Your reply was cut off inside a code block, so nothing ran. Write a shorter block."
                        .to_owned()
                }
                _ => "Your code block is not closed, so nothing ran. Write it again, whole.".to_owned(),
            });
        }
    }
    if reply.stop == StopReason::MaxTokens {
        return Action::Nudge(
            "Your reply was cut off at its limit of tokens. Be brief.".to_owned(),
        );
    }
    match (text.trim().is_empty(), submits) {
        (true, _) => Action::Nudge(nothing(space, form)),
        (false, true) => Action::Nudge(format!(
            "This task takes a typed answer: {} to finish. {}",
            match space {
                ActionSpace::Code => "call `submit(...)` in code",
                ActionSpace::Tools => "call the tool `submit`",
            },
            nothing(space, form)
        )),
        (false, false) => Action::Answer(text.trim().to_owned()),
    }
}

/// The code in the words of a reply. Where code comes in calls, a block in words is one that
/// says it is Python, or is all there is.
fn in_words(text: &str, form: CodeForm, stopped: bool) -> Blocks {
    if form == CodeForm::Tool {
        let mut found = blocks(text, CodeForm::Fenced, stopped);
        let all = text.trim();
        let is_all = all.starts_with("```") && all.ends_with("```") && found.others == 0;
        if !found.is_named && !is_all {
            found = blocks(text, CodeForm::Tagged, stopped);
        }
        return found;
    }
    let found = blocks(text, form, stopped);
    if found.first.is_some() || found.unclosed {
        return found;
    }
    let written = written_calls(text)
        .map(|(calls, _)| calls)
        .unwrap_or_default();
    let code = written.iter().find_map(calls::code_of_written);
    Blocks {
        first: code,
        ..found
    }
}

/// What a model is told beside the result of a block that came in words.
fn note(form: CodeForm, others: usize) -> Option<String> {
    if form == CodeForm::Tool {
        let text = "(your reply had a block and no call; the block ran. Send code as a call of `python`. \
            To end, answer in words without such a block.)";
        return Some(text.to_owned());
    }
    (others > 0).then(|| {
        format!(
            "(only the first of {} blocks ran: write one block, then wait for its result)",
            others + 1
        )
    })
}

/// A reply as it was meant: without thoughts among its words, and with its calls as calls
/// where the request has tools.
pub(crate) fn understood(mut reply: Reply, space: ActionSpace, form: CodeForm) -> Reply {
    let text = reply.message.text();
    let Parted { thoughts, said } = parted(&text);
    let takes_calls = space == ActionSpace::Tools || form == CodeForm::Tool;
    let has_calls = reply.message.tool_calls().next().is_some();
    let (calls, words) = match written_calls(&said).filter(|_| takes_calls && !has_calls) {
        // In code space, nothing but code is called.
        Some((calls, words)) if space == ActionSpace::Tools || all_code(&calls) => (calls, words),
        _ => (Vec::new(), said),
    };
    if words == text {
        return reply;
    }
    let kept = &mut reply.message.parts;
    kept.retain(|part| !matches!(part, Part::Text { .. }));
    let before = kept
        .iter()
        .take_while(|part| matches!(part, Part::Reasoning { .. } | Part::Opaque(_)))
        .count();
    let mut new = Vec::new();
    if !thoughts.is_empty() {
        new.push(Part::Reasoning {
            text: thoughts,
            opaque: None,
        });
    }
    if !words.trim().is_empty() {
        new.push(Part::text(words));
    }
    kept.splice(before..before, new);
    if !calls.is_empty() {
        reply.stop = StopReason::ToolCalls;
    }
    kept.extend(calls.into_iter().map(Part::ToolCall));
    reply
}

fn all_code(calls: &[ToolCall]) -> bool {
    calls.iter().all(|call| call.name == CODE_TOOL)
}

fn nothing(space: ActionSpace, form: CodeForm) -> String {
    match (space, form) {
        (ActionSpace::Tools, _) => "Your reply called no tool.",
        (ActionSpace::Code, CodeForm::Tool) => "Your reply had no call of `python`.",
        (ActionSpace::Code, CodeForm::Fenced) => "Your reply had no ```python block.",
        (ActionSpace::Code, CodeForm::Tagged) => "Your reply had no <python> block.",
    }
    .to_owned()
}

fn reason(reply: &Reply, what: &str) -> String {
    let text = reply.message.text();
    match text.trim() {
        "" => what.to_owned(),
        said => format!("{what}: {}", said.chars().take(500).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, understood};
    use crate::CodeForm;
    use crate::reading::Action;
    use memex_models::{Reply, ToolCall};
    use memex_trajectories::ActionSpace;

    /// What is done after a text, in code space.
    fn done(text: &str, form: CodeForm) -> Action {
        let reply = understood(Reply::text(text), ActionSpace::Code, form);
        read(&reply, ActionSpace::Code, form, false)
    }

    fn code(text: &str, form: CodeForm) -> Option<String> {
        match done(text, form) {
            Action::Code { code, .. } => Some(code),
            _ => None,
        }
    }

    fn called(arguments: &str) -> Option<String> {
        let mut reply = Reply::text("");
        let call = ToolCall {
            id: "1".to_owned(),
            name: "python".to_owned(),
            arguments: arguments.to_owned(),
            opaque: None,
        };
        reply.message.parts = vec![memex_models::Part::ToolCall(call)];
        match read(&reply, ActionSpace::Code, CodeForm::Tool, false) {
            Action::Code { code, .. } => Some(code),
            _ => None,
        }
    }

    #[test]
    fn thoughts_are_no_code_and_no_answer() {
        for form in [CodeForm::Fenced, CodeForm::Tool] {
            let text = "<think>Perhaps\n```python\nwrong\n```\n</think>\n```python\nright\n```";
            assert_eq!(code(text, form).as_deref(), Some("right\n"), "{form:?}");
        }
        let tagged = "<think>\n<python>wrong</python>\n</think>\n<python>right</python>";
        assert_eq!(code(tagged, CodeForm::Tagged).as_deref(), Some("right"));
        let answer = done("so it is 4\n</think>\n\n4", CodeForm::Tool);
        assert_eq!(answer, Action::Answer("4".to_owned()));
        // Nothing was said.
        let nothing = done("<think>and so on", CodeForm::Tool);
        assert!(matches!(nothing, Action::Nudge(_)), "{nothing:?}");
        let kept = understood(
            Reply::text("<think>a</think>b"),
            ActionSpace::Code,
            CodeForm::Tool,
        );
        assert_eq!(kept.message.reasoning(), "a");
        assert_eq!(kept.message.text(), "b");
    }

    #[test]
    fn code_runs_however_it_comes() {
        let tool = |text: &str| code(text, CodeForm::Tool);
        for label in [
            "python",
            "py",
            "Python",
            "python3",
            "tool_code",
            "python repl",
        ] {
            let text = format!("I look:\n```{label}\nprint(1)\n```");
            assert_eq!(tool(&text).as_deref(), Some("print(1)\n"), "{label}");
        }
        assert_eq!(tool("```\nprint(1)\n```").as_deref(), Some("print(1)\n"));
        assert_eq!(
            tool("<python>print(1)</python>").as_deref(),
            Some("print(1)")
        );
        for answer in [
            "It is\n```\na  b\n1  2\n```\nas asked.",
            "```json\n{}\n```",
            "4",
        ] {
            assert_eq!(tool(answer), None, "{answer}");
        }
        let written = r#"<tool_call>{"name":"python","arguments":{"code":"print(1)"}}</tool_call>"#;
        for form in [CodeForm::Tool, CodeForm::Fenced, CodeForm::Tagged] {
            assert_eq!(code(written, form).as_deref(), Some("print(1)"), "{form:?}");
        }
        let done = done(written, CodeForm::Tool);
        let by_call = matches!(
            &done,
            Action::Code {
                call_id: Some(_),
                ..
            }
        );
        assert!(by_call, "it is a call from then on: {done:?}");
    }

    #[test]
    fn what_stands_around_the_code_of_a_call_is_taken_off() {
        for arguments in [
            r#"{"code":"print(1)"}"#,
            r#"{"code":"```python\nprint(1)\n```"}"#,
            r#"{"code":">>> print(1)\n1"}"#,
            r#""print(1)""#,
            "print(1)",
            "```python\nprint(1)\n```",
        ] {
            let code = called(arguments);
            assert_eq!(
                code.as_deref().map(str::trim),
                Some("print(1)"),
                "{arguments}"
            );
        }
        for arguments in ["{\"code\":\"print(1", "{}", "[1]", "3", ""] {
            assert_eq!(called(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn calls_of_tools_are_made_however_they_come() {
        let text = r#"I ask. <tool_call>{"name":"add","arguments":{"a":1}}</tool_call>"#;
        let space = ActionSpace::Tools;
        let reply = understood(Reply::text(text), space, CodeForm::Tool);
        assert_eq!(reply.message.text(), "I ask.");
        match read(&reply, space, CodeForm::Tool, false) {
            Action::Calls(calls) => {
                assert_eq!(calls.len(), 1);
                assert_eq!(calls[0].name, "add");
                assert_eq!(calls[0].arguments.as_ref().map(|map| map.len()), Ok(1));
            }
            other => panic!("{other:?}"),
        }
    }
}
