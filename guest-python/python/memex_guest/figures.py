"""Figures of matplotlib: shown as PNG at `plt.show()` and at the end of a turn."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import os
import sys
import warnings
from io import BytesIO

from memex_guest import text

FIGURES_MAX = 50
PNG_MAX_BYTES = 15 * 1024 * 1024

# The open figures by number, as matplotlib keeps them; empty until it is imported.
pending = {}
_gcf = None
_send = None
_modules = sys.modules


def install(send):
    """Sets the environment for matplotlib; `send(data, parts, main)` takes each picture."""
    global _send
    _send = send
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("MPLCONFIGDIR", "/tmp/matplotlib")
    adopt()


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
        _send({"text/plain": label + " (not drawn: " + text.summary(error, 500) + ")"}, {}, main)
        return
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
    figure.savefig(file, format="png", bbox_inches="tight" if figure.axes else None)
    return file.getvalue()


def _show_one(self, warn=True):
    send(self, False)
    close(self)
