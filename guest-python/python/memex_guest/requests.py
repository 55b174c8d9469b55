"""A small `requests` on top of the tool `fetch`: what code for it uses most.

It is found only where no real `requests` is installed.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from base64 import b64encode as _b64encode
from urllib.parse import urljoin as _urljoin, urlsplit as _urlsplit

from memex_guest import bodies, cookies as _cookies, replies, web

__version__ = "2.32.0"

REDIRECTS_MAX = 30


class HTTPBasicAuth:
    """A user's name and password."""

    def __init__(self, username, password):
        self.username = username
        self.password = password

    def __call__(self, request):
        pair = str(self.username) + ":" + str(self.password)
        request.headers["Authorization"] = "Basic " + _b64encode(pair.encode("utf-8")).decode("ascii")
        return request


class Session:
    """Requests with headers, parameters and cookies in common."""

    def __init__(self):
        self.headers = replies.CaseInsensitiveDict({"Accept": "*/*"})
        self.params = {}
        self.cookies = _cookies.Cookies()
        self.auth = None
        self.verify = True
        self.max_redirects = REDIRECTS_MAX

    def request(
        self, method, url, params=None, data=None, headers=None, cookies=None, files=None, auth=None,
        timeout=None, allow_redirects=True, proxies=None, hooks=None, stream=None, verify=None, cert=None, json=None,
    ):
        """Sends a request. The host checks certificates and chooses the way: `verify` and `proxies` are not asked."""
        target = bodies.with_params(_checked(url), bodies.pairs_of(self.params) + bodies.pairs_of(params))
        sent = self.headers.copy()
        sent.update(headers or {})
        sent = replies.CaseInsensitiveDict({name: _text(value) for name, value in sent.items() if value is not None})
        body = bodies.encoded(data, json, files, sent)
        is_written = "Cookie" in sent
        request = replies.PreparedRequest(method.upper(), target, sent, body)
        auth = auth if auth is not None else self.auth
        if auth is not None:
            request = (HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth)(request) or request
        self._add_cookies(request, cookies)
        response = self._sent(request, timeout)
        history = []
        while allow_redirects and response.is_redirect:
            if len(history) >= self.max_redirects:
                raise replies.TooManyRedirects("more than " + str(self.max_redirects) + " redirects", response=response)
            history.append(response)
            following = _redirected(request, response)
            if not _is_as_trusted(following.url, request.url):
                following.headers.pop("Authorization", None)
                is_written, cookies = False, None
            if not is_written:
                following.headers.pop("Cookie", None)
            self._add_cookies(following, cookies)
            response, request = self._sent(following, timeout), following
        response.history = history
        return response

    def get(self, url, **options):
        """`request` with GET."""
        return self.request("GET", url, **options)

    def options(self, url, **options):
        """`request` with OPTIONS."""
        return self.request("OPTIONS", url, **options)

    def head(self, url, **options):
        """`request` with HEAD."""
        options.setdefault("allow_redirects", False)
        return self.request("HEAD", url, **options)

    def post(self, url, data=None, json=None, **options):
        """`request` with POST."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url, data=None, **options):
        """`request` with PUT."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url, data=None, **options):
        """`request` with PATCH."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url, **options):
        """`request` with DELETE."""
        return self.request("DELETE", url, **options)

    def mount(self, prefix, adapter):
        """Does nothing: the host sends requests in its own way."""

    def close(self):
        """Does nothing: nothing is open."""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def _sent(self, request, timeout):
        if isinstance(timeout, tuple):
            timeout = sum(part for part in timeout if part is not None) or None
        try:
            answer = web.fetch(request.url, request.method, dict(request.headers), request.body, timeout)
        except TimeoutError as error:
            raise replies.ReadTimeout(str(error), request=request) from None
        except OSError as error:
            raise replies.ConnectionError(str(error.strerror or error), request=request) from None
        response = replies.response_of(answer, request)
        self._jar().update(response.cookies)
        return response

    def _add_cookies(self, request, given):
        sent = {**self._jar().sent_to(request.url), **(given or {})}
        if sent and "Cookie" not in request.headers:
            request.headers["Cookie"] = "; ".join(str(name) + "=" + str(value) for name, value in sent.items())

    def _jar(self):
        if not isinstance(self.cookies, _cookies.Cookies):
            self.cookies = _cookies.Cookies(self.cookies or {})
        return self.cookies


def request(method, url, **options):
    """Sends a request; see `Session.request` for the options."""
    return Session().request(method, url, **options)


def get(url, params=None, **options):
    """Sends a GET request."""
    return request("GET", url, params=params, **options)


def options(url, **options):
    """Sends an OPTIONS request."""
    return request("OPTIONS", url, **options)


def head(url, **options):
    """Sends a HEAD request."""
    return Session().head(url, **options)


def post(url, data=None, json=None, **options):
    """Sends a POST request."""
    return request("POST", url, data=data, json=json, **options)


def put(url, data=None, **options):
    """Sends a PUT request."""
    return request("PUT", url, data=data, **options)


def patch(url, data=None, **options):
    """Sends a PATCH request."""
    return request("PATCH", url, data=data, **options)


def delete(url, **options):
    """Sends a DELETE request."""
    return request("DELETE", url, **options)


def _checked(url):
    url = url.decode("utf-8") if isinstance(url, bytes) else str(url)
    parts = _urlsplit(url.strip())
    if not parts.scheme:
        raise replies.MissingSchema("Invalid URL " + repr(url) + ": no scheme; perhaps you meant https://" + url + "?")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise replies.InvalidURL("Invalid URL " + repr(url) + ": only http and https with a host can be fetched")
    return url.strip()


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _is_as_trusted(url, before):
    """Whether what was meant for one address can go to the next: to the same place, and not to one without TLS."""
    to, of = _urlsplit(url), _urlsplit(before)
    return to.netloc == of.netloc and (to.scheme == of.scheme or to.scheme == "https")


def _redirected(request, response):
    url = _urljoin(request.url, response.headers["location"])
    headers = request.headers.copy()
    method, body = request.method, request.body
    if response.status_code == 303 and method != "HEAD" or response.status_code in (301, 302) and method == "POST":
        method, body = "GET", None
        headers.pop("Content-Type", None)
    return replies.PreparedRequest(method, url, headers, body)
