//! Suites, and variants side by side.

use memex_agent::evaluation::{Finding, Graded, Taxonomy, Variant, plot, summarise, table};
use memex_agent::{ActionSpace, Agent, AgentConfig, Reactor, RunRequest, evaluation};
use memex_models::{Message, Request, Script, ScriptEntry, ScriptedModel};
use memex_suites::{Grader, Task, Verdict};
use serde_json::json;
use std::sync::Arc;

fn graded(model: &str, space: ActionSpace, correct: bool, tokens: u64) -> Graded {
    Graded {
        task: "t".into(),
        variant: Variant::new(model, space),
        repetition: 1,
        status: "submitted".into(),
        correct,
        reason: String::new(),
        answer: json!(1),
        turns: 2,
        tool_calls: 1,
        blocks: 2,
        input_tokens: tokens,
        output_tokens: 10,
        cost_usd: Some(tokens as f64 / 1e6),
        wall_ms: 1,
        tags: Vec::new(),
    }
}

#[test]
fn variants_stand_side_by_side() {
    let results: Vec<Graded> = (0..10)
        .flat_map(|n| {
            [
                graded("m", ActionSpace::Code, n < 8, 100),
                graded("m", ActionSpace::Tools, n < 5, 1_000),
            ]
        })
        .collect();
    let standings = summarise(&results);
    assert_eq!(standings.len(), 2);
    assert_eq!((standings[0].correct, standings[0].tasks), (8, 10));
    assert!(standings[0].accuracy_low < 0.8 && standings[0].accuracy_high > 0.8);
    let text = table(&standings).to_text();
    assert!(text.contains("8/10") && text.contains("80.0 %"), "{text}");
    let svg = plot("suite", &standings).to_svg();
    assert!(svg.contains("<svg") && svg.contains("cost per task (USD)"));
}

#[test]
fn results_are_lines_that_are_read_back() {
    let line = serde_json::to_string(&graded("m", ActionSpace::Code, true, 1)).unwrap();
    let back: Graded = serde_json::from_str(&line).unwrap();
    assert_eq!(back.variant, Variant::new("m", ActionSpace::Code));
}

#[test]
fn answers_are_graded() {
    let task = |grader| Task {
        id: "t".into(),
        question: "How many?".into(),
        files: Vec::new(),
        database: None,
        inputs: Default::default(),
        answer: json!(42),
        grader,
        tags: Vec::new(),
    };
    let reactor = Reactor::new().unwrap();
    let says = |text: &str| ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    };
    let model = |text: &str| Arc::new(ScriptedModel::new("m", Script::new("s", vec![says(text)])));
    let config = AgentConfig::parse("action_space = 'tools'", "a").unwrap();
    let variant = Variant::new("m", ActionSpace::Tools);
    for (said, correct) in [("It is 42.", true), ("It is 41.", false)] {
        let agent = Agent::builder(config.clone(), model(said), &reactor)
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("How many?")).unwrap();
        let numeric = task(Grader::Numeric {
            tolerance: 0.1,
            relative: 0.0,
        });
        let graded = evaluation::grade_result(&numeric, &variant, 1, &result, None).unwrap();
        assert_eq!(graded.correct, correct, "{said}: {}", graded.reason);
        let judged = task(Grader::Judge {
            rubric: String::new(),
        });
        assert!(evaluation::grade_result(&judged, &variant, 1, &result, None).is_err());
        let judge = model("So be it. <judgment>CORRECT</judgment>");
        let judge = Some((judge.as_ref() as &dyn memex_models::Model, &reactor));
        assert!(
            evaluation::grade_result(&judged, &variant, 1, &result, judge)
                .unwrap()
                .correct
        );
    }
}

#[test]
fn a_judge_who_says_nothing_clear_is_asked_once_more() {
    let reactor = Reactor::new().unwrap();
    let says = |text: &str| ScriptEntry {
        agent: Some("judge".into()),
        text: text.into(),
        ..ScriptEntry::default()
    };
    let judged = |replies: &[&str]| {
        let replies = replies.iter().map(|text| says(text)).collect();
        let model = ScriptedModel::new("m", Script::new("s", replies));
        let request = Request::new(vec![Message::user("Is it right?")]);
        reactor.wait(evaluation::judge(&model, request))
    };
    let clear = "So be it. <judgment>CORRECT</judgment>";
    let right = (Some(Verdict::Correct), clear.to_owned());
    assert_eq!(judged(&[clear]).unwrap(), right);
    assert_eq!(judged(&["Well.", clear]).unwrap(), right);
    let unclear = judged(&["Well.", "Hm.", clear]).unwrap();
    assert_eq!(unclear, (None, "Hm.".to_owned()));
    assert!(judged(&["Well."]).is_err(), "it is asked twice");
}

#[test]
fn the_taxonomy_has_four_axes() {
    let taxonomy = Taxonomy::built_in().unwrap();
    let names: Vec<&str> = taxonomy
        .axes
        .iter()
        .map(|axis| axis.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "source_selection",
            "interpretation",
            "search_strategy",
            "execution"
        ]
    );
    let finding = |axis: &str| Finding {
        axis: axis.into(),
        step: 1,
        evidence: String::new(),
        remedy: String::new(),
    };
    let text = taxonomy
        .table(&[
            ("code".into(), finding("execution")),
            ("tools".into(), finding("execution")),
        ])
        .to_text();
    assert!(text.contains("100 %"), "{text}");
    assert!(Taxonomy::parse("axis = []", "x").is_err());
    let request = taxonomy
        .audit(std::path::Path::new("run.jsonl"), 0, &json!(42))
        .unwrap();
    assert!(request.task.contains("source_selection") && request.output.is_some());
}
