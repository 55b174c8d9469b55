"""What the guest does around natives: containers, streams and columns. The host is one that records what it is asked."""

import struct
import unittest

import harness  # noqa: F401

from memex_guest import arrow, cells, channel, columnar, flat, keys, tabular, webp, zstandard, zstd


def block(kind, size, data=b"", last=False):
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3] + data


FRAME = zstandard.FRAME_HEADER + b"\x00\x38" + block(0, 3, b"abc") + block(1, 1000, b"x") + block(0, 0, last=True)


class Frames(unittest.TestCase):
    """Where frames of Zstandard end."""

    def ends(self, data):
        return zstd.Scanner().end(data)

    def test_a_frame_ends_after_its_last_block_and_checksum(self):
        self.assertEqual(self.ends(FRAME), len(FRAME))
        self.assertEqual(self.ends(FRAME + b"more"), len(FRAME))
        checked = zstandard.FRAME_HEADER + b"\x04" + FRAME[5:] + b"1234"
        self.assertEqual(self.ends(checked + b"more"), len(checked))
        self.assertIsNone(self.ends(checked[:-1]))
        skipped = struct.pack("<II", 0x184D2A5F, 3) + b"abc"
        self.assertEqual(self.ends(skipped + FRAME), len(skipped))

    def test_a_scanner_goes_on_where_it_was(self):
        for step in (1, 2, 7):
            scanner, found = zstd.Scanner(), []
            for end in range(0, len(FRAME) + step, step):
                found.append(scanner.end(FRAME[:end]))
            self.assertEqual([end for end in found if end is not None][0], len(FRAME))
            self.assertIsNone(found[len(FRAME) // step - 1])

    def test_what_is_no_frame_is_refused_at_once(self):
        for wrong in (b"A", b"(\xb5X", b"nonsense", zstandard.FRAME_HEADER + b"\x00\x38" + block(3, 1)):
            with self.assertRaises(zstd.ZstdError):
                self.ends(wrong)
        for start in (b"", b"(", b"(\xb5\x2f", FRAME[:5]):
            self.assertIsNone(self.ends(start))

    def test_headers_say_what_they_hold(self):
        header = zstandard.FRAME_HEADER
        for rest, size, dictionary in (
            (b"\x20\x07", 7, 0),
            (b"\x60\x01\x00", 257, 0),
            (b"\xa1\x09\x00\x01\x00\x00", 256, 9),
            (b"\x02\x38\x05\x01", None, 261),
        ):
            self.assertEqual(zstd.get_frame_info(header + rest + bytes(20)), (size, dictionary))

    def test_parameters_have_bounds(self):
        self.assertEqual(zstd.get_param_bounds(100, True), (-131072, 22))
        for options in ({100: 23}, {101: 9}, {201: 2}):
            with self.assertRaises(ValueError):
                zstd.ZstdCompressor(options=options)
        with self.assertRaises(TypeError):
            zstd.ZstdCompressor(1, {100: 1})


class Keys(unittest.TestCase):
    def test_arguments_are_checked_before_the_host_is_asked(self):
        before = len(harness.calls)
        for call, error in (
            (lambda: keys.pbkdf2_hmac("sha256", b"p", b"s", 0), ValueError),
            (lambda: keys.pbkdf2_hmac("sha256", b"p", b"s", 1 << 31), OverflowError),
            (lambda: keys.pbkdf2_hmac("sha256", "p", b"s", 1), TypeError),
            (lambda: keys.pbkdf2_hmac(b"sha256", b"p", b"s", 1), TypeError),
            (lambda: keys.pbkdf2_hmac("whirlpool", b"p", b"s", 1), ValueError),
            (lambda: keys.scrypt(b"p", salt=b"s", n=3, r=8, p=1), ValueError),
            (lambda: keys.scrypt(b"p", salt=b"s", n=2, r=0, p=1), ValueError),
            (lambda: keys.scrypt(b"p", salt=b"s", n=1 << 15, r=8, p=1), ValueError),
        ):
            with self.assertRaises(error):
                call()
        self.assertEqual(len(harness.calls), before)

    def test_the_host_is_asked_with_bytes(self):
        harness.replies.append(harness.frame_of(0, None, (b"key",)))
        self.assertEqual(keys.pbkdf2_hmac("SHA-256", bytearray(b"p"), memoryview(b"s"), 5, 3), b"key")
        op, head, parts = channel.parse(harness.calls.pop())
        self.assertEqual((op, parts), (channel.NATIVE, [b"p", b"s"]))
        self.assertEqual(head, {"name": "kdf.pbkdf2", "hash": "sha256", "iterations": 5, "length": 3})


class Pictures(unittest.TestCase):
    """Files of WebP, taken apart and put together."""

    def coded(self, image):
        harness.replies.append(harness.frame_of(0, None, (webp._riff(webp._chunk(b"VP8L", image)),)))

    def frame(self, size, has_alpha):
        frame = webp._Frame.__new__(webp._Frame)
        frame.size, frame.has_alpha, frame.pixels = size, has_alpha, b"pixels"
        return frame

    def test_an_animation_says_what_it_was_given(self):
        encoder = webp.WebPAnimEncoder((300, 200), 0x04030201, 7, False, 3, 5)
        for number, time in enumerate((0, 40, 100)):
            self.coded(b"image" + bytes((number,)))
            encoder.add(self.frame((300, 200), number == 1), time, True, 80, 100, 4)
        encoder.add(None, 180, True, 80, 100, 0)
        harness.calls.clear()
        decoder = webp.WebPAnimDecoder(encoder.assemble(b"icc", b"exif", "<x/>"))
        self.assertEqual(decoder.get_info(), ((300, 200), 7, 0x04030201, 3, "RGBA"))
        self.assertEqual(decoder._durations, [40, 60, 80])
        self.assertEqual([decoder.get_chunk(name) for name in ("ICCP", "EXIF", "XMP ", "ABCD")], [b"icc", b"exif", b"<x/>", None])

    def test_a_still_image_says_its_size(self):
        lossy = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 200)
        lossless = b"\x2f" + struct.pack("<I", 299 | 199 << 14 | 1 << 28)
        for name, image, mode in ((b"VP8 ", lossy, "RGB"), (b"VP8L", lossless, "RGBA")):
            decoder = webp.WebPAnimDecoder(webp._riff(webp._chunk(name, image)))
            self.assertEqual(decoder.get_info(), ((300, 200), 1, 0xFFFFFFFF, 1, mode))

    def test_what_is_cut_off_or_empty_has_no_decoder(self):
        whole = webp._riff(webp._chunk(b"VP8L", b"\x2f" + bytes(4)))
        for data in (b"", whole[:-1], webp._riff(b""), webp._riff(webp._chunk(b"VP8X", bytes(10))), webp._riff(webp._chunk(b"ABCD", bytes(10)))):
            with self.assertRaises(OSError):
                webp.WebPAnimDecoder(data)


class Descriptions(unittest.TestCase):
    """FlatBuffers."""

    def test_what_was_written_is_read(self):
        data = flat.written({0: ("h", -3), 2: "text", 3: [{0: ("q", 1 << 40)}, {0: ("q", 2)}], 5: {1: ("?", True)}, 6: flat.Structs(2, struct.pack("<4q", 1, 2, 3, 4))})
        table = flat.root(data)
        self.assertEqual((table.number(0, "h"), table.number(1, "i", 9), table.text(2)), (-3, 9, "text"))
        self.assertEqual([part.number(0, "q") for part in table.tables(3)], [1 << 40, 2])
        self.assertEqual((table.table(4), table.table(5).number(1, "?")), (None, True))
        self.assertEqual(table.structs(6, "qq"), [(1, 2), (3, 4)])

    def test_offsets_that_lead_out_are_damage(self):
        data = flat.written({2: "text", 3: [{0: ("q", 1)}]})
        for at in range(0, len(data) - 3):
            for value in (0xFFFFFFFF, 0x7FFFFFFF, len(data)):
                wrong = bytearray(data)
                struct.pack_into("<I", wrong, at, value)
                try:
                    table = flat.root(bytes(wrong))
                    table.text(2)
                    [part.number(0, "q") for part in table.tables(3)]
                except (flat.Damaged, UnicodeDecodeError):
                    pass


class Columns(unittest.TestCase):
    """DataFrames as streams of Arrow."""

    def setUp(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("no pandas")
        self.pandas = pandas

    def again(self, frame, **options):
        return tabular.frame(tabular.packed(frame, **options))

    def test_what_goes_in_comes_out(self):
        pandas = self.pandas
        frame = pandas.DataFrame(
            {
                "i": [1, 2, 3],
                "f": [1.5, None, 3.0],
                "b": [True, False, True],
                "c": pandas.Categorical(["x", None, "y"], ["y", "x"], ordered=True),
                "t": pandas.to_datetime(["2020-01-01", None, "2021-01-01"]),
                "z": pandas.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("UTC"),
                "n": pandas.array([1, None, 3], "Int64"),
            }
        )
        pandas.testing.assert_frame_equal(self.again(frame), frame)
        for index in (pandas.Index([5, 6, 7], name="k"), pandas.RangeIndex(2, 8, 2, name="r"), pandas.MultiIndex.from_tuples([(1, 2.0), (1, 3.0), (2, 2.0)], names=["a", "b"])):
            pandas.testing.assert_frame_equal(self.again(frame.set_index(index)), frame.set_index(index))

    def test_what_has_no_type_is_refused_with_the_column(self):
        for values in ([1, "x"], ["x", 1], [object()]):
            with self.assertRaisesRegex((TypeError, ValueError), "Conversion failed for column a"):
                tabular.packed(self.pandas.DataFrame({"a": self.pandas.Series(values, dtype=object)}))
        with self.assertRaisesRegex(NotImplementedError, "period"):
            tabular.packed(self.pandas.DataFrame({"a": self.pandas.period_range("2020", periods=2)}))
        with self.assertRaisesRegex(ValueError, "Duplicate column names"):
            tabular.packed(self.pandas.DataFrame([[1, 2]], columns=["a", "a"]))

    def test_a_file_with_wrong_bytes_is_read_or_damaged(self):
        frame = self.pandas.DataFrame({"a": [1, 2], "s": ["x", None], "l": [[1], None]})
        data = tabular.packed(frame)
        refused = 0
        for at in range(0, len(data), 3):
            wrong = bytearray(data)
            wrong[at] ^= 0xFF
            try:
                tabular.frame(bytes(wrong))
            except (arrow.ArrowError, ValueError, TypeError, KeyError, UnicodeDecodeError):
                refused += 1
            except arrow.Compressed:
                refused += 1
        self.assertGreater(refused, 20)
        for end in range(0, len(data) - 200, 16):
            try:
                tabular.frame(data[:end])
            except arrow.ArrowError:
                pass

    def test_cells_are_of_the_column_s_own_buffers(self):
        column = columnar.column_of("a", self.pandas.Series([1, 2, 3], dtype="int64"), iter(()))
        column.buffers[1] = column.buffers[1][:16]
        with self.assertRaisesRegex(arrow.ArrowError, "too short"):
            cells.cells(column)


if __name__ == "__main__":
    unittest.main()
