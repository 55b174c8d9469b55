"""`requests`, `urllib` and `http.client` on top of a tool called `fetch`."""

import json
import sys
import unittest

import harness
from harness import run
from memex_guest import packages
from toolhost import serve

FETCH = '''
def fetch(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None, timeout_s: float | None = None) -> dict:
    """Fetches."""
    return _call("fetch", {"url": url, "method": method, "headers": headers, "body": body, "timeout_s": timeout_s}, fetch)
'''


def fetched(given, parts):
    """Answers with what was asked for."""
    seen = {**given, "body": parts[0].decode("latin-1") if parts else None}
    answer = {"status": 200, "reason": "OK", "url": given["url"], "headers": [["content-type", "application/json"]], "body": {"$part": 0}}
    return 0, {"result": answer}, (json.dumps(seen).encode(),)


def moved(given, parts):
    """A host that sets a cookie, one that sends elsewhere, and all that say what they were asked with."""
    way, _, place = given["url"].partition("?to=")
    headers = [["location", place]] if place else [["set-cookie", "name=of-" + way.split("/")[2].split(".")[0] + (way.endswith("/wide") and "; Domain=h.test" or "")]]
    seen = {name: value for name, value in (given["headers"] or {}).items() if name in ("Cookie", "Authorization")}
    answer = {"status": 302 if place else 200, "reason": "", "url": way, "headers": headers, "body": {"$part": 0}}
    return 0, {"result": answer}, (json.dumps(seen).encode(),)


class Web(unittest.TestCase):
    def setUp(self):
        # A real `requests` of this machine would win.
        sys.meta_path.insert(0, packages.Finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == "requests"]:
            del sys.modules[name]

    def tearDown(self):
        sys.meta_path.remove(packages.Finder)
        harness.tools = None

    def check(self, cases):
        for source, expected in cases:
            with self.subTest(source):
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                self.assertEqual(result.value, expected)

    def test_requests(self):
        serve({"fetch": FETCH}, {"fetch": fetched})
        run("import requests")
        self.check([
            ("requests.get('http://h/p', params={'a': ['1', 2], 'b': None}).json()['url']", "'http://h/p?a=1&a=2'"),
            ("requests.get('http://h/p?x=1#f', params='y=2').json()['url']", "'http://h/p?x=1&y=2#f'"),
            ("r = requests.post('http://h', data='text', headers={'Host': 'other', 'X': b'1'}).json()\nr['body'], 'Host' in r['headers'], r['headers']['X']", "('text', False, '1')"),
            ("requests.request('patch', 'http://h', json={'a': 1}).json()['method']", "'PATCH'"),
            ("requests.delete('http://h', cookies={'a': 'b'}).json()['headers']['Cookie']", "'a=b'"),
            ("[r.status_code for r in (requests.put('http://h'), requests.head('http://h'), requests.options('http://h'))]", "[200, 200, 200]"),
            ("from requests.exceptions import HTTPError, RequestException\nfrom requests.auth import HTTPBasicAuth\nissubclass(HTTPError, RequestException) and requests.HTTPError is HTTPError", "True"),
            ("sorted(n for n in dir(requests) if n[0] != '_' and n.islower())[:8]", "['adapters', 'api', 'auth', 'codes', 'delete', 'exceptions', 'get', 'head']"),
        ])

    def test_what_is_meant_for_a_host_goes_to_no_other(self):
        serve({"fetch": FETCH}, {"fetch": moved})
        run("import requests\ndef seen(url, **k): return s.get(url, **k).json()\nbasic = 'Basic dTpw'")
        self.check([
            # What a host has set goes back to it alone, and to those below it where it says so.
            ("s = requests.Session()\nseen('https://a.h.test/'), seen('https://a.h.test/'), seen('https://b.h.test/')", "({}, {'Cookie': 'name=of-a'}, {})"),
            ("s = requests.Session()\nseen('https://a.h.test/wide'), seen('https://b.h.test/'), seen('https://h.test.evil/')", "({}, {'Cookie': 'name=of-a'}, {})"),
            ("s = requests.Session()\nseen('https://evil.test/wide'), seen('https://a.h.test/')", "({}, {})"),
            # What code has set goes where it sends it, and is not lost by being of the same name.
            ("s = requests.Session()\ns.cookies['mine'] = '1'\nseen('https://a.h.test/'), seen('https://evil.test/')", "({'Cookie': 'mine=1'}, {'Cookie': 'mine=1'})"),
            ("s = requests.Session()\ns.cookies = {'mine': '1'}\nseen('https://a.h.test/')", "{'Cookie': 'mine=1'}"),
            # A redirect leaves behind what was given for one place, and where TLS ends.
            ("[requests.get('https://h.test/?to=' + to, auth=('u', 'p'), cookies={'c': '1'}).json() for to in ('https://h.test/2', 'http://h.test/', 'https://evil.test/')]",
             "[{'Authorization': 'Basic dTpw', 'Cookie': 'c=1'}, {}, {}]"),
            ("s = requests.Session()\nseen('http://h.test/?to=https://h.test/', headers={'Cookie': 'c=1'}), seen('https://h.test/?to=http://h.test/', headers={'Cookie': 'c=1', 'Authorization': 'x'})",
             "({'Cookie': 'c=1'}, {'Cookie': 'name=of-h'})"),
            ("s, t = requests.Session(), requests.Session()\nseen('https://a.h.test/')\nt.cookies.update(s.cookies)\nt.get('https://evil.test/').json(), t.get('https://a.h.test/').json()", "({}, {'Cookie': 'name=of-a'})"),
            ("s = requests.Session()\nr = s.get('https://a.h.test/')\ndict(r.cookies), dict(s.cookies), r.cookies == {'name': 'of-a'}", "({'name': 'of-a'}, {'name': 'of-a'}, True)"),
        ])

    def test_the_standard_library(self):
        serve({"fetch": FETCH}, {"fetch": fetched})
        self.check([
            ("import urllib.request, json\njson.load(urllib.request.urlopen('https://h/p'))['url']", "'https://h/p'"),
            ("import http.client\nc = http.client.HTTPConnection('h', 8080)\nc.putrequest('POST', '/q')\nc.putheader('Content-Length', '2')\nc.endheaders()\nc.send(b'ab')\nr = json.loads(c.getresponse().read())\nr['url'], r['body'], r['headers']", "('http://h:8080/q', 'ab', None)"),
        ])

    def test_without_the_tool(self):
        for source, kind in [
            ("import requests\nrequests.get('http://h')", "requests.exceptions.ConnectionError"),
            ("import http.client\nhttp.client.HTTPSConnection('h').request('GET', '/')", "OSError"),
        ]:
            result = run(source)
            self.assertEqual(result.type, kind)
            self.assertIn("the sandbox has no network", result.message)


if __name__ == "__main__":
    unittest.main()
