//! Files over E2B's wire: forms, ranges, signatures, and names that lead elsewhere.

use crate::client::Client;
use crate::e2b_client::{CODE, Control, FILES, Port};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

const OCTETS: [(&str, &str); 1] = [("content-type", "application/octet-stream")];

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.extend_from_slice(
            format!("--line\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--line--\r\n");
    body
}

#[test]
fn forms_hold_files_and_nothing_else() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let head = [("content-type", "multipart/form-data; boundary=line")];
    let two = form(&[
        ("file", Some("a"), b"1"),
        ("file", Some("/tmp/b"), b"\0\xff"),
    ]);
    let written = port.send("POST", "/files", &head, &two).expect(200).json();
    assert_eq!(
        (&written[0]["path"], &written[1]["path"]),
        (&json!("/home/user/a"), &json!("/tmp/b"))
    );
    assert_eq!(
        port.send("GET", "/files?path=/tmp/b", &[], b"")
            .expect(200)
            .body,
        b"\0\xff"
    );
    let one = form(&[("file", Some("ignored"), b"x")]);
    let written = port
        .send("POST", "/files?path=named", &head, &one)
        .expect(200)
        .json();
    assert_eq!(written[0]["path"], "/home/user/named");
    for body in [
        form(&[("other", Some("a"), b"1")]),
        form(&[("file", None, b"1")]),
        form(&[]),
        two[..two.len() / 2].to_vec(),
        b"no form".to_vec(),
    ] {
        let answer = port.send("POST", "/files", &head, &body);
        assert_eq!(
            answer.status,
            400,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
    }
    port.send("POST", "/files?path=x", &head, &two).expect(400);
    port.send(
        "POST",
        "/files",
        &[("content-type", "multipart/form-data")],
        b"x",
    )
    .expect(400);
    port.send(
        "POST",
        "/files?path=x",
        &[("content-type", "image/png")],
        b"x",
    )
    .expect(415);
    port.send(
        "POST",
        "/files?path=x",
        &[OCTETS[0], ("x-metadata-a", "b")],
        b"x",
    )
    .expect(400);
    port.send(
        "POST",
        "/files?path=x",
        &[OCTETS[0], ("content-encoding", "br")],
        b"x",
    )
    .expect(415);
    port.send(
        "POST",
        "/files?path=x",
        &[OCTETS[0], ("content-encoding", "gzip")],
        b"no gzip",
    )
    .expect(400);
    port.send("GET", "/files?path=x", &[], b"").expect(404);
}

#[test]
fn files_are_read_whole_or_in_part() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    port.send("POST", "/files?path=large", &OCTETS, &content)
        .expect(200);
    let whole = port.send("GET", "/files?path=large", &[], b"").expect(200);
    assert_eq!(whole.header("content-length"), Some("3000000"));
    assert!(whole.body == content);
    let part = port
        .send(
            "GET",
            "/files?path=large",
            &[("range", "bytes=1048570-1048589")],
            b"",
        )
        .expect(206);
    assert_eq!(
        part.header("content-range"),
        Some("bytes 1048570-1048589/3000000")
    );
    assert_eq!(part.body, content[1_048_570..1_048_590]);
    port.send(
        "GET",
        "/files?path=large",
        &[("range", "bytes=3000000-")],
        b"",
    )
    .expect(416);
    port.send("GET", "/files", &[], b"").expect(400);
    port.send("GET", "/files?path=/home/user", &[], b"")
        .expect(400);
}

/// Whatever a path says, it stays in the sandbox.
#[test]
fn paths_lead_nowhere_else() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let mut code = port.at(&world, CODE);
    code.execute(json!({"code": "import os\nos.symlink('/etc', '/home/user/link')\nos.symlink('loop', '/home/user/loop')"}));
    for path in ["a%00b", "%00", &"x".repeat(5_000)] {
        port.send("GET", &format!("/files?path={path}"), &[], b"")
            .expect(400);
        port.send("POST", &format!("/files?path={path}"), &OCTETS, b"x")
            .expect(400);
    }
    for path in [
        "/etc/passwd",
        "../../../../etc/passwd",
        "link/passwd",
        "/proc/self/environ",
        "loop",
    ] {
        let answer = port.send("GET", &format!("/files?path={path}"), &[], b"");
        assert!(
            [400, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    port.send("POST", "/files?path=/lib/python3.13/os.py", &OCTETS, b"x")
        .expect(403);
    port.send("POST", "/files?path=../../tmp/inside", &OCTETS, b"x")
        .expect(200);
    assert_eq!(code.value("open('/tmp/inside').read()"), "'x'");
}

#[test]
fn a_full_sandbox_takes_no_more_and_keeps_what_it_has() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    port.send("POST", "/files?path=kept", &OCTETS, b"kept")
        .expect(200);
    let piece = vec![1_u8; 60 << 20];
    let mut is_full = false;
    for n in 0..20 {
        let answer = port.send("POST", &format!("/files?path=f{n}"), &OCTETS, &piece);
        if answer.status == 507 {
            is_full = true;
            break;
        }
        answer.expect(200);
    }
    assert!(is_full, "1.2 GB fit");
    assert_eq!(
        port.send("GET", "/files?path=kept", &[], b"")
            .expect(200)
            .body,
        b"kept"
    );
    port.call("filesystem.Filesystem/Remove", json!({"path": "f0"}))
        .expect(200);
    port.send("POST", "/files?path=again", &OCTETS, b"x")
        .expect(200);
}

fn sign(path: &str, operation: &str, token: &str, end: Option<u64>) -> String {
    let end = end.map(|end| format!(":{end}")).unwrap_or_default();
    let digest = Sha256::digest(format!("{path}:{operation}::{token}{end}"));
    let signature = format!("v1_{}", STANDARD_NO_PAD.encode(digest));
    signature.replace('+', "%2B").replace('/', "%2F")
}

#[test]
fn forged_and_expired_signatures_open_nothing() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let mut port = control.port(&world, FILES);
    let foreign = Control::new(&world, "b").create(json!({}));
    port.send("POST", "/files?path=a", &OCTETS, b"secret")
        .expect(200);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let token = port.token.clone();
    let mut stranger = Port::of(
        &world,
        &json!({"sandboxID": port.sandbox, "envdAccessToken": ""}),
        FILES,
    );
    let read = sign("a", "read", &token, Some(now + 60));
    let url = |signature: &str, end: u64| {
        format!("/files?path=a&signature={signature}&signature_expiration={end}")
    };

    assert_eq!(
        stranger
            .send("GET", &url(&read, now + 60), &[], b"")
            .expect(200)
            .body,
        b"secret"
    );
    // Without the sandbox's name, as a client with one address makes it.
    assert_eq!(
        Client::new(world.address, "")
            .get(&url(&read, now + 60))
            .expect(200)
            .body,
        b"secret"
    );

    let foreign_token = foreign["envdAccessToken"].as_str().unwrap();
    for (method, url) in [
        ("GET", url(&read, now + 61)),
        (
            "GET",
            url(&sign("a", "read", &token, Some(now - 1)), now - 1),
        ),
        (
            "GET",
            url(&sign("b", "read", &token, Some(now + 60)), now + 60),
        ),
        (
            "GET",
            url(&sign("a", "write", &token, Some(now + 60)), now + 60),
        ),
        ("GET", url(&sign("a", "read", "", Some(now + 60)), now + 60)),
        (
            "GET",
            url(&sign("a", "read", foreign_token, Some(now + 60)), now + 60),
        ),
        ("GET", url("v1_", now + 60)),
        ("GET", url("", now + 60)),
        ("POST", url(&read, now + 60)),
        ("GET", format!("/files?path=a&signature={read}")),
        (
            "GET",
            format!(
                "/files?path=a&username=root&signature={}",
                sign("a", "read", &token, None)
            ),
        ),
    ] {
        stranger.send(method, &url, &OCTETS, b"x").expect(401);
    }
    // Another sandbox's signature, without a name: its own sandbox has no such file.
    let url = format!(
        "/files?path=a&signature={}",
        sign("a", "read", foreign_token, None)
    );
    Client::new(world.address, "").get(&url).expect(404);
    assert_eq!(
        port.send("GET", "/files?path=a", &[], b"").expect(200).body,
        b"secret"
    );
    // Two queries of one name are no query.
    stranger
        .send(
            "GET",
            &format!("/files?path=a&path=b&signature={read}"),
            &[],
            b"",
        )
        .expect(400);
}
