//! The console's files: what they are sent with, and what they do not hold.
//! `server/run-console.sh` opens it in a browser.

use crate::world::World;

#[test]
fn the_console_is_one_page_that_loads_nothing_else() {
    let world = World::new();
    let mut client = world.client_with("");
    for (path, kind) in [
        ("/console", "text/html"),
        ("/console/app.js", "text/javascript"),
        ("/console/style.css", "text/css"),
    ] {
        let answer = client.get(path).expect(200);
        assert!(
            answer.header("content-type").unwrap().starts_with(kind),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("set-cookie"), None);
        let text = String::from_utf8(answer.body).unwrap();
        // Nothing from elsewhere, nothing that the policy would have to permit, and no way
        // for what a sandbox says to become markup.
        for absent in [
            "http://",
            "https://",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "onclick=",
            "style=",
        ] {
            assert!(!text.contains(absent), "{path} holds {absent:?}");
        }
    }
    let root = client.get("/");
    assert_eq!(
        (root.status, root.header("location")),
        (307, Some("/console"))
    );
    client.get("/console/other").problem(404, "no-route");
}
