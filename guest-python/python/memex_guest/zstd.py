"""Zstandard: what stands for the module `_zstd` under `compression.zstd`.

The host compresses and decompresses whole frames. A compressor keeps what it is given
until a frame is to end; a decompressor keeps it until one has ended, for which the
lengths of blocks are enough.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from memex_guest import channel

MODULE = "_zstd"
zstd_version_number = 10507
zstd_version = "1.5.7"
ZSTD_CLEVEL_DEFAULT = 3
ZSTD_DStreamOutSize = 1 << 17

# The numbers that zstd.h has for parameters, and the least and the greatest value of each.
_BOUNDS = {
    "compressionLevel": (100, -131072, 22),
    "windowLog": (101, 10, 27),
    "hashLog": (102, 6, 30),
    "chainLog": (103, 6, 29),
    "searchLog": (104, 1, 29),
    "minMatch": (105, 3, 7),
    "targetLength": (106, 0, 131072),
    "strategy": (107, 1, 9),
    "enableLongDistanceMatching": (160, 0, 1),
    "ldmHashLog": (161, 6, 30),
    "ldmMinMatch": (162, 4, 4096),
    "ldmBucketSizeLog": (163, 1, 8),
    "ldmHashRateLog": (164, 0, 25),
    "contentSizeFlag": (200, 0, 1),
    "checksumFlag": (201, 0, 1),
    "dictIDFlag": (202, 0, 1),
    "nbWorkers": (400, 0, 0),
    "jobSize": (401, 0, 1 << 30),
    "overlapLog": (402, 0, 9),
}
for _name, (_number, _least, _most) in _BOUNDS.items():
    globals()["ZSTD_c_" + _name] = _number
ZSTD_d_windowLogMax = 100
for _number, _name in enumerate(("fast", "dfast", "greedy", "lazy", "lazy2", "btlazy2", "btopt", "btultra", "btultra2"), 1):
    globals()["ZSTD_" + _name] = _number
_bounds_of = {number: (name, least, most) for name, (number, least, most) in _BOUNDS.items()}
_DECOMPRESSION = {ZSTD_d_windowLogMax: ("windowLogMax", 10, 27)}

_MAGIC = 0xFD2FB528
_MAGIC_SKIPPED = 0x184D2A50
_MAGIC_DICTIONARY = 0xEC30A437
# What is compressed at a time at most: a longer input becomes several frames.
FRAME_BYTES_MAX = 32 << 20
# What is decompressed at a time. A window is reached by decompressing those before it again.
_WINDOW_BYTES = 32 << 20


class ZstdError(Exception):
    """A frame, a dictionary or a parameter is wrong."""


class ZstdDict:
    """A dictionary, or raw content that stands before that of a frame."""

    def __init__(self, dict_content, /, *, is_raw=False):
        content = bytes(dict_content)
        if len(content) < 8:
            raise ValueError("Zstandard dictionary content too short (must have at least eight bytes)")
        is_dictionary = int.from_bytes(content[:4], "little") == _MAGIC_DICTIONARY
        if not is_raw and not is_dictionary:
            raise ValueError("invalid Zstandard dictionary")
        self.dict_content = content
        self.dict_id = int.from_bytes(content[4:8], "little") if is_dictionary else 0

    # The ways to load it differ in speed only.
    as_digested_dict = as_undigested_dict = as_prefix = property(lambda self: self)

    def __len__(self):
        return len(self.dict_content)

    def __repr__(self):
        return "<ZstdDict dict_id=" + str(self.dict_id) + " dict_size=" + str(len(self)) + ">"


class ZstdCompressor:
    """Collects data, and compresses them when a frame ends."""

    CONTINUE, FLUSH_BLOCK, FLUSH_FRAME = range(3)

    def __init__(self, level=None, options=None, zstd_dict=None):
        if level is not None and options is not None:
            raise TypeError("Only one of level or options should be used.")
        options = {} if options is None else checked(options, _bounds_of, "compression")
        if level is not None:
            options = checked({100: level}, _bounds_of, "compression")
        self._options, self._dictionary = options, _content_of(zstd_dict)
        self._pieces, self._size = [], 0
        self._has_frame = False
        self.last_mode = self.FLUSH_FRAME

    def compress(self, data, mode=CONTINUE):
        """Takes data; the compressed frames so far, where one ends."""
        if mode not in (self.CONTINUE, self.FLUSH_BLOCK, self.FLUSH_FRAME):
            raise ValueError("mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME.")
        data = bytes(data)
        self._pieces.append(data)
        self._size += len(data)
        self.last_mode = mode
        if mode == self.CONTINUE and self._size < FRAME_BYTES_MAX:
            return b""
        return self._frames(mode == self.FLUSH_FRAME)

    def flush(self, mode=FLUSH_FRAME):
        """The compressed frames of what was taken."""
        if mode not in (self.FLUSH_BLOCK, self.FLUSH_FRAME):
            raise ValueError("mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK.")
        self.last_mode = mode
        return self._frames(mode == self.FLUSH_FRAME)

    def set_pledged_input_size(self, size, /):
        """Does nothing: a frame says what it holds."""

    def _frames(self, is_end):
        data = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        # An end after what ended by itself, or after nothing at all, is an empty frame.
        if not data and (self._has_frame or not is_end):
            self._has_frame = self._has_frame and not is_end
            return b""
        self._has_frame = not is_end
        steps = range(0, len(data) or 1, FRAME_BYTES_MAX)
        return b"".join(compressed(data[at : at + FRAME_BYTES_MAX], self._options, self._dictionary) for at in steps)


class ZstdDecompressor:
    """Collects a frame, and decompresses it when it has ended."""

    def __init__(self, zstd_dict=None, options=None):
        if options is not None:
            checked(options, _DECOMPRESSION, "decompression")
        self._dictionary = _content_of(zstd_dict)
        self._input = bytearray()
        self._scanner = Scanner()
        self._frame, self._after = None, b""
        self._output = memoryview(b"")
        self._at = 0
        self._is_last = False
        self.eof, self.needs_input, self.unused_data = False, True, b""

    def decompress(self, data, max_length=-1):
        """What the frame holds, as far as it is known and wanted."""
        if self.eof:
            raise EOFError("Already at the end of a Zstandard frame.")
        if self._frame is None:
            self._input += data
            end = self._scanner.end(self._input)
            if end is None:
                return b""
            self._frame = bytes(self._input[:end])
            self._after = bytes(self._input[end:])
            self._input = bytearray()
        elif data:
            self._after += bytes(data)
        self.needs_input = False
        pieces, wanted = [], max_length
        while wanted != 0:
            if not self._output:
                if self._is_last:
                    break
                self._output, self._is_last = content(self._frame, self._dictionary, self._at, _WINDOW_BYTES)
                self._at += len(self._output)
                continue
            piece = self._output if wanted < 0 else self._output[:wanted]
            self._output = self._output[len(piece) :]
            wanted -= len(piece) if wanted > 0 else 0
            pieces.append(piece)
        self.eof = self._is_last and not self._output
        if self.eof:
            self.unused_data, self._frame = self._after, b""
        return b"".join(pieces)


class Scanner:
    """Finds where a frame ends, in bytes that grow."""

    def __init__(self):
        self._at = None
        self._has_checksum = False

    def end(self, data):
        """Where the frame that the bytes begin with ends; None, while that is not known."""
        size = len(data)
        if self._at is None:
            header = header_of(data)
            if header is None:
                return None
            if header[0] is None:
                end = header[1]
                return end if size >= end else None
            self._at, self._has_checksum = header[0], header[2]
        while size - self._at >= 3:
            block = int.from_bytes(data[self._at : self._at + 3], "little")
            kind = block >> 1 & 3
            if kind == 3:
                raise ZstdError("Unable to decompress Zstandard data: Data corruption detected")
            next_at = self._at + 3 + (1 if kind == 1 else block >> 3)
            if block & 1:
                end = next_at + (4 if self._has_checksum else 0)
                return end if size >= end else None
            if next_at > size:
                return None
            self._at = next_at
        return None


def header_of(data):
    """Of a frame: the length of its header, what it holds or None, whether a checksum follows, and its
    dictionary. Of one to be skipped: None and its length. None, where the header is cut off."""
    if len(data) < 4:
        if bytes(data) not in _beginnings(len(data)):
            raise ZstdError("Unable to decompress Zstandard data: Unknown frame descriptor")
        return None
    magic = int.from_bytes(data[:4], "little")
    if magic & 0xFFFFFFF0 == _MAGIC_SKIPPED:
        return (None, 8 + int.from_bytes(data[4:8], "little")) if len(data) >= 8 else None
    if magic != _MAGIC:
        raise ZstdError("Unable to decompress Zstandard data: Unknown frame descriptor")
    if len(data) < 5:
        return None
    descriptor = data[4]
    is_single = descriptor >> 5 & 1
    name_bytes = (0, 1, 2, 4)[descriptor & 3]
    size_bytes = (is_single, 2, 4, 8)[descriptor >> 6]
    at = 5 + (not is_single)
    end = at + name_bytes + size_bytes
    if len(data) < end:
        return None
    dictionary = int.from_bytes(data[at : at + name_bytes], "little")
    size = int.from_bytes(data[at + name_bytes : end], "little") + (256 if size_bytes == 2 else 0)
    return end, size if size_bytes else None, bool(descriptor >> 2 & 1), dictionary


def _beginnings(length):
    skipped = [(_MAGIC_SKIPPED + number).to_bytes(4, "little")[:length] for number in range(16)]
    return [_MAGIC.to_bytes(4, "little")[:length], *skipped]


def compressed(data, options, dictionary):
    """One frame of data."""
    request = {
        "name": "zstd.compress",
        "level": options.get(100) or ZSTD_CLEVEL_DEFAULT,
        "checksum": bool(options.get(201, 0)),
        "content_size": bool(options.get(200, 1)),
        "dictionary_id": bool(options.get(202, 1)),
        "window_log": options.get(101) or None,
        "long_distance": bool(options.get(160, 0)),
    }
    try:
        _, (frame,) = channel.compute(request, (data, dictionary) if dictionary else (data,))
    except ValueError as error:
        raise ZstdError("Unable to compress Zstandard data: " + str(error)) from None
    return bytes(frame)


def content(frame, dictionary, skip, most):
    """A part of what a frame holds, and whether it is the last."""
    if int.from_bytes(frame[:4], "little") != _MAGIC:
        return memoryview(b""), True
    request = {"name": "zstd.decompress", "skip": skip, "most": most}
    try:
        head, (part,) = channel.compute(request, (frame, dictionary) if dictionary else (frame,))
    except (EOFError, ValueError) as error:
        raise ZstdError("Unable to decompress Zstandard data: " + str(error)) from None
    return part, head["is_done"]


def checked(options, bounds, what):
    """Parameters by their numbers. Those that only tune the search have no effect here."""
    if not isinstance(options, dict):
        raise TypeError("options argument should be dict object.")
    numbers = {}
    for key, value in options.items():
        if int(key) not in bounds:
            raise ZstdError("invalid " + what + " parameter 'unknown parameter (key " + str(int(key)) + ")'")
        name, least, most = bounds[int(key)]
        if not isinstance(value, int):
            raise TypeError("parameter value should be an int")
        if not least <= value <= most and not (value == 0 and int(key) != 100):
            raise ValueError(what + " parameter '" + name + "' received an illegal value " + str(value) + "; the valid range is [" + str(least) + ", " + str(most) + "]")
        numbers[int(key)] = int(value)
    return numbers


def _content_of(zstd_dict):
    if zstd_dict is None:
        return b""
    if isinstance(zstd_dict, tuple):
        zstd_dict = zstd_dict[0]
    if not isinstance(zstd_dict, ZstdDict):
        raise TypeError("zstd_dict argument should be a ZstdDict object.")
    return zstd_dict.dict_content


def get_frame_info(frame_buffer):
    """What a frame holds, if it says so, and the number of its dictionary."""
    header = header_of(bytes(memoryview(frame_buffer)[:18]))
    if header is None:
        raise ZstdError("Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete header.")
    return (None, 0) if header[0] is None else (header[1], header[3])


def get_frame_size(frame_buffer):
    """The length of the frame that the bytes begin with."""
    end = Scanner().end(bytes(frame_buffer))
    if end is None:
        raise ZstdError("Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete frame.")
    return end


def get_param_bounds(parameter, is_compress):
    """The least and the greatest value of a parameter."""
    bounds = _bounds_of if is_compress else _DECOMPRESSION
    if parameter not in bounds:
        raise ZstdError("Unable to get zstd parameter bounds: Unsupported parameter")
    return bounds[parameter][1:]


def set_parameter_types(c_parameter_type, d_parameter_type):
    """Does nothing: parameters are known by their numbers."""


def train_dict(*_arguments):
    """Is not there."""
    raise NotImplementedError("dictionaries cannot be trained here; load one that was trained elsewhere")


finalize_dict = train_dict
