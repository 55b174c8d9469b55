"""Texts on their way out of this process: surrogates that stand alone are no characters, and no text of UTF-8 has them."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def checked(text: T, what: str, kind: type[Exception]) -> T:
    """The text as it is. Raises `kind` for one with a lone surrogate; what is no text is somebody else's to refuse."""
    if isinstance(text, str) and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise kind(
                f"{what} has a lone surrogate at position {error.start}, which is no character\n"
                "hint: text.encode('utf-8', 'replace').decode() is the same without it"
            ) from None
    return text


def whole(text: str) -> str:
    """The text of characters: pairs of surrogates are one, and a lone one is U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def block(code: str) -> str:
    """A block as it is; in place of one that is no text, a block that raises what CPython does for it."""
    if not isinstance(code, str) or code.isascii():
        return code
    try:
        code.encode()
    except UnicodeEncodeError as error:
        return f"raise UnicodeEncodeError('utf-8', {ascii(code[error.start])}, 0, 1, 'the code has a lone surrogate at position {error.start}')"
    return code
