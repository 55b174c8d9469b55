use super::{Home, Ran};
use std::os::unix::ffi::OsStrExt;

/// Everything that is wrong with arguments is told before an image is built.
#[test]
fn refusals_name_the_thing_and_the_remedy() {
    let home = Home::new();
    home.write("good.py", "x = 1\n");
    home.write("latin.py", b"x = 1\ny = '\xe9'\n");
    home.write("data/table.csv", "a,b\n");
    for (arguments, texts) in [
        (
            &["run", "absent.py"][..],
            &["absent.py", "No such file"][..],
        ),
        (
            &["run", "good.py", "data"],
            &["cannot read data", "directory", "--mount"],
        ),
        (
            &["run", "latin.py"],
            &["latin.py is not UTF-8", "byte 11, on line 2"],
        ),
        (&["run", "-", "-c", "1", "-"], &["`-` is given twice"]),
        (
            &["run", "-c", "1", "--mount", "data"],
            &["HOST:GUEST", "data"],
        ),
        (
            &["run", "-c", "1", "--mount", "data:relative"],
            &["absolute GUEST"],
        ),
        (
            &["run", "-c", "1", "--mount", "absent:/data"],
            &["absent", "/data", "create it"],
        ),
        (
            &["run", "-c", "1", "--mount", "good.py:/data"],
            &["good.py", "not a directory"],
        ),
        (
            &["run", "-c", "1", "--mount", "data:/tmp"],
            &["--mount", "/tmp"],
        ),
        (
            &[
                "run",
                "-c",
                "1",
                "--mount",
                "data:/data:rw",
                "--policy",
                "read-files",
            ],
            &["`read-files`", "read-write", "--policy workspace"],
        ),
        (
            &["run", "-c", "1", "--limit", "guest_time=1s"],
            &["`guest_time`", "guest_time_ms"],
        ),
        (
            &["run", "-c", "1", "--limit", "guest_time_ms=soon"],
            &["soon", "250ms"],
        ),
        (
            &["run", "-c", "1", "--limit", "turns=0"],
            &["minimum is 1", "memex policy limits"],
        ),
        (&["run", "-c", "1", "--limit", "turns"], &["NAME=VALUE"]),
        (
            &[
                "run",
                "-c",
                "1",
                "--policy",
                "deny-all",
                "--limit",
                "memory_bytes=2GiB",
            ],
            &["`deny-all`", "--policy compute"],
        ),
        (
            &["run", "-c", "1", "--env", "PYTHONPATH=/x"],
            &["--env", "PYTHONPATH"],
        ),
        (
            &["run", "-c", "1", "--policy", "absent.toml"],
            &["absent.toml", "presets"],
        ),
        (
            &["run", "-c", "1", "--out", "good.py"],
            &["--out: good.py: File exists"],
        ),
        (&["run", "-c", "1", "--color", "blue"], &["blue", "always"]),
        (
            &["run", "--preload", "x", "--image", "y", "-c", "1"],
            &["cannot be used with"],
        ),
        (&["image", "path"], &["is not built", "memex image build"]),
        (
            &["image", "path", "--preload", "a b"],
            &["`a b`", "import statement"],
        ),
        (
            &["image", "verify", "feed"],
            &["`feed`", "memex image list"],
        ),
        (
            &["image", "build", "--wheel", "absent.whl"],
            &["absent.whl"],
        ),
        (&["run", "-c", "1", "--cpu", "z80"], &["z80", "x86-64-v3"]),
        (
            &["image", "path", "--secret-file", "absent.key"],
            &["absent.key", "/dev/urandom"],
        ),
        (
            &["image", "build", "--boot-time", "99999999999"],
            &["99999999999"],
        ),
        (
            &["image", "build", "--new-secret", "--secret-file", "good.py"],
            &["cannot be used with"],
        ),
        (&["image", "pull"], &["URL"]),
        (
            &["image", "pull", "ftp://host"],
            &["ftp://host", "s3://BUCKET"],
        ),
        (&["image", "push", "file:///tmp", "feed"], &["`feed`"]),
        (&["bogus"], &["bogus"]),
    ] {
        home.run(arguments).is_usage(texts);
    }
}

#[test]
fn code_that_is_not_utf8_is_refused() {
    let home = Home::new();
    let mut command = home.command(&["run", "-c"]);
    command.arg(std::ffi::OsStr::from_bytes(b"'\xff'"));
    Ran::of(command.output().unwrap()).is_usage(&["-c", "not UTF-8"]);
}

#[test]
fn every_command_teaches_with_examples() {
    let home = Home::new();
    for command in [
        &[][..],
        &["run"],
        &["repl"],
        &["image"],
        &["image", "build"],
        &["image", "list"],
        &["image", "verify"],
        &["image", "path"],
        &["image", "push"],
        &["image", "pull"],
        &["policy"],
        &["policy", "show"],
        &["policy", "check"],
        &["policy", "presets"],
        &["policy", "limits"],
        &["doctor"],
        &["completions"],
    ] {
        let ran = home.run(&[command, &["--help"]].concat());
        assert_eq!(ran.status, 0, "{command:?}");
        assert!(ran.stdout.contains("Examples:"), "{command:?}");
        assert!(ran.stdout.contains("memex "), "{command:?}");
    }
}

#[test]
fn a_cache_that_others_can_write_is_a_host_fault() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let cache = home.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = home.run(&["run", "-c", "1", "--cache", "cache"]);
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cache can be written by others"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: `chmod"), "{}", ran.stderr);

    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    let ran = home.run(&["image", "list", "--cache", "cache"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home
        .command(&["policy", "limits"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(output.stderr, b"");
}
