"""JPEG for PIL, which is built without libjpeg here: the host decodes and encodes the coded image.

PIL's own plugin reads and writes everything around it (sizes, EXIF, colour profiles),
and finds a codec under the name that libjpeg's has.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from importlib import import_module

from memex_guest import channel, later

# What PIL calls the order of bytes in a pixel, and what the host calls it. Inks are
# stored as what they leave of the light.
_LAYOUTS = {"L": "L", "RGB": "RGB", "YCbCr": "YCbCr", "CMYK": "CMYK", "CMYK;I": "CMYK"}
# PIL's number for a stream that is broken.
_BROKEN = -2
_QUALITY = 75
# Both directions, as libjpeg has it.
_SUBSAMPLING = 2
# How many pixels a block of samples is wide and high, by the subsampling.
_BLOCKS = {0: (8, 8), 1: (16, 8), 2: (16, 16)}


def install():
    """Gives PIL its codecs once it is imported."""
    later.after("PIL.ImageFile", _register)
    # Who asks PIL what it can do has not imported the other one yet.
    later.after("PIL.Image", lambda _module: import_module("PIL.ImageFile"))


def pixels_of(core, mode, rawmode, size):
    """The pixels of a core image, in the order of bytes that `rawmode` names."""
    from PIL import Image

    encoder = Image._getencoder(mode, "raw", (rawmode, 0, 1))
    encoder.setimage(core, (0, 0, *size))
    pieces = []
    while True:
        _, code, data = encoder.encode(max(1 << 16, size[0] * 4))
        pieces.append(data)
        if code:
            break
    if code < 0:
        raise RuntimeError("encoder error " + str(code) + " in pixels_of")
    return b"".join(pieces)


def _register(files):
    from PIL import Image

    if hasattr(Image.core, "jpeg_decoder"):
        return

    class JpegDecoder(files.PyDecoder):
        """Reads the whole file: the host has no state between two calls."""

        _pulls_fd = True

        def decode(self, buffer):
            rawmode, scale = self.args[0], self.args[2] if len(self.args) > 2 else 1
            request = {"name": "jpeg.decode", "layout": _LAYOUTS[rawmode], "scale": scale}
            try:
                head, parts = channel.compute(request, (self.fd.read(),))
            except EOFError:
                head, parts = {"cut_off": True}, ()
            except ValueError:
                return -1, _BROKEN
            except NotImplementedError as error:
                raise OSError(str(error)) from None
            if head["cut_off"] and not files.LOAD_TRUNCATED_IMAGES:
                raise OSError("image file is truncated (0 bytes not processed)")
            if not parts:
                return -1, _BROKEN
            self.set_as_raw(parts[0], rawmode)
            return -1, 0

    class JpegEncoder(files.PyEncoder):
        """Writes the whole file."""

        _pushes_fd = True

        def encode_to_pyfd(self):
            rawmode, *config = self.args
            size = (self.state.xsize, self.state.ysize)
            pixels = pixels_of(self.im, self.mode, rawmode, size)
            file = _encoded(_LAYOUTS[rawmode], size, pixels, *config)
            self.fd.write(file)
            return len(file), 0

    Image.register_decoder("jpeg", JpegDecoder)
    Image.register_encoder("jpeg", JpegEncoder)
    # What `PIL.features` looks for.
    Image.core.jpeg_decoder = JpegDecoder
    Image.core.jpeg_encoder = JpegEncoder


def _encoded(layout, size, pixels, quality, progressive, _smooth, optimize, keep_rgb, streamtype, dpi, subsampling, blocks, rows, tables, comment, extra, exif):
    """A JPEG file, with what PIL wants around the image. The smoothing is libjpeg's own, and left out."""
    if keep_rgb or streamtype:
        raise OSError("JPEG files without conversion of colours, or in two parts, cannot be written here")
    if layout in ("L", "CMYK"):
        subsampling = 0
    elif subsampling < 0:
        subsampling = _SUBSAMPLING
    if rows:
        width, _ = _BLOCKS[subsampling]
        blocks = rows * -(-size[0] // width)
    request = {
        "name": "jpeg.encode",
        "layout": layout,
        "width": size[0],
        "height": size[1],
        "quality": _QUALITY if quality == -1 else min(max(quality, 1), 100),
        "subsampling": subsampling,
        "progressive": bool(progressive),
        "optimize": bool(optimize),
        "restart_blocks": min(blocks, 0xFFFF),
        "dpi": [min(max(number, 0), 0xFFFF) for number in dpi],
        "tables": tables and tables[:2],
    }
    if max(size) > 0xFFFF:
        raise OSError("a JPEG image has at most 65535 pixels a side")
    _, (file,) = channel.compute(request, (pixels,))
    # The first segment names the format.
    end = 4 + int.from_bytes(file[4:6], "big")
    pieces = [file[:end]]
    if exif:
        pieces.append(_segment(0xE1, exif))
    if extra:
        pieces.append(extra)
    if comment:
        pieces.append(_segment(0xFE, comment))
    pieces.append(file[end:])
    return b"".join(pieces)


def _segment(marker, data):
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data
