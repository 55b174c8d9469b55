//! Reports, above all of runs that mean harm.

use std::io::Cursor;
use std::time::{Duration, Instant};

use memex_trajectories::report::{DISPLAY_MAX_BYTES, TEXT_MAX_CHARS, report};
use memex_trajectories::{
    Child, Display, Encoding, GuestError, NameChange, Observation, Status, Step, StepKind,
    ToolCall, ToolResult, Trajectory, TrajectoryReader,
};
use proptest::prelude::*;
use serde_json::json;

use crate::samples::{any_run, code_run, tools_run};

/// A piece of every kind of attack, in one text.
const HOSTILE: &str = concat!(
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "' onmouseover='alert(3)",
    "</script></style></title></textarea><!--",
    "<iframe src=\"https://evil.example\"></iframe>",
    "javascript:alert(4) {{x}} ${x} `",
    "\u{202e}desrever\u{2066}\u{200f}\u{feff}\u{0}\u{1b}[31m&lt;b&gt;",
);

fn hostile_run() -> Trajectory {
    let evil = || HOSTILE.to_owned();
    let mut run = code_run();
    run.id = evil();
    run.task = evil();
    run.task_id = Some(evil());
    run.agent.name = evil();
    run.agent.model = evil();
    run.agent.version = evil();
    run.status = Status::Failed { reason: evil() };
    run.answer = Some(evil());
    run.submission = Some(json!({ HOSTILE: [HOSTILE, "</script>"] }));
    run.children = vec![
        Child {
            id: evil(),
            step: Some(0),
            task: evil(),
            path: Some(evil()),
            ..Child::default()
        },
        Child {
            id: evil(),
            trajectory: Some(Box::new(tools_run())),
            ..Child::default()
        },
    ];
    let display = |media_type: &str, encoding| Display {
        media_type: media_type.into(),
        encoding,
        data: evil(),
        title: Some(evil()),
    };
    for step in &mut run.steps {
        step.text = evil();
        step.reasoning = Some(evil());
        step.code = Some(format!("x = '{HOSTILE}' # {HOSTILE}\n'''{HOSTILE}"));
        step.model = Some(evil());
        step.finish_reason = Some(evil());
        step.tool_calls = vec![ToolCall {
            id: evil(),
            name: evil(),
            arguments: json!(HOSTILE),
        }];
        step.results = vec![ToolResult {
            call_id: evil(),
            name: evil(),
            content: evil(),
            ..ToolResult::default()
        }];
        step.observation = Some(Observation {
            stdout: evil(),
            error: Some(GuestError {
                kind: evil(),
                message: evil(),
                traceback: evil(),
            }),
            names: vec![NameChange {
                name: evil(),
                kind: Some(evil()),
                shape: Some(evil()),
                ..NameChange::default()
            }],
            displays: vec![
                display("text/html", Encoding::Text),
                display("image/svg+xml", Encoding::Text),
                display("image/png", Encoding::Base64),
                display("image/png", Encoding::Path),
                display(HOSTILE, Encoding::Text),
                display("text/plain", Encoding::Text),
            ],
            ..Observation::default()
        });
    }
    run
}

/// The tags of a page, as a browser's tokenizer finds them: raw text in
/// `script` and `style` ends at their end tags, attributes are quoted.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            assert!(
                rest.starts_with(['/', '!']),
                "a stray bracket: {:.60}",
                rest
            );
            assert!(!rest.starts_with("!--"), "a comment");
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let end = rest.find(['=', ' ', '>']).unwrap();
            let key = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix("=\"") {
                let end = after.find('"').unwrap();
                value = &after[..end];
                rest = &after[end + 1..];
            }
            attributes.push((key, value.to_owned()));
        }
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).unwrap()..];
        }
        tags.push((name, attributes));
    }
    tags
}

const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "href",
    "type",
    "placeholder",
    "aria-label",
    "role",
    "data-filter",
    "data-kind",
    "data-status",
    "checked",
    "viewBox",
    "preserveAspectRatio",
    "x",
    "y",
    "width",
    "height",
    "open",
    "src",
    "alt",
    "title",
    "sandbox",
    "referrerpolicy",
    "srcdoc",
];

/// What holds for every page, whatever is in it.
fn check_inert(page: &str) {
    let tags = tags(page);
    for (name, attributes) in &tags {
        for (key, value) in attributes {
            assert!(ATTRIBUTES.contains(&key.as_str()), "<{name} {key}>");
            match key.as_str() {
                "href" => assert!(value.starts_with("#r"), "{value}"),
                "src" => {
                    let data = value.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
                    let (_, data) = data.unwrap_or_else(|| panic!("{value}"));
                    assert!(data.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
                }
                "sandbox" => assert_eq!(value, ""),
                "srcdoc" => assert!(value.starts_with("&lt;meta http-equiv=&quot;Content-Security-Policy&quot; content=&quot;default-src 'none'")),
                _ => {}
            }
        }
        if name == "iframe" {
            assert_eq!(
                attributes
                    .iter()
                    .filter(|(key, _)| key == "sandbox")
                    .count(),
                1
            );
        }
    }
    for (once, count) in [
        ("script", 1),
        ("style", 1),
        ("body", 1),
        ("meta", 4),
        ("link", 0),
        ("object", 0),
        ("form", 0),
    ] {
        assert_eq!(
            tags.iter().filter(|(name, _)| name == once).count(),
            count,
            "{once}"
        );
    }
    let policy = tags.iter().position(|(_, attributes)| {
        attributes
            .iter()
            .any(|(_, value)| value.starts_with("default-src 'none'; script-src 'sha256-"))
    });
    let style = tags.iter().position(|(name, _)| name == "style");
    assert!(policy.unwrap() < style.unwrap());
    for hidden in [
        '\u{202e}', '\u{2066}', '\u{200f}', '\u{feff}', '\u{0}', '\u{1b}',
    ] {
        assert!(!page.contains(hidden), "{hidden:?}");
    }
}

#[test]
fn hostile_content_stays_text() {
    let page = report(HOSTILE, &[hostile_run(), code_run()]);
    check_inert(&page);
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "it is shown"
    );
    assert!(
        page.contains("⟦U+202E⟧desrever"),
        "and what hides is made visible"
    );
    assert!(page.matches("<iframe").count() > 3, "frames were made");
    assert!(page.contains("src=\"data:image/svg+xml;base64,"));
    assert!(page.contains("its data is not base64"));
}

#[test]
fn the_policy_names_the_script_that_is_there() {
    use base64::Engine;
    use sha2::Digest;
    let page = report("r", &[code_run()]);
    let script = page
        .split("<script>")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{digest}'")));
}

#[test]
fn a_child_is_shown_once_however_many_steps_name_it() {
    let mut run = code_run();
    let task = "a task that is told once".to_owned();
    run.children = vec![Child {
        id: "c".to_owned(),
        task: task.clone(),
        ..Child::default()
    }];
    for step in &mut run.steps {
        step.children = vec!["c".to_owned(); 3];
    }
    assert!(run.steps.len() > 1);
    assert_eq!(report("A run", &[run.clone()]).matches(&task).count(), 1);
    for step in &mut run.steps {
        step.children.clear();
    }
    assert_eq!(report("A run", &[run]).matches(&task).count(), 1);
}

/// Work that grew with the square of a run's parts took a quarter of an hour here.
#[test]
fn a_run_of_very_many_parts_is_read_and_shown_in_no_time() {
    const PARTS: u32 = 200_000;
    let began = Instant::now();
    let mut run = code_run();
    let mut lines = r#"{"type":"trajectory","version":1,"id":"r","task":"t","agent":{"name":"a","version":"1"},"started":"2026-01-01T00:00:00Z"}"#.to_owned() + "\n";
    for n in 0..PARTS {
        lines.push_str(&format!("{{\"type\":\"child\",\"id\":\"{n}\"}}\n"));
    }
    let reader = TrajectoryReader::new(Cursor::new(lines), "file").unwrap();
    let read = reader.collect_all().unwrap().trajectory;
    assert_eq!(read.children.len(), PARTS as usize);

    let step = run
        .steps
        .iter_mut()
        .find(|step| step.kind == StepKind::Model);
    let step = step.unwrap();
    for n in 0..PARTS / 4 {
        step.tool_calls.push(ToolCall {
            id: n.to_string(),
            name: "t".to_owned(),
            ..ToolCall::default()
        });
        step.results.push(ToolResult {
            call_id: n.to_string(),
            content: format!("result {n}."),
            ..ToolResult::default()
        });
    }
    let page = report("A run", &[run]);
    assert!(page.contains(&format!("result {}.", PARTS / 4 - 1)));
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_report_shows_a_run() {
    let page = report("Two runs", &[code_run(), tools_run()]);
    check_inert(&page);
    for shown in [
        "submitted",
        "small-1",
        "$0.0015",
        "900 ms",
        "print",
        "ValueError",
        "data:image/png;base64,iVBORw0KGgo=",
        "select 1",
        "exhausted (wall time)",
        "id=\"r0-c0\"",
        "id=\"r0-c0-r\"",
        "limit ",
        "<strong>270</strong><small>tokens in</small>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let links: Vec<&str> = page
        .split("href=\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(links.len() > 10);
    for link in links {
        assert_eq!(page.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
    }
}

#[test]
fn code_is_coloured() {
    let mut run = code_run();
    run.steps[2].code = Some("def f(x):\n    return r'''a\nb''' + f\"{x}\" + 0x1F # why\n".into());
    let page = report("r", &[run]);
    for piece in [
        "<span class=\"k\">def</span> f(x):",
        "<span class=\"s\">r'''a\nb'''</span>",
        "<span class=\"s\">f&quot;{x}&quot;</span>",
        "<span class=\"n\">0x1F</span>",
        "<span class=\"c\"># why</span>\n",
    ] {
        assert!(page.contains(piece), "{piece}");
    }
}

#[test]
fn what_is_too_large_is_cut() {
    let mut run = code_run();
    run.steps[3].text = format!("{}{}", "a".repeat(TEXT_MAX_CHARS), "z".repeat(7));
    let observation = run.steps[3].observation.as_mut().unwrap();
    observation.displays[0].data = "A".repeat(DISPLAY_MAX_BYTES + 1);
    let page = report("r", &[run]);
    assert!(page.contains(" 7 characters are not shown"));
    assert!(page.contains("zzzzzzz</pre>"), "the end is shown");
    assert!(page.contains(&format!("not shown: {} bytes", DISPLAY_MAX_BYTES + 1)));
    assert!(page.len() < 2 * TEXT_MAX_CHARS);
}

#[test]
fn odd_code_is_shown_whole() {
    for code in [
        "'",
        "'''",
        "\"\\",
        "f'",
        "é='ü",
        "#",
        "0",
        "rb'\\''",
        "\u{1f600}'",
    ] {
        let mut run = code_run();
        run.steps[2] = Step {
            index: 2,
            kind: StepKind::Model,
            code: Some(code.into()),
            ..Step::default()
        };
        let page = report("r", &[run]);
        let shown = page
            .split("<pre class=\"code\"><code>")
            .nth(1)
            .unwrap()
            .split("</code>")
            .next()
            .unwrap();
        let shown: String = shown
            .split('<')
            .map(|piece| piece.rsplit('>').next().unwrap())
            .collect();
        assert_eq!(shown.replace("&quot;", "\""), code);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_run_is_shown_inert(run in any_run(), media_type in prop_oneof![Just("text/html".to_owned()), Just("image/svg+xml; x".to_owned()), any::<String>()], data in any::<String>()) {
        let mut run = run;
        for step in &mut run.steps {
            step.observation = Some(Observation {
                displays: vec![Display { media_type: media_type.clone(), data: data.clone(), ..Display::default() }],
                ..Observation::default()
            });
        }
        check_inert(&report(&data, &[run]));
    }
}
