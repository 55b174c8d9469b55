"""Figures of matplotlib: shown as PNG at `plt.show()` and at the end of a turn.

    plt.plot([1, 2])      shown at the turn's end, and still open
    plt.title("a")        in the next turn: shown again, since it has changed
    plt.show()            shown, and closed

A figure that a turn leaves open lives on until it is shown by name or closed; of
those that nothing changes any more, the last few are kept.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import os
import re
import sys
import warnings
from io import BytesIO
from weakref import WeakKeyDictionary, WeakSet

from memex_guest import streams, text

FIGURES_MAX = 50
# Files of a folder that are tried as fonts.
FONTS_MAX = 64
# Open figures that stay open from turn to turn; matplotlib warns of more than 20.
KEPT_MAX = 10
PNG_MAX_BYTES = 15 * 1024 * 1024

# The open figures by number, as matplotlib keeps them; empty until it is imported.
pending = {}
_gcf = None
_send = None
_modules = sys.modules
# Figures that have been sent and not been changed since, and what each called before
# when it changed.
_unchanged = WeakSet()
_callbacks = WeakKeyDictionary()
# Folders with fonts that matplotlib has not been told of.
_fonts = []
_GLYPH = re.compile(r"Glyph (\d+) .*missing from (?:current font|font\(s\) (.*))\.$").match


def install(send):
    """Sets the environment for matplotlib; `send(data, parts, main)` takes each picture."""
    global _send
    _send = send
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("MPLCONFIGDIR", "/tmp/matplotlib")
    adopt()


def add_fonts(folder):
    """Lets text in figures fall back to the fonts of a folder."""
    _fonts.append(folder)
    if _modules.get("matplotlib.font_manager") is not None:
        _register()


def _register():
    from matplotlib import font_manager, rcParams

    while _fonts:
        folder = _fonts.pop()
        for name in sorted(os.listdir(folder))[:FONTS_MAX]:
            path = folder + "/" + name
            try:
                font_manager.fontManager.addfont(path)
                family = font_manager.FontProperties(fname=path).get_name()
            except Exception as error:
                streams.note("the font " + path + " is not used: " + text.summary(error, 200))
                continue
            if family not in rcParams["font.family"]:
                rcParams["font.family"] = [*rcParams["font.family"], family]


def adopt():
    """Takes over `show` once pyplot has been imported; costs one lookup until then."""
    global pending, _gcf
    pyplot = _modules.get("matplotlib.pyplot")
    if pyplot is None or _gcf is not None:
        return
    helpers = _modules.get("matplotlib._pylab_helpers")
    figure = _modules.get("matplotlib.figure")
    if helpers is None or figure is None or not hasattr(pyplot, "show"):
        return
    _gcf = helpers.Gcf
    _register()
    pending = _gcf.figs
    pyplot.show = show
    figure.Figure.show = _show_one
    warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")


def show(*_args, **_kwargs):
    """Sends every open figure to the host and closes it; what `plt.show` is here."""
    shown = 0
    for number in list(pending):
        manager = pending.get(number)
        if manager is None:
            continue
        try:
            if shown < FIGURES_MAX:
                send(manager.canvas.figure, False)
        finally:
            _gcf.destroy(number)
        shown += 1


def end_turn():
    """Sends the open figures that are new or have changed; they stay open."""
    sent = 0
    for number in list(pending):
        manager = pending.get(number)
        if manager is None or manager.canvas.figure in _unchanged:
            continue
        sent += 1
        if sent <= FIGURES_MAX:
            send(manager.canvas.figure, False)
        else:
            _watch(manager.canvas.figure)
    for number in list(pending)[:-KEPT_MAX]:
        _gcf.destroy(number)


def is_figure(value):
    """Whether a value is a matplotlib figure."""
    module = _modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def send(figure, main):
    """Sends one figure as a picture and a line of text; an empty one as text alone."""
    width, height = figure.get_size_inches() * figure.dpi
    count = len(figure.axes)
    label = "<Figure size " + str(int(width)) + "x" + str(int(height)) + " with " + str(count) + " Axes>"
    try:
        picture = png(figure)
    except Exception as error:
        _watch(figure)
        _send({"text/plain": label + " (not drawn: " + text.summary(error, 500) + ")"}, {}, main)
        return
    _watch(figure)
    if len(picture) > PNG_MAX_BYTES:
        _send({"text/plain": label + " (not sent: " + str(len(picture)) + " bytes)"}, {}, main)
        return
    _send({"text/plain": label}, {"image/png": picture}, main)


def close(figure):
    """Closes a figure that has been sent, if it is among the open ones."""
    for number in list(pending):
        manager = pending.get(number)
        if manager is not None and manager.canvas.figure is figure:
            _gcf.destroy(number)


def forget():
    """Drops every open figure as it is: drawing it may be what does not end."""
    pending.clear()


def close_all():
    """Closes every open figure without sending it."""
    if _gcf is not None:
        _gcf.destroy_all()


def png(figure):
    """The figure drawn as PNG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    file = BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        figure.savefig(file, format="png", bbox_inches="tight" if figure.axes else None)
    _tell(caught)
    return file.getvalue()


def _watch(figure):
    """Notes that a figure has been sent as it is now."""
    figure.stale = False
    if figure.stale_callback is not _changed:
        _callbacks[figure] = figure.stale_callback
        figure.stale_callback = _changed
    _unchanged.add(figure)


def _changed(figure, is_stale):
    # Saving changes colours for a moment, and drawing moves what has no place yet.
    canvas = figure.canvas
    if is_stale and not canvas.is_saving() and not getattr(canvas, "_is_idle_drawing", False):
        _unchanged.discard(figure)
    before = _callbacks.get(figure)
    if before is not None:
        before(figure, is_stale)


def _tell(caught):
    """Repeats what drawing warned of: no line of the turn is to blame, and glyphs come in a row."""
    told = []
    missing = {}
    for warning in caught:
        message = str(warning.message)
        glyph = _GLYPH(message)
        if glyph is not None:
            missing.setdefault(glyph[2] or "the font", []).append(chr(int(glyph[1])))
            continue
        told.append(warning.category.__name__ + ": " + message)
    for font, characters in missing.items():
        shown = "".join(dict.fromkeys(characters))
        told.append(
            "UserWarning: " + font + " has no glyphs for " + text.cut(shown, 100) + " (they are drawn as boxes; "
            "a font that has them can be given to the session with --font FILE)"
        )
    for line in dict.fromkeys(told):
        streams.err.write(line + "\n")


def _show_one(self, warn=True):
    send(self, False)
    close(self)
