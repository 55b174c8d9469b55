use super::{Home, Ran};

const PLACE: &str = ".config/memex/config.toml";

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, texts) in [
        (
            "polcy = 'compute'",
            &["line 1, column 1", "polcy", "`policy`"][..],
        ),
        ("\n\ncolor = 'blue'", &["line 3", "blue"]),
        ("stats = 1", &["line 1", "boolean"]),
        ("preload = 1", &["line 1", "a text or a list of texts"]),
        ("policy = [", &["line 1"]),
    ] {
        let home = Home::new();
        home.write(PLACE, text);
        home.run(&["policy", "presets"])
            .is_usage(&[&["config.toml"], texts].concat());
        // Another file in its place, and the mistake does not matter.
        home.write("empty.toml", "");
        assert_eq!(
            home.run(&["policy", "presets", "--config", "empty.toml"])
                .status,
            0
        );
    }
    Home::new()
        .run(&["policy", "presets", "--config", "absent.toml"])
        .is_usage(&["absent.toml", "--config"]);
}

#[test]
fn a_configuration_is_read_whole_or_refused() {
    let home = Home::new();
    // The policy would be past what is read.
    let line = "# a comment\n";
    home.write(
        PLACE,
        &(line.repeat((1 << 20) / line.len() + 1) + "policy = 'compute'\n"),
    );
    home.run(&["policy", "presets"])
        .is_usage(&["config.toml", "1 MiB"]);
    home.write(PLACE, line.repeat((1 << 20) / line.len()));
    assert_eq!(home.run(&["policy", "presets"]).status, 0);
}

#[test]
fn flag_over_environment_over_file() {
    let home = Home::new();
    home.write(PLACE, "cache = 'from-file'");
    let check = |environment: Option<&str>, flag: Option<&str>, expected: &str| {
        let mut command = home.command(&["image", "list"]);
        command.envs(environment.map(|value| ("MEMEX_CACHE", value)));
        command.args(flag.iter().flat_map(|value| ["--cache", value]));
        let ran = Ran::of(command.output().unwrap());
        let line = ran.stderr.lines().next().unwrap_or_default();
        assert!(line.ends_with(expected), "{line}");
    };
    check(None, None, ".config/memex/from-file");
    check(Some("from-environment"), None, "from-environment");
    check(Some("from-environment"), Some("from-flag"), "from-flag");
}

#[test]
fn the_inputs_of_images_of_the_file_are_taken() {
    let home = Home::new();
    for (file, expected) in [
        ("cpu = 'z80'", &["z80", "x86-64-v3"][..]),
        (
            "secret_file = 'fleet.key'",
            &[".config/memex/fleet.key", "urandom"],
        ),
        ("secret_file = 'short.key'", &["too short", "32"]),
        ("boot_time = 99999999999", &["boot_time", "99999999999"]),
    ] {
        home.write(PLACE, file);
        home.write(".config/memex/short.key", "short");
        home.run(&["image", "path"]).is_usage(expected);
    }
    // A flag is nearer than the file.
    home.write(PLACE, "secret_file = 'absent.key'\ncpu = 'z80'");
    home.run(&["image", "list", "--cpu", "native"]);
    assert_eq!(home.run(&["image", "list", "--cpu", "native"]).status, 0);
}

#[test]
fn the_policy_of_the_file_is_the_default() {
    let home = Home::new();
    home.write(PLACE, "policy = ['team.toml', 'stricter.toml']");
    home.write(
        ".config/memex/team.toml",
        "version = 1\nname = 'team'\nlimits.turns = 50",
    );
    home.write(
        ".config/memex/stricter.toml",
        "version = 1\nlimits.turns = 5",
    );
    let ran = home.run(&["policy", "show", "--toml"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name = \"team\""), "{}", ran.stdout);
    assert!(ran.stdout.contains("turns = 5\n"), "{}", ran.stdout);
    let ran = home.run(&["policy", "show", "compute", "--toml"]);
    assert!(!ran.stdout.contains("team"), "{}", ran.stdout);
}

#[test]
fn colours_where_they_are_wanted() {
    let home = Home::new();
    let is_colored = |arguments: &[&str]| {
        let ran = home.run(&[&["policy", "presets"], arguments].concat());
        ran.stdout.contains("\x1b[")
    };
    assert!(!is_colored(&[]));
    assert!(is_colored(&["--color", "always"]));
    home.write(PLACE, "color = 'always'");
    assert!(is_colored(&[]));
    assert!(!is_colored(&["--color", "never"]));
}
