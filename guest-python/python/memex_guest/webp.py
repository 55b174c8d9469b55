"""WebP for PIL, which is built without libwebp here: what stands for its module `PIL._webp`.

A file is taken apart and put together here; the host decodes and encodes the images in it.
Images are written without loss, whatever quality is asked for.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from memex_guest import channel, later, pictures

MODULE = "PIL._webp"
webpdecoder_version = "1.0"

# Flags of an extended file.
_ANIMATED, _XMP, _EXIF, _ALPHA, _ICC = 2, 4, 8, 16, 32
_SIDE_MAX = 1 << 24
# A frame stands for itself, and is not drawn on the one before.
_NOT_BLENDED = 2
# Frames that are decoded at a time have about as many bytes in all.
_BATCH_BYTES = 8 << 20
_NO_DECODER = "could not create decoder object"


def install():
    """Makes PIL hand over the pixels of a frame once its plugin is imported."""
    later.after("PIL.WebPImagePlugin", _adopt)


class WebPAnimDecoder:
    """The frames of a file, one after the other."""

    def __init__(self, data):
        self._data = bytes(data)
        self._chunks = list(_chunks(self._data[12:]))
        self._batch = []
        self._next = 0
        self._time = 0
        try:
            self._read_sizes()
        except (IndexError, ValueError):
            raise OSError(_NO_DECODER) from None

    def _read_sizes(self):
        # A file that is cut off is none.
        if 8 + _number(self._data, 4, 4) > len(self._data):
            raise ValueError
        name, first = self._chunks[0]
        self._loop, self._background = 1, 0xFFFFFFFF
        self._durations = [0]
        if name == b"VP8X":
            flags, self._size = first[0], (1 + _number(first, 4, 3), 1 + _number(first, 7, 3))
        else:
            flags, self._size = 0, _coded_size(name, first)
            if name == b"VP8L":
                flags = _ALPHA if first[4] & 0x10 else 0
        self._has_alpha = bool(flags & _ALPHA)
        if flags & _ANIMATED:
            animation = dict(reversed(self._chunks))[b"ANIM"]
            self._background, self._loop = _number(animation, 0, 4), _number(animation, 4, 2)
            self._durations = [_number(frame, 12, 3) for name, frame in self._chunks if name == b"ANMF"]
            if not self._durations:
                raise ValueError
        elif name == b"VP8X" and not {b"VP8 ", b"VP8L"} & {name for name, _ in self._chunks}:
            raise ValueError

    def get_info(self):
        """The size, the loops, the background, the number of frames and the mode."""
        return self._size, self._loop, self._background, len(self._durations), "RGBA" if self._has_alpha else "RGB"

    def get_chunk(self, name):
        """The contents of the first chunk of that name, or None."""
        wanted = name.encode("ascii")
        for found, data in self._chunks:
            if found == wanted:
                return bytes(data)
        return None

    def get_next(self):
        """The pixels of the next frame and the time at which it ends, or None."""
        if self._next >= len(self._durations):
            return None
        if not self._batch:
            frame = self._size[0] * self._size[1] * 4
            count = min(max(1, _BATCH_BYTES // frame), len(self._durations) - self._next)
            try:
                _, (pixels,) = channel.compute({"name": "webp.decode", "first": self._next, "count": count}, (self._data,))
            except (EOFError, ValueError, NotImplementedError):
                return None
            length = len(pixels) // count
            self._batch = [pixels[at : at + length] for at in range(0, len(pixels), length)][::-1]
        self._time += self._durations[self._next]
        self._next += 1
        return self._batch.pop(), self._time

    def reset(self):
        """Goes back to the first frame."""
        self._batch = []
        self._next = self._time = 0


class WebPAnimEncoder:
    """Collects frames, each of which is written whole."""

    def __init__(self, size, background, loop, *_ways_to_save_bytes):
        self._size, self._background, self._loop = size, background, loop
        self._frames = []
        self._times = []

    def add(self, frame, time, *_quality):
        """Takes the frame that is shown from a time on; None ends the last one."""
        self._times.append(time)
        if frame is not None:
            if frame.size != self._size:
                raise OSError("a frame is not of the size of the image")
            self._frames.append((frame.has_alpha, _coded(frame)))

    def assemble(self, icc, exif, xmp):
        """The file."""
        chunks = [(b"ANIM", self._background.to_bytes(4, "little") + self._loop.to_bytes(2, "little"))]
        head = bytes(6) + _three(self._size[0] - 1) + _three(self._size[1] - 1)
        for (_, coded), begun, ended in zip(self._frames, self._times, self._times[1:]):
            duration = _three(min(max(ended - begun, 0), _SIDE_MAX - 1))
            chunks.append((b"ANMF", head + duration + bytes((_NOT_BLENDED,)) + _chunk(b"VP8L", coded)))
        has_alpha = any(has_alpha for has_alpha, _ in self._frames)
        return _file(self._size, _ANIMATED | (_ALPHA if has_alpha else 0), chunks, icc, exif, xmp)


def WebPEncode(frame, _lossless, _quality, _alpha_quality, icc, _method, _exact, exif, xmp):
    """The file of a single image."""
    coded = _coded(frame)
    if not (icc or exif or xmp):
        return _riff(_chunk(b"VP8L", coded))
    return _file(frame.size, _ALPHA if frame.has_alpha else 0, [(b"VP8L", coded)], icc, exif, xmp)


class _Frame:
    """An image for the encoder, where PIL passes a pointer."""

    def __init__(self, image):
        image.load()
        self.size, self.has_alpha = image.size, image.mode == "RGBA"
        self.pixels = pictures.pixels_of(image.im, image.mode, "RGBA" if self.has_alpha else "RGB", image.size)

    def getim(self):
        """Itself."""
        return self


def _adopt(plugin):
    if plugin._webp.WebPEncode is not WebPEncode:
        return
    convert = plugin._convert_frame
    plugin._convert_frame = lambda image: _Frame(convert(image))


def _coded(frame):
    width, height = frame.size
    request = {"name": "webp.encode", "width": width, "height": height, "has_alpha": frame.has_alpha}
    _, (file,) = channel.compute(request, (frame.pixels,))
    return dict(_chunks(file[12:]))[b"VP8L"]


def _file(size, flags, chunks, icc, exif, xmp):
    """An extended file."""
    before, after = [], []
    for flag, place, name, data in ((_ICC, before, b"ICCP", icc), (_EXIF, after, b"EXIF", exif), (_XMP, after, b"XMP ", xmp)):
        if data:
            flags |= flag
            place.append((name, data.encode("utf-8") if isinstance(data, str) else data))
    head = (b"VP8X", bytes((flags, 0, 0, 0)) + _three(size[0] - 1) + _three(size[1] - 1))
    return _riff(b"".join(_chunk(*chunk) for chunk in (head, *before, *chunks, *after)))


def _riff(body):
    return _chunk(b"RIFF", b"WEBP" + body)


def _chunk(name, data):
    return b"".join((name, len(data).to_bytes(4, "little"), data, bytes(len(data) % 2)))


def _chunks(data):
    """The names and the contents of chunks; the last may be cut off."""
    data = memoryview(data)
    at = 0
    while at + 8 <= len(data):
        length = _number(data, at + 4, 4)
        yield bytes(data[at : at + 4]), data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _coded_size(name, data):
    if name == b"VP8 " and len(data) >= 10:
        return _number(data, 6, 2) & 0x3FFF, _number(data, 8, 2) & 0x3FFF
    if name == b"VP8L" and len(data) >= 5:
        bits = _number(data, 1, 4)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise ValueError


def _number(data, at, size):
    if at + size > len(data):
        raise ValueError
    return int.from_bytes(data[at : at + size], "little")


def _three(number):
    return number.to_bytes(3, "little")
