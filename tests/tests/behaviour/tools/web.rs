//! Code for the web, on top of a tool called `fetch`.

use super::host::{Answer, Awaiting, Tool, session};
use memex_tests::{check_turns, raises, value};
use serde_json::{Value, json};

const FETCH: &str = r#"
class Reply(Record):
    status: int
    reason: str
    url: str
    headers: list[Any]
    body: bytes

def fetch(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None, timeout_s: float | None = None, *, follow_redirects: bool = True) -> Reply:
    """Fetches a URL."""
    return _call("fetch", {"url": url, "method": method, "headers": headers, "body": body, "timeout_s": timeout_s, "follow_redirects": follow_redirects}, fetch)
"#;

const TOOLS: &[Tool] = &[Tool {
    name: "fetch",
    source: FETCH,
    awaiting: Awaiting::Later,
    answer,
}];

/// Answers with what was asked for, as JSON; some paths have a meaning.
fn answer(arguments: &Value, parts: &[&[u8]]) -> Result<Answer, (&'static str, &'static str)> {
    assert_eq!(
        arguments["follow_redirects"], false,
        "libraries follow themselves"
    );
    let url = arguments["url"].as_str().unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let sent = parts
        .first()
        .map(|part| String::from_utf8_lossy(part).into_owned());
    let (status, reason, headers, body) = match path.split('?').next().unwrap_or_default() {
        "denied" => return Err(("PermissionError", "fetch: host not granted")),
        "slow" => return Err(("TimeoutError", "fetch took longer than 1 s")),
        "missing" => (404, "Not Found", json!([]), b"nothing".to_vec()),
        "there" => (302, "Found", json!([["Location", "/here"]]), Vec::new()),
        "text" => (
            200,
            "OK",
            json!([
                ["Content-Type", "text/plain; charset=iso-8859-1"],
                ["Transfer-Encoding", "chunked"]
            ]),
            b"caf\xe9\nb".to_vec(),
        ),
        _ => {
            let seen = json!({"url": url, "method": arguments["method"], "headers": arguments["headers"], "body": sent, "timeout_s": arguments["timeout_s"]});
            let headers = json!([
                ["Content-Type", "application/json"],
                ["Set-Cookie", "a=1; Path=/"],
                ["X-Two", "1"],
                ["X-Two", "2"]
            ]);
            (200, "OK", headers, seen.to_string().into_bytes())
        }
    };
    let result = json!({"status": status, "reason": reason, "url": url, "headers": headers, "body": {"$part": 0}});
    Ok((result, vec![body]))
}

#[test]
fn the_standard_library_fetches() {
    let (mut session, _) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            (
                "import urllib.request, json\nwith urllib.request.urlopen('https://a.example/x?q=1') as r:\n    seen = json.load(r)\nr.status, seen['url'], seen['method'], r.headers['content-type']",
                value("(200, 'https://a.example/x?q=1', 'GET', 'application/json')"),
            ),
            (
                "r = urllib.request.Request('http://a.example:8080/x', data=b'd=1', headers={'X-Key': 'k'}, method='PUT')\nseen = json.load(urllib.request.urlopen(r, timeout=3))\nseen['url'], seen['method'], seen['body'], seen['headers']['X-Key'], seen['timeout_s']",
                value("('http://a.example:8080/x', 'PUT', 'd=1', 'k', 3)"),
            ),
            (
                "json.load(urllib.request.urlopen('http://a.example/there'))['url']",
                value("'http://a.example/here'"),
            ),
            (
                "urllib.request.urlopen('http://a.example/missing')",
                raises("urllib.error.HTTPError", &["HTTP Error 404: Not Found"]),
            ),
            (
                "urllib.request.urlopen('http://a.example/denied')",
                raises("urllib.error.URLError", &["host not granted"]),
            ),
            (
                "import http.client\nc = http.client.HTTPSConnection('b.example', timeout=2)\nc.request('POST', '/y', body=iter([b'ab', b'cd']), headers={'A': 'b'}, encode_chunked=True)\nr = c.getresponse()\nseen = json.loads(r.read())\nr.status, r.reason, r.getheader('x-two'), seen['url'], seen['body']",
                value("(200, 'OK', '1, 2', 'https://b.example/y', 'abcd')"),
            ),
            (
                "c.request('HEAD', '/text')\nr = c.getresponse()\nr.read(), r.status",
                value("(b'', 200)"),
            ),
            (
                "import pandas as pd\npd.read_csv('https://a.example/text', encoding='latin-1').columns.tolist()",
                value("['café']"),
            ),
        ],
    );
}

#[test]
fn requests_fetches() {
    let (mut session, log) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            (
                "import requests\nr = requests.get('https://a.example/x', params={'q': 'a b', 'n': [1, 2]}, headers={'X-Key': 'k'}, timeout=(1, 2))\nseen = r.json()\nr.status_code, r.ok, r.reason, seen['url'], seen['headers']['X-Key'], seen['timeout_s'], r.headers['CONTENT-type'], dict(r.cookies)",
                value(
                    "(200, True, 'OK', 'https://a.example/x?q=a+b&n=1&n=2', 'k', 3, 'application/json', {'a': '1'})",
                ),
            ),
            (
                "seen = requests.post('https://a.example/x', json={'a': [1]}).json()\nseen['method'], seen['body'], seen['headers']['Content-Type']",
                value("('POST', '{\"a\": [1]}', 'application/json')"),
            ),
            (
                "seen = requests.put('https://a.example/x', data={'a': 'b c'}, auth=('u', 'p')).json()\nseen['body'], seen['headers']['Authorization'], seen['headers']['Content-Type']",
                value("('a=b+c', 'Basic dTpw', 'application/x-www-form-urlencoded')"),
            ),
            (
                "r = requests.get('https://a.example/text')\nr.text, r.encoding, list(r.iter_lines()), r.content[:3]",
                value("('café\\nb', 'iso-8859-1', [b'caf\\xe9', b'b'], b'caf')"),
            ),
            (
                "r = requests.get('https://a.example/there')\nr.url, [h.status_code for h in r.history], requests.get('https://a.example/there', allow_redirects=False).status_code",
                value("('https://a.example/here', [302], 302)"),
            ),
            (
                "r = requests.get('https://a.example/missing')\nbool(r), r.status_code == requests.codes.not_found, repr(r)",
                value("(False, True, '<Response [404]>')"),
            ),
            (
                "r.raise_for_status()",
                raises(
                    "requests.exceptions.HTTPError",
                    &["404 Client Error: Not Found for url: https://a.example/missing"],
                ),
            ),
            (
                "requests.get('https://a.example/slow')",
                raises("requests.exceptions.ReadTimeout", &["longer than 1 s"]),
            ),
            (
                "try:\n    requests.get('https://a.example/denied')\nexcept requests.exceptions.RequestException as e:\n    kind = type(e).__name__, str(e)\nkind",
                value("('ConnectionError', 'fetch: host not granted')"),
            ),
            (
                "requests.get('a.example')",
                raises(
                    "requests.exceptions.MissingSchema",
                    &["perhaps you meant https://a.example?"],
                ),
            ),
            (
                "requests.get('https://a.example/text').json()",
                raises("requests.exceptions.JSONDecodeError", &["Expecting value"]),
            ),
            (
                "with requests.Session() as s:\n    s.headers['X-All'] = '1'\n    s.params = {'key': 'z'}\n    s.get('https://a.example/x')\n    seen = s.get('https://a.example/y', params={'p': 1}).json()\nseen['url'], seen['headers']['X-All'], seen['headers']['Cookie']",
                value("('https://a.example/y?key=z&p=1', '1', 'a=1')"),
            ),
            (
                "seen = requests.post('https://a.example/x', files={'f': ('n.txt', b'data')}, data={'k': 'v'}).json()\n'filename=\"n.txt\"' in seen['body'] and 'name=\"k\"' in seen['body']",
                value("True"),
            ),
            (
                "!pip install requests",
                memex_tests::prints("already available: requests\n"),
            ),
            (
                "import pathlib, sys, importlib\npathlib.Path('requests.py').write_text('mine = 1')\nsys.path.insert(0, '.')\n[sys.modules.pop(n) for n in list(sys.modules) if n.partition('.')[0] == 'requests']\nimport requests\nrequests.mine",
                value("1"),
            ),
        ],
    );
    let log = log.lock().unwrap();
    assert_eq!(log.asked[0]["names"], json!(["fetch"]));
}
