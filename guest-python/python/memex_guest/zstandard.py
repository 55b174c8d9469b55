"""The names of the package `zstandard`, on the frames of `zstd`."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import io

from memex_guest import zstd

MODULE = "zstandard"
__version__ = "0.25.0"
ZSTD_VERSION = (1, 5, 7)
backend = "host"
MAX_COMPRESSION_LEVEL = 22
MAGIC_NUMBER = 0xFD2FB528
FRAME_HEADER = b"\x28\xb5\x2f\xfd"
CONTENTSIZE_UNKNOWN = (1 << 64) - 1
CONTENTSIZE_ERROR = (1 << 64) - 2
FLUSH_BLOCK, FLUSH_FRAME = 0, 1
COMPRESSOBJ_FLUSH_FINISH, COMPRESSOBJ_FLUSH_BLOCK = 0, 1
COMPRESSION_RECOMMENDED_INPUT_SIZE = COMPRESSION_RECOMMENDED_OUTPUT_SIZE = 1 << 17
DECOMPRESSION_RECOMMENDED_INPUT_SIZE = DECOMPRESSION_RECOMMENDED_OUTPUT_SIZE = 1 << 17
_READ_BYTES = 1 << 17


class ZstdError(Exception):
    """A frame or a parameter is wrong."""


class FrameParameters:
    """What the header of a frame says."""

    def __init__(self, content_size, window_size, dict_id, has_checksum):
        self.content_size, self.window_size = content_size, window_size
        self.dict_id, self.has_checksum = dict_id, has_checksum


class ZstdCompressionDict:
    """A dictionary."""

    def __init__(self, data, dict_type=0, k=0, d=0):
        self._data = bytes(data)

    def as_bytes(self):
        """Its bytes."""
        return self._data

    def dict_id(self):
        """Its number, or 0."""
        return zstd.ZstdDict(self._data, is_raw=True).dict_id

    def __len__(self):
        return len(self._data)


class ZstdCompressor:
    """Compresses, in one piece or as a stream."""

    def __init__(self, level=3, dict_data=None, compression_params=None, write_checksum=None, write_content_size=None, write_dict_id=None, threads=0):
        if compression_params is not None:
            raise NotImplementedError("compression_params are not supported here: use level")
        if level > MAX_COMPRESSION_LEVEL:
            raise ValueError("level must be less than " + str(MAX_COMPRESSION_LEVEL + 1))
        self._options = {100: level, 201: bool(write_checksum), 200: write_content_size is not False, 202: write_dict_id is not False}
        self._dictionary = dict_data.as_bytes() if dict_data is not None else b""

    def compress(self, data):
        """One frame, or several of a very long input."""
        data = bytes(data)
        step = zstd.FRAME_BYTES_MAX
        return b"".join(_own(zstd.compressed, data[at : at + step], self._options, self._dictionary) for at in range(0, len(data) or 1, step))

    def compressobj(self, size=-1):
        """An object with `compress` and `flush`."""
        return _Compressing(self)

    def stream_writer(self, writer, size=-1, write_size=_READ_BYTES, write_return_read=True, closefd=True):
        """A file that compresses what is written to it."""
        return _Writer(writer, _Compressing(self), closefd)

    def stream_reader(self, source, size=-1, read_size=_READ_BYTES, closefd=True):
        """A file of the compressed source."""
        return _Reader(_pieces(source, read_size, _Compressing(self)), source, closefd)

    def read_to_iter(self, reader, size=-1, read_size=_READ_BYTES, write_size=_READ_BYTES):
        """The compressed source in pieces."""
        return _pieces(reader, read_size, _Compressing(self))

    def copy_stream(self, ifh, ofh, size=-1, read_size=_READ_BYTES, write_size=_READ_BYTES):
        """Compresses one file into another; the bytes that were read and written."""
        return _copied(ifh, ofh, read_size, _Compressing(self))


class ZstdDecompressor:
    """Decompresses, in one piece or as a stream."""

    def __init__(self, dict_data=None, max_window_size=0, format=0):
        self._dictionary = dict_data.as_bytes() if dict_data is not None else b""

    def decompress(self, data, max_output_size=0, read_across_frames=False, allow_extra_data=True):
        """What the first frame holds."""
        if read_across_frames:
            raise ZstdError("ZstdDecompressor.read_across_frames=True is not yet implemented")
        data = bytes(data)
        size = frame_content_size(data)
        end = _own(zstd.Scanner().end, data)
        if size == -1 and not max_output_size:
            raise ZstdError("could not determine content size in frame header")
        if end is None:
            raise ZstdError("decompression error: did not decompress full frame")
        if not allow_extra_data and end < len(data):
            raise ZstdError("compressed input contains " + str(len(data) - end) + " bytes of unused data, which is disallowed")
        if size == 0:
            return b""
        pieces, held = [], 0
        for piece in _contents(data[:end], self._dictionary):
            held += len(piece)
            if max_output_size and size == -1 and held > max_output_size:
                raise ZstdError("decompression error: did not decompress full frame")
            pieces.append(piece)
        return b"".join(pieces)

    def decompressobj(self, write_size=_READ_BYTES, read_across_frames=False):
        """An object with `decompress`."""
        return _Decompressing(self._dictionary, read_across_frames)

    def stream_writer(self, writer, write_size=_READ_BYTES, write_return_read=True, closefd=True):
        """A file that decompresses what is written to it."""
        return _Writer(writer, _Decompressing(self._dictionary, True), closefd)

    def stream_reader(self, source, read_size=_READ_BYTES, read_across_frames=False, closefd=True):
        """A file of the decompressed source."""
        return _Reader(_pieces(source, read_size, _Decompressing(self._dictionary, read_across_frames)), source, closefd)

    def read_to_iter(self, reader, read_size=_READ_BYTES, write_size=_READ_BYTES, skip_bytes=0):
        """The decompressed source in pieces."""
        return _pieces(reader, read_size, _Decompressing(self._dictionary, False))

    def copy_stream(self, ifh, ofh, read_size=_READ_BYTES, write_size=_READ_BYTES):
        """Decompresses one file into another; the bytes that were read and written."""
        return _copied(ifh, ofh, read_size, _Decompressing(self._dictionary, True))


class _Compressing:
    def __init__(self, compressor):
        self._compressor = compressor
        self._held, self._size, self._has_frame, self._is_over = [], 0, False, False

    def compress(self, data):
        """Takes data; frames of them, once there are many."""
        if self._is_over:
            raise ZstdError("cannot call compress() after compressor finished")
        self._held.append(bytes(data))
        self._size += len(self._held[-1])
        return self._frame() if self._size >= zstd.FRAME_BYTES_MAX else b""

    def flush(self, flush_mode=COMPRESSOBJ_FLUSH_FINISH):
        """The frame of what was taken."""
        if self._is_over:
            raise ZstdError("compressor object already finished")
        self._is_over = flush_mode == COMPRESSOBJ_FLUSH_FINISH
        if self._size or self._is_over and not self._has_frame:
            return self._frame()
        return b""

    def _frame(self):
        data = b"".join(self._held)
        self._held, self._size, self._has_frame = [], 0, True
        return self._compressor.compress(data)

    finish = flush


class _Decompressing:
    def __init__(self, dictionary, read_across_frames):
        self._dictionary, self._goes_on = dictionary, read_across_frames
        self._input, self._scanner = bytearray(), zstd.Scanner()
        self.eof, self.unused_data, self.unconsumed_tail = False, b"", b""

    def decompress(self, data):
        """What the frames hold that have ended."""
        if self.eof and not self._goes_on:
            raise ZstdError("cannot use a decompressobj multiple times")
        self._input += data
        pieces = []
        while self._input:
            end = _own(self._scanner.end, self._input)
            if end is None:
                break
            pieces.extend(_contents(bytes(self._input[:end]), self._dictionary))
            self._scanner = zstd.Scanner()
            self._input = self._input[end:]
            if not self._goes_on:
                self.eof, self.unused_data, self._input = True, bytes(self._input), bytearray()
        return b"".join(pieces)

    # The same as a compressing one for those who do not care.
    compress = decompress

    def flush(self, length=0):
        """Nothing: what has ended has been returned."""
        return b""

    def finish(self):
        """Nothing, unless a frame has not ended."""
        if self._input:
            raise ZstdError("zstd decompress error: the last frame is cut off")
        return b""


class _Writer(io.RawIOBase):
    def __init__(self, writer, coder, closefd):
        self._writer, self._coder, self._closes, self._told = writer, coder, closefd, 0

    def writable(self):
        return True

    def write(self, data):
        if self.closed:
            raise ValueError("stream is closed")
        out = self._coder.compress(data)
        self._told += len(out)
        self._writer.write(out)
        return memoryview(data).nbytes

    def flush(self, flush_mode=FLUSH_BLOCK):
        """Ends a frame, where data were written since the last one."""
        if not self.closed and type(self._coder) is _Compressing:
            out = self._coder.flush(COMPRESSOBJ_FLUSH_BLOCK)
            self._told += len(out)
            self._writer.write(out)

    def tell(self):
        return self._told

    def memory_size(self):
        """What it holds."""
        return _READ_BYTES

    def close(self):
        if self.closed:
            return
        try:
            if type(self._coder) is _Compressing and not self._coder._is_over:
                self._writer.write(self._coder.flush())
        finally:
            self._coder = _Closed
            super().close()
            if self._closes and hasattr(self._writer, "close"):
                self._writer.close()


class _Closed:
    """What remains of a coder."""


class _Reader(io.RawIOBase):
    def __init__(self, pieces, source, closefd):
        self._pieces, self._source, self._closes = pieces, source, closefd
        self._held, self._told = memoryview(b""), 0

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        self._told += count
        return count

    def read(self, size=-1):
        if size is None or size < 0:
            return self.readall()
        out = bytearray()
        while len(out) < size:
            piece = super().read(size - len(out))
            if not piece:
                break
            out += piece
        return bytes(out)

    def read1(self, size=-1):
        """What there is, at most so much."""
        return super().read(size if size and size > 0 else _READ_BYTES)

    readinto1 = readinto

    def tell(self):
        return self._told

    def close(self):
        if not self.closed:
            super().close()
            if self._closes and hasattr(self._source, "close"):
                self._source.close()


def _pieces(source, read_size, coder):
    """What a coder makes of a source: bytes, or a file."""
    file = source if hasattr(source, "read") else io.BytesIO(source)
    while not getattr(coder, "eof", False):
        data = file.read(read_size)
        piece = coder.compress(data) if data else coder.finish()
        if piece:
            yield piece
        if not data:
            return


def _copied(source, target, read_size, coder):
    read = written = 0
    while True:
        data = source.read(read_size)
        read += len(data)
        out = coder.compress(data) if data else coder.finish()
        target.write(out)
        written += len(out)
        if not data:
            return read, written


def _contents(frame, dictionary):
    """What a frame holds, in pieces."""
    at, is_last = 0, False
    while not is_last:
        piece, is_last = _own(zstd.content, frame, dictionary, at, zstd._WINDOW_BYTES)
        at += len(piece)
        yield piece


def _headed(data):
    """The header of a frame, which must be one."""
    try:
        header = zstd.header_of(data)
    except zstd.ZstdError:
        header = None
    if header is None or header[0] is None:
        raise ZstdError("error determining content size from frame header")
    return header


def _own(function, *arguments):
    """Calls a function of `zstd`, whose errors are those of this package."""
    try:
        return function(*arguments)
    except zstd.ZstdError as error:
        raise ZstdError(str(error)) from None


def get_frame_parameters(data, format=0):
    """What the header of a frame says."""
    data = bytes(data)
    _, size, has_checksum, dictionary = _headed(data)
    window = size if data[4] >> 5 & 1 else (1 << 10 + (data[5] >> 3)) // 8 * (8 + (data[5] & 7))
    return FrameParameters(CONTENTSIZE_UNKNOWN if size is None else size, window, dictionary, has_checksum)


def frame_content_size(data):
    """What a frame holds; -1 where it does not say."""
    size = get_frame_parameters(data).content_size
    return -1 if size == CONTENTSIZE_UNKNOWN else size


def frame_header_size(data):
    """The length of the header of a frame."""
    return _headed(bytes(data))[0]


def compress(data, level=3):
    """One frame of data."""
    return ZstdCompressor(level=level).compress(data)


def decompress(data, max_output_size=0):
    """What the first frame holds."""
    return ZstdDecompressor().decompress(data, max_output_size=max_output_size)


def open(filename, mode="rb", cctx=None, dctx=None, encoding=None, errors=None, newline=None, closefd=None):
    """A file that is compressed."""
    raw = mode.replace("t", "")
    is_path = isinstance(filename, (str, bytes)) or hasattr(filename, "__fspath__")
    if raw not in ("r", "rb", "w", "wb", "a", "ab", "x", "xb"):
        raise ValueError("Invalid mode: " + repr(mode))
    inner = io.open(filename, raw if "b" in raw else raw + "b") if is_path else filename
    closes = is_path if closefd is None else closefd
    if raw[0] == "r":
        file = (dctx or ZstdDecompressor()).stream_reader(inner, closefd=closes, read_across_frames=True)
    else:
        file = (cctx or ZstdCompressor()).stream_writer(inner, closefd=closes)
    if "t" in mode or "b" not in mode:
        return io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=newline)
    return file
