"""What `requests` answers and raises."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import json as _json
from collections.abc import Mapping as _Mapping, MutableMapping as _MutableMapping
from http.client import responses as _reasons

from memex_guest import cookies, web

_REDIRECTS = (301, 302, 303, 307, 308)


class RequestException(OSError):
    """A request that failed."""

    def __init__(self, *arguments, response=None, request=None):
        super().__init__(*arguments)
        self.response = response
        self.request = request if request is not None else getattr(response, "request", None)


class HTTPError(RequestException):
    """A reply with the status of an error."""


class ConnectionError(RequestException):
    """No reply came."""


class Timeout(RequestException):
    """No reply came in time."""


class ConnectTimeout(ConnectionError, Timeout):
    """No connection was made in time."""


class ReadTimeout(Timeout):
    """The reply did not come in time."""


class InvalidURL(RequestException, ValueError):
    """A URL that is none."""


class MissingSchema(RequestException, ValueError):
    """A URL without `http://` or `https://`."""


class TooManyRedirects(RequestException):
    """More redirects than are followed."""


class JSONDecodeError(RequestException, _json.JSONDecodeError):
    """A body that is not JSON."""

    def __init__(self, *arguments, **options):
        _json.JSONDecodeError.__init__(self, *arguments)
        RequestException.__init__(self, *self.args, **options)


class CaseInsensitiveDict(_MutableMapping):
    """Headers: a dictionary that does not look at case."""

    def __init__(self, data=None, **more):
        self._store = {}
        self.update(data or {}, **more)

    def __setitem__(self, key, value):
        self._store[key.lower()] = (key, value)

    def __getitem__(self, key):
        return self._store[key.lower()][1]

    def __delitem__(self, key):
        del self._store[key.lower()]

    def __iter__(self):
        return (key for key, _ in self._store.values())

    def __len__(self):
        return len(self._store)

    def __eq__(self, other):
        if not isinstance(other, _Mapping):
            return NotImplemented
        return {key.lower(): value for key, value in self.items()} == {key.lower(): value for key, value in other.items()}

    def copy(self):
        """A copy."""
        return CaseInsensitiveDict(self)

    def __repr__(self):
        return repr(dict(self.items()))


class PreparedRequest:
    """What was asked for."""

    def __init__(self, method, url, headers, body):
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body

    def __repr__(self):
        return "<PreparedRequest [" + self.method + "]>"


class Response:
    """A reply."""

    def __init__(self):
        self.status_code = None
        self.reason = ""
        self.url = ""
        self.headers = CaseInsensitiveDict()
        self.cookies = cookies.Cookies()
        self.history = []
        self.request = None
        self.content = b""
        self.encoding = None

    @property
    def ok(self):
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def is_redirect(self):
        """Whether the reply sends elsewhere."""
        return "location" in self.headers and self.status_code in _REDIRECTS

    @property
    def apparent_encoding(self):
        """The encoding that the body seems to have."""
        try:
            self.content.decode("utf-8")
        except UnicodeDecodeError:
            return "iso-8859-1"
        return "utf-8"

    @property
    def text(self):
        """The body as text."""
        encoding = self.encoding or self.apparent_encoding
        try:
            return self.content.decode(encoding, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self, **options):
        """The body, which is JSON, as Python objects."""
        try:
            return _json.loads(self.content if self.encoding is None else self.text, **options)
        except _json.JSONDecodeError as error:
            raise JSONDecodeError(error.msg, error.doc, error.pos, response=self) from None
        except UnicodeDecodeError as error:
            raise JSONDecodeError(str(error), self.text, 0, response=self) from None

    def raise_for_status(self):
        """Raises `HTTPError` for the status of an error."""
        if self.status_code >= 400:
            side = "Client" if self.status_code < 500 else "Server"
            message = str(self.status_code) + " " + side + " Error: " + str(self.reason) + " for url: " + self.url
            raise HTTPError(message, response=self)

    def iter_content(self, chunk_size=1, decode_unicode=False):
        """The body in pieces."""
        body = self.text if decode_unicode else self.content
        size = chunk_size or max(1, len(body))
        return (body[at : at + size] for at in range(0, len(body), size))

    def iter_lines(self, chunk_size=512, decode_unicode=False, delimiter=None):
        """The body line by line."""
        body = self.text if decode_unicode else self.content
        return iter(body.split(delimiter) if delimiter else body.splitlines())

    def close(self):
        """Does nothing: the body is here."""

    def __bool__(self):
        return self.ok

    def __iter__(self):
        return self.iter_content(128)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def __repr__(self):
        return "<Response [" + str(self.status_code) + "]>"


for _name, _value in list(globals().items()):
    if isinstance(_value, type) and issubclass(_value, RequestException):
        _value.__module__ = "requests.exceptions"


def response_of(answer, request):
    """The response that an answer of `fetch` is."""
    response = Response()
    response.status_code = int(answer["status"])
    response.reason = answer["reason"] or _reasons.get(response.status_code, "")
    response.url = str(answer["url"] or request.url)
    response.content = web.body_of(answer)
    response.request = request
    for name, value in answer["headers"]:
        known = response.headers.get(name)
        response.headers[name] = value if known is None else known + ", " + value
    response.cookies.receive(response.url, [value for name, value in answer["headers"] if name.lower() == "set-cookie"])
    kind = response.headers.get("content-type", "")
    found = [part.partition("=")[2].strip(" \"'") for part in kind.split(";")[1:] if part.strip().lower().startswith("charset=")]
    if found:
        response.encoding = found[0]
    elif kind.lower().startswith("application/json"):
        response.encoding = "utf-8"
    return response
