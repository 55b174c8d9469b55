use super::Home;

#[test]
fn the_report_is_the_same_for_people_and_programs() {
    let home = Home::new();
    let report: serde_json::Value =
        serde_json::from_str(&home.run(&["doctor", "--json"]).stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let text = home.run(&["doctor"]).stdout;
    for name in [
        "platform",
        "memory",
        "address space",
        "changed pages",
        "tool processes",
        "cache",
        "image",
    ] {
        let check = checks.iter().find(|check| check["name"] == name);
        let state = check.unwrap_or_else(|| panic!("no check {name}"))["state"]
            .as_str()
            .unwrap();
        assert!(["ok", "falls back", "problem"].contains(&state), "{state}");
        let line = text
            .lines()
            .find(|line| line.contains(&format!("  {name} ")));
        assert!(
            line.is_some_and(|line| line.starts_with(state)),
            "{name} in {text}"
        );
    }
    // Looking must not leave anything behind.
    assert!(!home.path().join(".cache").exists());
}

#[test]
fn a_cache_that_others_can_write_is_a_problem() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let cache = home.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o770)).unwrap();
    let ran = home.run(&["doctor", "--cache", "cache"]);
    assert_eq!(ran.status, 1);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains("  cache "))
        .unwrap();
    assert!(line.starts_with("problem"), "{line}");
    assert!(ran.stdout.contains("hint: `chmod"), "{}", ran.stdout);
}
