"""TLS contexts: what stands for the module `_ssl`, so that `ssl` can be imported and configured.

There are no sockets here, and so no connections to encrypt: a context keeps its settings, and wrapping a
socket is refused as opening one is. HTTPS goes through grants, whose certificates the host checks.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import errno
import os

from memex_guest import denials

MODULE = "_ssl"
OPENSSL_VERSION = "OpenSSL 3.0.0 (none: the host makes connections)"
OPENSSL_VERSION_INFO = _OPENSSL_API_VERSION = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
_DEFAULT_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
HAS_SNI = HAS_ECDH = HAS_ALPN = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_NPN = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = HAS_PSK_TLS13 = HAS_PHA = HAS_TLS_UNIQUE = False
ENCODING_PEM, ENCODING_DER = 1, 2

# The numbers of OpenSSL and of the standards, by what their names begin with.
_NUMBERS = {
    "PROTOCOL_": "SSLv23 2 TLS 2 TLS_CLIENT 16 TLS_SERVER 17 TLSv1 3 TLSv1_1 4 TLSv1_2 5",
    "PROTO_": "MAXIMUM_SUPPORTED -1 MINIMUM_SUPPORTED -2 SSLv3 768 TLSv1 769 TLSv1_1 770 TLSv1_2 771 TLSv1_3 772",
    "CERT_": "NONE 0 OPTIONAL 1 REQUIRED 2",
    "HOSTFLAG_": "ALWAYS_CHECK_SUBJECT 1 NO_WILDCARDS 2 NO_PARTIAL_WILDCARDS 4 MULTI_LABEL_WILDCARDS 8 SINGLE_LABEL_SUBDOMAINS 16 NEVER_CHECK_SUBJECT 32",
    "OP_": "ALL 2147483728 CIPHER_SERVER_PREFERENCE 4194304 ENABLE_KTLS 8 ENABLE_MIDDLEBOX_COMPAT 1048576 IGNORE_UNEXPECTED_EOF 128 "
    "LEGACY_SERVER_CONNECT 4 NO_COMPRESSION 131072 NO_RENEGOTIATION 1073741824 NO_SSLv2 0 NO_SSLv3 33554432 NO_TICKET 16384 "
    "NO_TLSv1 67108864 NO_TLSv1_1 268435456 NO_TLSv1_2 134217728 NO_TLSv1_3 536870912 SINGLE_DH_USE 0 SINGLE_ECDH_USE 0",
    "SSL_ERROR_": "EOF 8 INVALID_ERROR_CODE 10 SSL 1 SYSCALL 5 WANT_CONNECT 7 WANT_READ 2 WANT_WRITE 3 WANT_X509_LOOKUP 4 ZERO_RETURN 6",
    "VERIFY_": "ALLOW_PROXY_CERTS 64 CRL_CHECK_CHAIN 12 CRL_CHECK_LEAF 4 DEFAULT 0 X509_PARTIAL_CHAIN 524288 X509_STRICT 32 X509_TRUSTED_FIRST 32768",
    "ALERT_DESCRIPTION_": "ACCESS_DENIED 49 BAD_CERTIFICATE 42 BAD_CERTIFICATE_HASH_VALUE 114 BAD_CERTIFICATE_STATUS_RESPONSE 113 BAD_RECORD_MAC 20 "
    "CERTIFICATE_EXPIRED 45 CERTIFICATE_REVOKED 44 CERTIFICATE_UNKNOWN 46 CERTIFICATE_UNOBTAINABLE 111 CLOSE_NOTIFY 0 DECODE_ERROR 50 "
    "DECOMPRESSION_FAILURE 30 DECRYPT_ERROR 51 HANDSHAKE_FAILURE 40 ILLEGAL_PARAMETER 47 INSUFFICIENT_SECURITY 71 INTERNAL_ERROR 80 "
    "NO_RENEGOTIATION 100 PROTOCOL_VERSION 70 RECORD_OVERFLOW 22 UNEXPECTED_MESSAGE 10 UNKNOWN_CA 48 UNKNOWN_PSK_IDENTITY 115 "
    "UNRECOGNIZED_NAME 112 UNSUPPORTED_CERTIFICATE 43 UNSUPPORTED_EXTENSION 110 USER_CANCELLED 90",
}
for _prefix, _words in _NUMBERS.items():
    _words = _words.split()
    globals().update((_prefix + name, int(number)) for name, number in zip(_words[::2], _words[1::2]))

_CLIENT, _SERVER = 16, 17
_OPTIONS = 2147483728 | 131072 | 4194304 | 1048576 | 128


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    library = reason = None


class SSLZeroReturnError(SSLError):
    """SSL/TLS session closed cleanly."""


class SSLWantReadError(SSLError):
    """Non-blocking SSL socket needs to read more data before the requested operation can be completed."""


class SSLWantWriteError(SSLError):
    """Non-blocking SSL socket needs to write more data before the requested operation can be completed."""


class SSLSyscallError(SSLError):
    """System error when attempting SSL operation."""


class SSLEOFError(SSLError):
    """SSL/TLS connection terminated abruptly."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""

    verify_code, verify_message = 0, ""


class SSLSession:
    """A session of TLS, of which there is none."""


class MemoryBIO:
    """Bytes that one side writes and the other reads."""

    def __init__(self):
        self._data, self._is_over = bytearray(), False

    pending = property(lambda self: len(self._data))
    eof = property(lambda self: self._is_over and not self._data)

    def read(self, size=-1):
        """Takes bytes out."""
        count = len(self._data) if size is None or size < 0 else size
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken

    def write(self, data):
        """Puts bytes in."""
        if self._is_over:
            raise SSLError("cannot write() after write_eof()")
        self._data += data
        return memoryview(data).nbytes

    def write_eof(self):
        """Nothing more will come."""
        self._is_over = True


def _kept(name, doc):
    """A setting that is kept."""
    return property(lambda self: self._settings[name], lambda self, value: self._settings.__setitem__(name, value), doc=doc)


class _SSLContext:
    """The settings of connections that nobody makes."""

    def __new__(cls, protocol=2, *_more):
        if protocol not in (2, 3, 4, 5, _CLIENT, _SERVER):
            raise ValueError("invalid or unsupported protocol version")
        self = super().__new__(cls)
        is_client = protocol == _CLIENT
        self._protocol = protocol
        self._authorities, self._chains = [], 0
        self._settings = {
            "check_hostname": is_client, "verify_mode": 2 if is_client else 0, "verify_flags": 32768, "options": _OPTIONS,
            "minimum_version": 771, "maximum_version": -1, "_host_flags": 4, "sni_callback": None, "keylog_filename": None,
            "num_tickets": 2, "post_handshake_auth": False, "_msg_callback": None, "security_level": 2,
        }
        return self

    protocol = property(lambda self: self._protocol)
    verify_flags = _kept("verify_flags", "How certificates are verified.")
    options = _kept("options", "Options of OpenSSL.")
    minimum_version = _kept("minimum_version", "The oldest version of TLS.")
    maximum_version = _kept("maximum_version", "The newest version of TLS.")
    _host_flags = _kept("_host_flags", "How names of hosts are compared.")
    sni_callback = _kept("sni_callback", "Called with the name that a client asks for.")
    keylog_filename = _kept("keylog_filename", "Where keys are logged.")
    num_tickets = _kept("num_tickets", "Tickets of a session.")
    post_handshake_auth = _kept("post_handshake_auth", "Whether a client may be asked later.")
    _msg_callback = _kept("_msg_callback", "Called with messages.")
    security_level = _kept("security_level", "The security level.")

    @property
    def check_hostname(self):
        """Whether the name of the host is checked."""
        return self._settings["check_hostname"]

    @check_hostname.setter
    def check_hostname(self, value):
        value = bool(value)
        if value and self._settings["verify_mode"] == 0:
            self._settings["verify_mode"] = 2
        self._settings["check_hostname"] = value

    @property
    def verify_mode(self):
        """Whether the other side needs a certificate."""
        return self._settings["verify_mode"]

    @verify_mode.setter
    def verify_mode(self, value):
        if value not in (0, 1, 2):
            raise ValueError("invalid value for verify_mode")
        if value == 0 and self._settings["check_hostname"]:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._settings["verify_mode"] = int(value)

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        """Keeps nothing: the host knows whom it trusts. What is not there is an error all the same."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        for path in (cafile, capath):
            if path is not None:
                os.stat(path)

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        """Keeps nothing, of files that are there."""
        for path in (certfile, keyfile):
            if path is not None:
                os.stat(path)

    def set_default_verify_paths(self):
        """Does nothing: the host knows whom it trusts."""

    def set_ciphers(self, ciphers, /):
        """Does nothing with a list of ciphers."""
        if not isinstance(ciphers, str):
            raise TypeError("set_ciphers() argument must be str, not " + type(ciphers).__name__)

    def _nothing(self, *_arguments, **_options):
        """Does nothing: no connection is made."""

    set_ecdh_curve = load_dh_params = _set_alpn_protocols = set_psk_client_callback = set_psk_server_callback = _nothing
    set_groups = set_ciphersuites = set_client_sigalgs = set_server_sigalgs = _nothing

    def get_ciphers(self):
        """No ciphers: the host has its own."""
        return []

    get_groups = get_ciphers

    def get_ca_certs(self, binary_form=False):
        """No certificates: the host has its own."""
        return []

    def cert_store_stats(self):
        """How many certificates there are."""
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self):
        """How many connections there were."""
        names = "number connect connect_good connect_renegotiate accept accept_good accept_renegotiate hits misses timeouts cache_full"
        return dict.fromkeys(names.split(), 0)

    def _wrap(self, *_arguments, **_options):
        raise OSError(errno.ENOTSUP, denials.NO_NETWORK)

    _wrap_socket = _wrap_bio = _wrap


def RAND_status():
    """Whether there is enough randomness: there is."""
    return True


def RAND_add(string, entropy, /):
    """Does nothing: there is enough."""


def RAND_bytes(n, /):
    """Random bytes."""
    if n < 0:
        raise ValueError("num must be positive")
    return os.urandom(n)


def get_sigalgs():
    """No algorithms: the host has its own."""
    return []


def get_default_verify_paths():
    """Where OpenSSL would look for certificates."""
    return "SSL_CERT_FILE", "/usr/lib/ssl/cert.pem", "SSL_CERT_DIR", "/usr/lib/ssl/certs"


_OBJECTS = {
    129: ("serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    130: ("clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
}


def nid2obj(nid, /):
    """The object of a number."""
    if nid not in _OBJECTS:
        raise ValueError("unknown NID " + str(nid))
    return (nid, *_OBJECTS[nid])


def txt2obj(txt, name=False):
    """The object of an identifier, or of a name."""
    for nid, names in _OBJECTS.items():
        if txt == names[2] or name and txt in names:
            return (nid, *names)
    raise ValueError("unknown object '" + str(txt)[:100] + "'")
