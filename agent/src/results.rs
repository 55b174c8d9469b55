//! Results of tools, looked at as they come: those that are not what their schemas say, of
//! which the model is told, and pictures, for models that can see. The results stay as they
//! are, and the run goes on.

use std::sync::Arc;

use futures_util::FutureExt as _;
use memex_host_tools::{
    Answer, Arguments, CallContext, ClientTool, ResultCheck, Tool, ToolError, ToolFuture, ToolSpec,
};
use memex_trajectories::Display;
use parking_lot::Mutex;

use crate::observation::pictures_in;

/// Tools whose results are reported at a time.
const REPORTED_MAX: usize = 4;
/// Pictures that are held from one observation to the next. More are counted alone.
const PICTURES_MAX: usize = 16;

/// What was noticed since it was last asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results(Arc<Mutex<Noticed>>);

#[derive(Debug, Default)]
struct Noticed {
    misfits: Vec<Misfit>,
    pictures: Vec<Display>,
}

/// A result that did not fit.
#[derive(Debug)]
struct Misfit {
    tool: String,
    what: String,
}

impl Results {
    /// The tool, with its results looked at.
    pub(crate) fn watch(&self, tool: Arc<dyn Tool>) -> Arc<dyn Tool> {
        // Answers of the other side of the API are checked where they come in.
        if tool.client().is_some() {
            return tool;
        }
        Arc::new(Watched {
            check: ResultCheck::of(tool.spec()).map(Arc::new),
            tool,
            results: self.clone(),
        })
    }

    fn notice(&self, tool: &str, check: Option<&ResultCheck>, answer: &Answer) {
        let misfit = check.and_then(|check| check.misfit(&answer.json));
        let pictures = match answer.parts.is_empty() {
            true => Vec::new(),
            false => pictures_in(&answer.json, &answer.parts),
        };
        if misfit.is_none() && pictures.is_empty() {
            return;
        }
        let mut held = self.0.lock();
        let room = PICTURES_MAX.saturating_sub(held.pictures.len());
        let titled = pictures.into_iter().take(room).map(|picture| Display {
            title: Some(format!("from {tool}")),
            ..picture
        });
        held.pictures.extend(titled);
        let is_new = !held.misfits.iter().any(|known| known.tool == tool);
        if let Some(what) = misfit.filter(|_| is_new && held.misfits.len() < REPORTED_MAX) {
            held.misfits.push(Misfit {
                tool: tool.to_owned(),
                what,
            });
        }
    }

    /// A line for each tool of which a result did not fit, since this was asked last.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        let line = |Misfit { tool, what }: Misfit| {
            format!(
                "Note: a result of `{tool}` is not what its schema says ({what}). It is as it came."
            )
        };
        let misfits = std::mem::take(&mut self.0.lock().misfits);
        misfits.into_iter().map(line).collect()
    }

    /// The pictures in results, since this was asked last.
    pub(crate) fn take_pictures(&self) -> Vec<Display> {
        std::mem::take(&mut self.0.lock().pictures)
    }
}

/// A tool whose results are looked at.
struct Watched {
    tool: Arc<dyn Tool>,
    check: Option<Arc<ResultCheck>>,
    results: Results,
}

impl Tool for Watched {
    fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let name = self.spec().name.clone();
        let (check, results) = (self.check.clone(), self.results.clone());
        let answered = self.tool.call(context, arguments);
        let look = move |answered: Result<Answer, ToolError>| {
            if let Ok(answer) = &answered {
                results.notice(&name, check.as_deref(), answer);
            }
            answered
        };
        answered.map(look).boxed()
    }

    fn client(&self) -> Option<&ClientTool> {
        self.tool.client()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::time::Instant;

    struct Answers(ToolSpec, Value);

    impl Tool for Answers {
        fn spec(&self) -> &ToolSpec {
            &self.0
        }

        fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
            let answer: Result<Answer, ToolError> = Ok(Answer::json(self.1.clone()));
            std::future::ready(answer).boxed()
        }
    }

    fn told(returns: Option<Value>, result: Value) -> Vec<String> {
        let spec = ToolSpec {
            name: "find".into(),
            description: String::new(),
            parameters: json!({ "type": "object" }),
            returns,
            timeout: None,
        };
        let results = Results::default();
        let tool = results.watch(Arc::new(Answers(spec, result.clone())));
        for _ in 0..3 {
            let context = CallContext {
                session: "s".into(),
                deadline: Instant::now(),
                cancelled: tokio_util::sync::CancellationToken::new(),
            };
            let called = tool.call(context, Arguments::default()).now_or_never();
            assert_eq!(called.unwrap().unwrap().json, result, "it stays as it is");
        }
        let told = results.take_notes();
        assert!(results.take_notes().is_empty(), "it is told once");
        told
    }

    #[test]
    fn what_does_not_fit_is_told_once_and_comes_through() {
        let row = json!({
            "type": "object", "required": ["price"],
            "properties": {
                "price": { "type": "number" },
                "day": { "type": "string", "format": "date" },
            },
        });
        let rows = Some(json!({ "type": "array", "items": row }));
        assert!(told(None, json!("anything")).is_empty());
        for fit in [
            json!([]),
            json!([{ "price": 1, "day": "2024-02-29" }]),
            json!([{ "price": 1, "day": null }]),
        ] {
            assert_eq!(told(rows.clone(), fit), Vec::<String>::new());
        }
        for (unfit, what) in [
            (json!({ "price": 1 }), "expected list, got dict"),
            (
                json!([{ "price": "x" }]),
                "[0].price: expected float, got str",
            ),
            (
                json!([{ "price": 1 }, {}]),
                "[1].price: it is required and missing",
            ),
            (
                json!([{ "price": 1, "day": "soon" }]),
                "[0].day: \"soon\" is not a date",
            ),
        ] {
            let told = told(rows.clone(), unfit);
            assert_eq!(told.len(), 1);
            assert!(
                told[0].contains(what) && told[0].contains("`find`"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn pictures_are_those_parts_that_a_result_refers_to() {
        let png = b"\x89PNG\r\n\x1a\n and more".to_vec();
        let answer = Answer {
            json: json!({ "type": "image", "data": { "$part": 1 }, "raw": { "$part": 0 } }),
            parts: vec![b"no picture".to_vec(), png.clone(), png.clone()],
        };
        let results = Results::default();
        for _ in 0..20 {
            results.notice("shot", None, &answer);
        }
        let pictures = results.take_pictures();
        assert_eq!(pictures.len(), PICTURES_MAX);
        assert_eq!(pictures[0].media_type, "image/png");
        assert_eq!(pictures[0].title.as_deref(), Some("from shot"));
        assert!(results.take_pictures().is_empty());
    }
}
