//! What models see of results: pictures, and that a result is not what its schema says.

use super::support::{calls, coder, config, place, reactor, runs, says, shown};
use memex_agent::{ActionSpace, Agent, AgentConfig, CodeForm, RunRequest};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolFuture, ToolSpec};
use memex_models::{
    BoxFuture, DeltaSink, Message, Model, ModelError, Part, Reply, Request, Script, ScriptEntry,
    ScriptedModel,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A model that keeps what it is asked.
struct Asked {
    model: ScriptedModel,
    requests: Mutex<Vec<Request>>,
}

impl Model for Asked {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn DeltaSink,
    ) -> BoxFuture<'a, Result<Reply, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        self.model.complete(request, sink)
    }
}

/// A tool of this name, result schema and result.
struct Fixed(ToolSpec, Answer);

impl Fixed {
    fn tool(name: &str, returns: Value, answer: Answer) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: name.into(),
            description: "Gives something.".into(),
            parameters: json!({ "type": "object", "properties": {} }),
            returns: Some(returns),
            timeout: None,
        };
        Arc::new(Self(spec, answer))
    }
}

impl Tool for Fixed {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        Box::pin(std::future::ready(Ok(self.1.clone())))
    }
}

fn png() -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n and what follows".to_vec()
}

fn tools() -> Vec<Arc<dyn Tool>> {
    let picture = json!({ "type": "object", "properties": { "data": { "type": "string", "format": "binary" } } });
    let shot = Answer {
        json: json!({ "data": { "$part": 0 } }),
        parts: vec![png()],
    };
    let wrong = Answer::json(json!([{ "price": "free" }]));
    let rows = json!({
        "type": "array",
        "items": { "type": "object", "properties": { "price": { "type": "number" } } },
    });
    vec![
        Fixed::tool("numbers", rows, wrong),
        Fixed::tool("double", picture, shot),
    ]
}

/// The answer's shown texts, and the pictures of each request.
fn asked(config: AgentConfig, replies: Vec<ScriptEntry>) -> (Vec<String>, Vec<usize>) {
    let model = Arc::new(Asked {
        model: ScriptedModel::new("script", Script::new("test", replies)),
        requests: Mutex::default(),
    });
    let agent = Agent::builder(config, Arc::clone(&model) as _, reactor())
        .sandbox(place().clone())
        .tools(tools())
        .build()
        .unwrap();
    let result = agent.run(RunRequest::new("Do it.")).unwrap();
    assert!(result.status.is_success(), "{}", result.status);
    let pictures = |message: &Message| -> usize {
        let of = |part: &Part| match part {
            Part::Image(_) => 1,
            Part::ToolResult(result) => result.images.len(),
            _ => 0,
        };
        message.parts.iter().map(of).sum()
    };
    let requests = model.requests.lock().unwrap();
    let counted = requests
        .iter()
        .map(|request| request.messages.iter().map(pictures).sum());
    (shown(&result), counted.collect())
}

fn seeing(mut config: AgentConfig) -> AgentConfig {
    config.observations.pictures = Some(true);
    config
}

const FIGURE: &str = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";

#[test]
fn figures_and_pictures_of_tools_reach_models_that_can_see() {
    let block = || vec![runs(FIGURE), runs("double()['data'][:4]"), says("done")];
    let (texts, counted) = asked(seeing(coder()), block());
    assert_eq!(counted, [0, 1, 2], "{texts:?}");
    assert!(
        texts[0].contains("shown to you and the user: image/png"),
        "{texts:?}"
    );
    // Without code in calls they stand in a message of the user.
    let fenced = config(ActionSpace::Code, CodeForm::Fenced);
    let replies = vec![says(&format!("```python\n{FIGURE}\n```")), says("done")];
    assert_eq!(asked(seeing(fenced), replies).1, [0, 1]);
    // Of a model that is not known to see, nothing is shown.
    let (texts, counted) = asked(coder(), block());
    assert_eq!(counted, [0, 0, 0]);
    assert!(
        texts[0].contains("(shown to the user: image/png"),
        "{texts:?}"
    );
    let space = || config(ActionSpace::Tools, CodeForm::Tool);
    let replies = || vec![calls("double", json!({})), says("done")];
    assert_eq!(asked(seeing(space()), replies()).1, [0, 1]);
    assert_eq!(asked(space(), replies()).1, [0, 0]);
}

#[test]
fn pictures_are_bounded_in_an_observation_and_in_the_conversation() {
    let mut config = seeing(coder());
    config.observations.pictures_max = 2;
    config.observations.pictures_kept = 3;
    let code = format!("{FIGURE}\n").repeat(5);
    let (_, counted) = asked(
        config,
        vec![runs(&code), runs(&code), runs("1"), says("done")],
    );
    assert_eq!(counted, [0, 2, 3, 3]);
    let mut config = seeing(coder());
    config.observations.picture_bytes = 100;
    assert_eq!(asked(config, vec![runs(FIGURE), says("done")]).1, [0, 0]);
}

#[test]
fn a_result_that_is_not_what_its_schema_says_comes_through_and_is_told() {
    let told = "Note: a result of `numbers` is not what its schema says ([0].price: expected float, got str \"free\")";
    let (texts, _) = asked(
        coder(),
        vec![runs("numbers()[0]['price']"), runs("1"), says("done")],
    );
    assert!(
        texts[0].contains("free") && texts[0].contains(told),
        "{texts:?}"
    );
    assert!(!texts[1].contains("Note"), "it is told once: {texts:?}");
    let space = config(ActionSpace::Tools, CodeForm::Tool);
    let (texts, _) = asked(space, vec![calls("numbers", json!({})), says("done")]);
    assert!(
        texts[0].contains("free") && texts[0].contains(told),
        "{texts:?}"
    );
}
