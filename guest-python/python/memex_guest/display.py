"""Rich output: `display(…)`, and the richer forms of a turn's last value."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from json import JSONEncoder

from memex_guest import channel, figures, preview, streams, tables, text

PART_MAX_BYTES = 15 * 1024 * 1024

# Looked up on the class: a `__getattr__` that answers everything is no rich output.
_TEXT_METHODS = (
    ("text/html", "_repr_html_"),
    ("text/markdown", "_repr_markdown_"),
    ("image/svg+xml", "_repr_svg_"),
    ("text/latex", "_repr_latex_"),
    ("application/json", "_repr_json_"),
)
_BINARY_METHODS = (("image/png", "_repr_png_"), ("image/jpeg", "_repr_jpeg_"))
_PLAIN_TYPES = frozenset(
    (int, float, bool, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range, type, type(None), type(len))
)
_encode = JSONEncoder(default=str).encode

# Whether the last value's rich forms are sent at all; `configure` may turn it off.
rich_values = True


def install():
    """Lets figures be sent through this module."""
    figures.install(send)


def display(*values, **_options):
    """Shows each value in its richest forms."""
    streams.flush()
    for value in values:
        if figures.is_figure(value):
            figures.send(value, False)
            continue
        data, parts = _rich(value)
        data.setdefault("text/plain", preview.preview(value))
        send(data, parts, False)


def send_value(value, shown):
    """Sends the rich forms of a turn's last value, if its class has any."""
    if type(value) in _PLAIN_TYPES or not rich_values:
        return
    if figures.is_figure(value):
        figures.send(value, True)
        return
    data, parts = _rich(value)
    if data or parts:
        data.setdefault("text/plain", shown)
        send(data, parts, True)


def send(data, parts, main):
    """Sends one bundle: texts by MIME type, and pictures by MIME type."""
    texts = {}
    for mime, value in data.items():
        if len(value) > PART_MAX_BYTES // 4 and len(value.encode("utf-8", "replace")) > PART_MAX_BYTES:
            texts.setdefault("text/plain", "")
            texts["text/plain"] += "(" + mime + " left out: " + str(len(value)) + " characters)"
        else:
            texts[mime] = text.scrubbed(value)
    kept = {}
    for mime, value in parts.items():
        if len(value) > PART_MAX_BYTES:
            texts.setdefault("text/plain", "")
            texts["text/plain"] += "(" + mime + " left out: " + str(len(value)) + " bytes)"
        else:
            kept[mime] = value
    head = {"data": texts, "binary": list(kept), "main": bool(main)}
    channel.call(channel.DISPLAY, head, list(kept.values()))


def _rich(value):
    data = {}
    parts = {}
    kind = type(value)
    for name, method in _bundle(value, kind):
        _add(data, parts, name, method)
    for mime, name in _TEXT_METHODS:
        if mime not in data:
            _add(data, parts, mime, _called(value, kind, name))
    for mime, name in _BINARY_METHODS:
        if mime not in parts:
            _add(data, parts, mime, _called(value, kind, name))
    return data, parts


def _bundle(value, kind):
    if not hasattr(kind, "_repr_mimebundle_"):
        return ()
    try:
        found = value._repr_mimebundle_(include=None, exclude=None)
        if type(found) is tuple:
            found = found[0]
        return list(found.items())
    except (Exception, SystemExit) as error:
        _complain(kind, "_repr_mimebundle_", error)
        return ()


def _called(value, kind, name):
    method = getattr(kind, name, None)
    if method is None:
        return None
    try:
        with tables.bounded(value):
            found = method(value)
    except (Exception, SystemExit) as error:
        _complain(kind, name, error)
        return None
    # Some of these return the data with a dictionary of metadata.
    return found[0] if type(found) is tuple and found else found


def _add(data, parts, mime, found):
    if found is None or not isinstance(mime, str):
        return
    mime = text.plain(mime)
    if isinstance(found, (bytes, bytearray)):
        parts[mime] = bytes(found)
    elif isinstance(found, str):
        data[mime] = text.plain(found)
    elif mime.endswith("json"):
        try:
            data[mime] = _encode(found)
        except (TypeError, ValueError, RecursionError):
            return


def _complain(kind, name, error):
    streams.note(text.type_name(kind) + "." + name + " failed: " + text.summary(error, 300))
