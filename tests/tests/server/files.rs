//! Files over HTTP.

use crate::client::Answer;
use crate::world::World;
use serde_json::{Value, json};

#[test]
fn files_go_in_and_out_and_code_sees_them() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let path = format!("{sandbox}/files?path=/home/user/deep/er/data.bin");
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let written = client.put(&path, &content).expect(200).json();
    assert_eq!(
        (&written["kind"], &written["bytes"]),
        (&json!("file"), &json!(3_000_000))
    );
    let read = "import hashlib\nopen('/home/user/deep/er/data.bin','rb').seek(0,2), len(open('deep/er/data.bin','rb').read()) if __import__('os').chdir('/home/user') is None else 0";
    assert_eq!(client.value(&sandbox, read), "(3000000, 3000000)");
    assert_eq!(client.get(&path).expect(200).body, content);
    client.value(&sandbox, "open('/tmp/out.txt','w').write('from code')");
    let read = client
        .get(&format!("{sandbox}/files?path=/tmp/out.txt"))
        .expect(200);
    assert_eq!(read.body, b"from code");
    assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(read.header("content-disposition"), Some("attachment"));
    // Relative paths begin at home.
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=deep/er/data.bin"))
            .expect(200)
            .body
            .len(),
        3_000_000
    );
}

#[test]
fn parts_of_files_are_read() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let path = format!("{sandbox}/files?path=/tmp/a");
    client.put(&path, b"0123456789").expect(200);
    let mut part = |range: &str| -> Answer { client.send("GET", &path, &[("range", range)], b"") };
    let middle = part("bytes=2-4").expect(206);
    assert_eq!(
        (middle.body.as_slice(), middle.header("content-range")),
        (&b"234"[..], Some("bytes 2-4/10"))
    );
    assert_eq!(part("bytes=-2").expect(206).body, b"89");
    assert_eq!(part("bytes=7-").expect(206).body, b"789");
    let none = part("bytes=10-").expect(416);
    assert_eq!(none.header("content-range"), Some("bytes */10"));
    assert_eq!(part("bytes=4-2").expect(200).body, b"0123456789");
}

#[test]
fn a_listing_is_bounded_in_the_bytes_of_its_paths() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(
        &sandbox,
        "import os\nat = '/tmp/d/' + '/'.join(['n' * 240] * 10)\n\
         os.makedirs(at)\n[open(f'{at}/{n}', 'w').close() for n in range(600)]\n1",
    );
    let list = format!("{sandbox}/folders?path=/tmp/d&depth=64");
    assert_eq!(
        client
            .get(&list)
            .expect(200)
            .json()
            .as_array()
            .unwrap()
            .len(),
        610
    );
    client.value(
        &sandbox,
        "[open(f'{at}/{n}', 'w').close() for n in range(2_000)]\n1",
    );
    client.get(&list).problem(400, "invalid-path");
    // As many short ones are few bytes.
    client.value(
        &sandbox,
        "os.mkdir('/tmp/s')\n[open(f'/tmp/s/{n}', 'w').close() for n in range(1_500)]\n1",
    );
    let short = format!("{sandbox}/folders?path=/tmp/s");
    assert_eq!(
        client
            .get(&short)
            .expect(200)
            .json()
            .as_array()
            .unwrap()
            .len(),
        1_500
    );
}

#[test]
fn folders_are_listed_made_moved_and_removed() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    for name in ["b/x", "b/c/y", "a"] {
        client
            .put(&format!("{sandbox}/files?path=/tmp/t/{name}"), b"1")
            .expect(200);
    }
    let mut listed = |path: &str| -> Vec<String> {
        let entries = client
            .get(&format!("{sandbox}/folders?path={path}"))
            .expect(200)
            .json();
        let paths = entries.as_array().unwrap().iter();
        paths
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(listed("/tmp/t"), ["/tmp/t/a", "/tmp/t/b"]);
    assert_eq!(listed("/tmp/t&depth=9").len(), 5);
    let folder = format!("{sandbox}/folders?path=/tmp/new/er");
    let made = client.send("PUT", &folder, &[], b"").expect(200).json();
    assert_eq!(made["made"], true);
    assert_eq!(
        client.send("PUT", &folder, &[], b"").expect(200).json()["made"],
        false
    );
    let moved = json!({ "from": "/tmp/t/b", "to": "/tmp/new/b" });
    client
        .post(&format!("{sandbox}/files/move"), moved)
        .expect(200);
    client
        .get(&format!("{sandbox}/files?path=/tmp/t/b/x"))
        .problem(404, "no-such-file");
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=/tmp/new/b/c/y"))
            .expect(200)
            .body,
        b"1"
    );
    client
        .delete(&format!("{sandbox}/files?path=/tmp/new"))
        .expect(204);
    client
        .get(&format!("{sandbox}/files/info?path=/tmp/new"))
        .problem(404, "no-such-file");
    assert_eq!(
        client.value(&sandbox, "import os\nsorted(os.listdir('/tmp/t'))"),
        "['a']"
    );
}

#[test]
fn what_paths_cannot_do_is_told_exactly() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client
        .put(&format!("{sandbox}/files?path=/tmp/f"), b"1")
        .expect(200);
    let long = "x".repeat(5000);
    let component = "y".repeat(300);
    for (method, path, status, code) in [
        ("GET", "/tmp", 400, "invalid-request"),
        ("GET", "/nowhere/at/all", 404, "no-such-file"),
        ("GET", "/tmp/f/below", 400, "not-a-folder"),
        ("GET", "a%00b", 400, "invalid-request"),
        ("GET", "", 400, "invalid-request"),
        ("GET", long.as_str(), 400, "invalid-request"),
        ("GET", component.as_str(), 400, "invalid-path"),
        // `..` stays within the sandbox, which has no such file.
        ("GET", "../../../../etc/passwd", 404, "no-such-file"),
        ("PUT", "/tmp", 400, "is-folder"),
        ("PUT", "/tmp/f/below", 400, "not-a-folder"),
        ("PUT", "/etc/x", 403, "read-only"),
        ("DELETE", "/tmp", 403, "read-only"),
        ("DELETE", "/", 403, "read-only"),
    ] {
        let answer = client.send(method, &format!("{sandbox}/files?path={path}"), &[], b"x");
        let shown: String = path.chars().take(40).collect();
        assert_eq!(
            answer.status,
            status,
            "{method} {shown}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        answer.problem(status, code);
    }
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=/tmp/f"))
            .expect(200)
            .body,
        b"1"
    );
}

#[test]
fn a_file_that_does_not_fit_leaves_the_old_one() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "limits": { "file_bytes": 100_000 } }));
    let path = format!("{sandbox}/files?path=/tmp/f");
    client.put(&path, &[1; 40_000]).expect(200);
    client.put(&path, &[2; 200_000]).problem(507, "no-space");
    assert_eq!(client.get(&path).expect(200).body, [1; 40_000]);
    let left: Value = client
        .get(&format!("{sandbox}/folders?path=/tmp"))
        .expect(200)
        .json();
    assert_eq!(
        left.as_array().unwrap().len(),
        1,
        "no half of it is left: {left}"
    );
    // The turn after it meets no limit.
    assert_eq!(client.value(&sandbox, "1"), "1");
    client.put(&path, &[3; 40_000]).expect(200);
}

/// No code of the guest runs when files are looked at: what it makes of its own
/// interpreter changes nothing.
#[test]
fn code_does_not_change_what_files_look_like() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "import builtins, os\nopen('/tmp/f','w').write('true')\nos.listdir = lambda *a: ['lie']\nbuiltins.open = None");
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=/tmp/f"))
            .expect(200)
            .body,
        b"true"
    );
    let listed = client
        .get(&format!("{sandbox}/folders?path=/tmp"))
        .expect(200)
        .json();
    assert_eq!(listed[0]["name"], "f");
}

#[test]
fn a_link_is_read_where_it_leads_within_the_sandbox() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "import os\nopen('/tmp/f','w').write('1')\nos.symlink('/tmp/f','/tmp/l')\nos.symlink('/etc/hostname','/tmp/out')");
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=/tmp/l"))
            .expect(200)
            .body,
        b"1"
    );
    client
        .get(&format!("{sandbox}/files?path=/tmp/out"))
        .problem(404, "no-such-file");
    let info = client
        .get(&format!("{sandbox}/files/info?path=/tmp/l"))
        .expect(200)
        .json();
    assert_eq!(
        (&info["kind"], &info["target"]),
        (&json!("link"), &json!("/tmp/f"))
    );
}
