//! `memex doctor` and `memex bench`: what they say of this machine.

use crate::memex::{command, memex};
use serde_json::Value;

fn states(report: &Value) -> Vec<(&str, &str)> {
    let checks = report["checks"].as_array().expect("checks");
    let text = |check: &'static str| move |of: &Value| of[check].as_str().map(str::to_owned);
    let (name, state) = (text("name"), text("state"));
    for check in checks {
        assert!(
            name(check).is_some() && check["detail"].is_string(),
            "{check}"
        );
        let needs_remedy = state(check).as_deref() != Some("ok");
        assert_eq!(check["remedy"].is_string(), needs_remedy, "{check}");
    }
    checks
        .iter()
        .filter_map(|check| Some((check["name"].as_str()?, check["state"].as_str()?)))
        .collect()
}

#[test]
fn the_doctor_finds_the_image() {
    // Whatever else is wrong, the suite's image is there.
    assert_eq!(memex(&["run", "-c", "1"]).status, 0);
    let ran = memex(&["doctor", "--json"]);
    let [report] = &ran.objects()[..] else {
        panic!("{ran:#?}");
    };
    let states = states(report);
    assert!(states.contains(&("image", "ok")), "{ran:#?}");
    assert!(states.contains(&("cache", "ok")), "{ran:#?}");
    let problems = states.iter().any(|(_, state)| *state == "problem");
    assert_eq!(report["ok"], !problems);
    assert_eq!(ran.status, i32::from(problems));
    assert_eq!(
        memex(&["doctor"])
            .stdout
            .lines()
            .filter(|line| !line.contains("hint:"))
            .count(),
        states.len()
    );
}

#[test]
fn the_doctor_names_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let doctor = |cache: &std::path::Path| -> super::memex::Ran {
        let mut doctor = command(&["doctor", "--json"]);
        doctor.env("MEMEX_CACHE", cache).output().unwrap().into()
    };
    // Nothing is built: no problem, and nothing is made by asking.
    let empty = folder.path().join("empty");
    let ran = doctor(&empty);
    let objects = ran.objects();
    assert!(
        states(&objects[0]).contains(&("image", "falls back")),
        "{ran:#?}"
    );
    assert!(!empty.exists());
    // A cache that cannot be one.
    let ran = doctor(&file.join("cache"));
    let objects = ran.objects();
    assert!(
        states(&objects[0]).contains(&("cache", "problem")),
        "{ran:#?}"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn figures_are_objects() {
    let ran = memex(&["bench", "turn_pass_us", "--json"]);
    let [figure] = &ran.objects()[..] else {
        panic!("{ran:#?}");
    };
    assert_eq!(
        (&figure["name"], &figure["unit"]),
        (&"turn_pass_us".into(), &"us".into())
    );
    let number = |name: &str| {
        figure[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {figure}"))
    };
    assert!(number("n") >= 200.0, "{figure}");
    assert!(
        number("min") > 0.0 && number("min") <= number("p50") && number("p50") <= number("p99"),
        "{figure}"
    );
    assert!(figure["note"].is_string());
    assert_eq!(ran.status, 0);
}

#[test]
fn figures_can_be_listed_and_compared() {
    let list = memex(&["bench", "--list"]);
    for name in [
        "fresh_print_warm_us",
        "fork100_us",
        "rollouts_per_s",
        "memory_tool_us",
    ] {
        assert!(list.stdout.contains(name), "{name}");
    }
    let ran = memex(&["bench", "nosuch"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:#?}");
    assert!(
        ran.stderr.contains("there is no figure `nosuch`\nhint: "),
        "{ran:#?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let figure = |p50: f64| {
        format!(
            "{{\"name\":\"turn_pass_us\",\"unit\":\"us\",\"n\":200,\"p50\":{p50},\"p99\":90,\"min\":1,\"note\":\"\"}}\n"
        )
    };
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (base, new) = (write("base", figure(40.0)), write("new", figure(20.0)));
    let ran = memex(&["bench", "--compare", &base, &new]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(
        ran.stdout.contains("turn_pass_us") && ran.stdout.contains("0.50"),
        "{ran:#?}"
    );
    let broken = write("broken", "{\"name\":".into());
    let ran = memex(&["bench", "--compare", &base, &broken]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr.contains("broken") && ran.stderr.contains("hint: "),
        "{ran:#?}"
    );
}
