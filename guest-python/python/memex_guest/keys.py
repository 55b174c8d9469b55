"""Keys from passwords, which this `hashlib` has not: `pbkdf2_hmac` and `scrypt`, computed by the host."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import hashlib

from memex_guest import channel

_HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
# What OpenSSL takes at most unless it is told otherwise.
_SCRYPT_BYTES_MAX = 32 << 20
_INT_MAX = (1 << 31) - 1


def install():
    """Adds what `hashlib` lacks."""
    for function in (pbkdf2_hmac, scrypt):
        if not hasattr(hashlib, function.__name__):
            setattr(hashlib, function.__name__, function)
            hashlib.__all__ = (*hashlib.__all__, function.__name__)


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    if not isinstance(hash_name, str):
        raise TypeError("pbkdf2_hmac() argument 'hash_name' must be str, not " + type(hash_name).__name__)
    name = hash_name.lower().replace("-", "")
    if name not in _HASHES:
        raise ValueError("unsupported hash type " + hash_name)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if iterations > _INT_MAX:
        raise OverflowError("iteration value is too great.")
    if dklen is None:
        dklen = hashlib.new(name).digest_size
    if dklen < 1:
        raise ValueError("key length must be greater than 0.")
    if dklen > _INT_MAX:
        raise OverflowError("key length is too great.")
    return _derived({"name": "kdf.pbkdf2", "hash": name, "iterations": iterations, "length": dklen}, password, salt)


def scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64):
    """scrypt password-based key derivation function."""
    if n < 2 or n & (n - 1):
        raise ValueError("n must be a power of 2.")
    if not 0 <= maxmem <= _INT_MAX:
        raise ValueError("maxmem must be positive and smaller than " + str(_INT_MAX))
    if not 1 <= dklen <= _INT_MAX:
        raise ValueError("dklen must be greater than 0 and smaller than " + str(_INT_MAX))
    if r < 1 or p < 1 or r * p >= 1 << 30 or 128 * r * (n + p) + 256 * r > (maxmem or _SCRYPT_BYTES_MAX):
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.")
    return _derived({"name": "kdf.scrypt", "n": n, "r": r, "p": p, "length": dklen}, password, salt)


def _derived(request, password, salt):
    _, (key,) = channel.compute(request, (_bytes(password), _bytes(salt)))
    return bytes(key)


def _bytes(value):
    if isinstance(value, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    return bytes(memoryview(value))
