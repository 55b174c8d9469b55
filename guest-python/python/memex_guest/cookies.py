"""The cookies of a session of `requests`: what a host has set goes to no other."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from http.cookies import CookieError as _CookieError, SimpleCookie as _SimpleCookie
from urllib.parse import urlsplit as _urlsplit


class Cookies(dict):
    """Values by name. Those that code puts here go everywhere, those of a reply back to their host."""

    def __init__(self, *given):
        super().__init__(*given)
        # By name, and then by the host and whether hosts below it are meant, too.
        self._received = {}

    def receive(self, url, headers):
        """Keeps what a reply sets."""
        host = _host_of(url)
        for header in headers:
            try:
                found = _SimpleCookie(header)
            except _CookieError:
                continue
            for name, morsel in found.items():
                domain = morsel["domain"].lower().lstrip(".")
                if domain and not (_is_below(host, domain) and "." in domain):
                    continue
                places = self._received.setdefault(name, {})
                key = (domain or host, bool(domain))
                if morsel["max-age"] == "0":
                    places.pop(key, None)
                    self.pop(name, None)
                else:
                    places[key] = (morsel.value, bool(morsel["secure"]))
                    self[name] = morsel.value

    def update(self, *other, **more):
        """Keeps what another has, and where it may go."""
        for jar in other:
            for name, places in jar._received.items() if isinstance(jar, Cookies) else ():
                self._received.setdefault(name, {}).update(places)
                if name not in jar:
                    self.pop(name, None)
        super().update(*other, **more)

    def sent_to(self, url):
        """What a request to this address carries."""
        host, is_secure = _host_of(url), _urlsplit(url).scheme == "https"
        sent = {}
        for name, value in self.items():
            places = self._received.get(name, {})
            if all(value is not received for received, _ in places.values()):
                sent[name] = value
                continue
            for (place, is_wide), (received, needs_tls) in places.items():
                if (host == place or is_wide and _is_below(host, place)) and (is_secure or not needs_tls):
                    sent[name] = received
        return sent


def _host_of(url):
    return (_urlsplit(url).hostname or "").lower()


def _is_below(host, domain):
    return host == domain or host.endswith("." + domain)
