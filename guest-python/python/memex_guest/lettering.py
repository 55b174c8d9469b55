"""TrueType fonts for PIL, which is built without FreeType here: what stands for its module `PIL._imagingft`.

matplotlib brings a FreeType of its own, which loads and draws the glyphs; they are laid out one behind the
other, as PIL does without Raqm.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import io
import os
from importlib import import_module as _import

MODULE = "PIL._imagingft"
freetype2_version = "2.14"
HAVE_RAQM = HAVE_FRIBIDI = HAVE_HARFBUZZ = False
raqm_version = fribidi_version = harfbuzz_version = None
# The widest outline that is drawn around glyphs.
_STROKE_MAX = 256


def getfont(filename, size=10, index=0, encoding="", font_bytes=b"", layout_engine=0):
    """A font of a file or of its bytes."""
    return Font(io.BytesIO(font_bytes) if font_bytes else filename, size, index)


class Font:
    """A face in a size."""

    def __init__(self, source, size, index):
        ft2font = _import("matplotlib.ft2font")
        if not hasattr(source, "read") and not os.path.isfile(source):
            source = _among_ours(os.fspath(source))
        try:
            self._face = ft2font.FT2Font(source, face_index=index, hinting_factor=1)
        except (RuntimeError, ValueError, TypeError):
            raise OSError("unknown file format") from None
        self._face.set_size(size, 72)
        self._flags = ft2font.LoadFlags
        self._kerning = ft2font.Kerning.DEFAULT
        scale = size / (self._face.units_per_EM or 1)
        self.family, self.style = self._face.family_name, self._face.style_name
        self.glyphs = self._face.num_glyphs
        self.ascent, self.descent = -int(-self._face.ascender * scale // 1), -int(self._face.descender * scale // 1)
        self.height = int(self._face.height * scale + 0.5)
        self.x_ppem = self.y_ppem = int(size + 0.5)

    def _laid_out(self, text, mode):
        """The glyphs with the places of their origins, in 64ths of a pixel, and the length of all."""
        if isinstance(text, (bytes, bytearray)):
            text = text.decode("latin-1")
        flags = self._flags.NO_BITMAP | (self._flags.TARGET_MONO if mode == "1" else self._flags.DEFAULT)
        glyphs, place, before = [], 0, 0
        for character in text:
            index = self._face.get_char_index(ord(character))
            glyph = self._face.load_glyph(index, flags)
            if before and index:
                # As PIL has it: whole pixels as parts of one.
                place += self._face.get_kerning(before, index, self._kerning) + 32 >> 6
            glyphs.append((glyph, place))
            place += glyph.horiAdvance
            before = index
        return glyphs, place

    def getlength(self, text, mode="", direction=None, features=None, lang=None):
        """The length of a text, in 64ths of a pixel."""
        return self._laid_out(text, mode)[1]

    def getsize(self, text, mode="", direction=None, features=None, lang=None, anchor=None):
        """The size of a text's box, and where it begins."""
        glyphs, length = self._laid_out(text, mode)
        left, top, right, bottom = self._box(glyphs, length)
        across, up = self._anchor(anchor, length, top, bottom, direction)
        return (right - left, top - bottom), (left - across, up - top)

    def _box(self, glyphs, length):
        """The box around glyphs and the way that they take, with its origin at the base line."""
        left = right = top = bottom = 0
        for number, (glyph, place) in enumerate(glyphs):
            x0, y0, x1, y1 = _pixels(glyph)
            at = _rounded(place)
            left, right = min(left, at + x0), max(right, at + x1, _rounded(place + glyph.horiAdvance))
            if x1 > x0 and y1 > y0 or number == 0:
                top, bottom = (y1, y0) if number == 0 else (max(top, y1), min(bottom, y0))
        return left, top, right, bottom

    def _anchor(self, anchor, length, top, bottom, direction):
        """The place of the anchor: across, and above the base line."""
        anchor = anchor or "la"
        if direction == "ttb":
            raise ValueError("vertical text needs Raqm, which is not there")
        if len(anchor) != 2 or anchor[0] not in "lmr" or anchor[1] not in "asdtmb":
            raise ValueError("bad anchor specified")
        across = {"l": 0, "m": length // 2, "r": length}[anchor[0]]
        middle = (self.ascent - self.descent + 1) // 2
        up = {"a": self.ascent, "m": middle, "s": 0, "d": -self.descent, "t": top, "b": bottom}[anchor[1]]
        return _rounded(across), up

    def render(self, text, fill, mode="", direction=None, features=None, lang=None, stroke_width=0, stroke_filled=False, anchor=None, ink=0, start=(0, 0), *_more):
        """A picture of the text, and where it begins."""
        numpy, image = _import("numpy"), _import("PIL.Image")
        glyphs, length = self._laid_out(text, mode)
        left, top, right, bottom = self._box(glyphs, length)
        across, up = self._anchor(anchor, length, top, bottom, direction)
        margin = -int(-stroke_width // 1)
        if margin > _STROKE_MAX:
            raise ValueError("the stroke is wider than " + str(_STROKE_MAX) + " pixels")
        width, height = right - left + 2 * margin, top - bottom + 2 * margin
        offset = (left - across - margin, up - top - margin)
        filled = fill(width, height)
        if width <= 0 or height <= 0:
            return filled, offset
        canvas = numpy.zeros((height, width), dtype=numpy.uint8)
        for glyph, place in glyphs:
            x0, y0, x1, y1 = _pixels(glyph)
            if x1 <= x0 or y1 <= y0:
                continue
            # It draws from the origin on, and takes the place of its first row.
            own = numpy.zeros((y1 - y0 + 2, x1 - x0 + 2), dtype=numpy.uint8)
            self._face.draw_glyph_to_bitmap(own, -x0, 0, glyph, antialiased=mode != "1")
            row, column = margin + top - y1, margin + _rounded(place) + x0 - left
            own = own[: height - row, : width - column]
            part = canvas[row : row + own.shape[0], column : column + own.shape[1]]
            numpy.maximum(part, own[: part.shape[0], : part.shape[1]], out=part)
        if stroke_width:
            canvas = _widened(numpy, canvas, stroke_width)
        picture = image.frombytes("L", (width, height), canvas.tobytes())
        if mode == "RGBA":
            # Glyphs without colours of their own, in the colour of the ink.
            bands = [image.new("L", (width, height), ink >> shift & 0xFF) for shift in (0, 8, 16)]
            picture = image.merge("RGBA", (*bands, picture))
        filled.paste(picture.im, (0, 0, width, height))
        return filled, offset

    def getvarnames(self):
        """Nothing: fonts that vary are used as they are."""
        raise NotImplementedError("fonts that vary are not supported here")

    getvaraxes = setvarname = setvaraxes = getvarnames


def _among_ours(path):
    """The font of that name that matplotlib brings: others are nowhere on this machine."""
    name = os.path.basename(path)
    folder = os.path.join(_import("matplotlib").get_data_path(), "fonts", "ttf")
    found = os.path.join(folder, name if isinstance(name, str) else os.fsdecode(name))
    if not os.path.isfile(found):
        raise OSError("cannot open resource")
    return found


def _pixels(glyph):
    """The box of a glyph in whole pixels."""
    x0, y0, x1, y1 = glyph.bbox
    return x0 >> 6, y0 >> 6, x1 + 63 >> 6, y1 + 63 >> 6


def _rounded(place):
    return place + 32 >> 6


def _widened(numpy, canvas, width):
    """Each pixel as dark as the darkest one within a circle, whose edge is soft."""
    reach = -int(-width // 1)
    out = canvas.copy()
    rows, columns = canvas.shape
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            weight = min(width + 1 - (down * down + across * across) ** 0.5, 1)
            if weight <= 0 or abs(down) >= rows or abs(across) >= columns:
                continue
            to = (slice(max(down, 0), rows + min(down, 0)), slice(max(across, 0), columns + min(across, 0)))
            source = (slice(max(-down, 0), rows + min(-down, 0)), slice(max(-across, 0), columns + min(-across, 0)))
            there = canvas[source] if weight == 1 else (canvas[source] * weight).astype(numpy.uint8)
            numpy.maximum(out[to], there, out=out[to])
    return out
