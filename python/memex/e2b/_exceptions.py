"""Exceptions with the names that E2B's clients have."""

from __future__ import annotations


class SandboxException(Exception):
    """The base of all."""


class TimeoutException(SandboxException):
    """Code or a command ran longer than its timeout, or the sandbox has reached its own."""


class InvalidArgumentException(SandboxException):
    """An argument that has no meaning here; the message says what does."""


class NotFoundException(SandboxException):
    """What was named is not there."""


class FileNotFoundException(NotFoundException):
    """There is no such file."""


class SandboxNotFoundException(NotFoundException):
    """There is no such sandbox, or it was killed."""
