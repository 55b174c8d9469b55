"""Single variables go out of the scope and into it as data."""

import struct
import unittest

import harness
from memex_guest import channel, values


def asked(op, name, *parts):
    """The reply to a request for a variable: its status, head and parts."""
    pieces = b"".join(struct.pack("<I", len(piece)) + piece for piece in (name.encode(), *parts))
    return channel.parse(harness.entry.inspect(bytes([op]) + pieces))


class Exchange(unittest.TestCase):
    def test_a_variable_goes_out_and_comes_back_under_another_name(self):
        harness.run("kept = {'a': (1, 2.5), 'b': {3}, 4: b'x'}")
        status, _head, parts = asked(1, "kept")
        self.assertEqual(status, 0)
        self.assertEqual(values.unpacked(parts[0]), {"a": (1, 2.5), "b": {3}, 4: b"x"})
        self.assertEqual(asked(2, "again", parts[0])[0], 0)
        self.assertEqual(harness.run("again == kept, again is kept").value, "(True, False)")

    def test_what_is_not_there_or_no_data_is_refused_by_name(self):
        harness.run("def function(): pass\nloop = []\nloop.append(loop)")
        for name, kind, message in (
            ("nowhere", "NameError", "'nowhere' is not defined"),
            ("function", "TypeError", "function: a value of type function"),
            ("loop", "ValueError", "loop[0]: it contains itself"),
        ):
            with self.subTest(name):
                status, head, _parts = asked(1, name)
                self.assertEqual((status, head["type"]), (1, kind))
                self.assertIn(message, head["message"])

    def test_bytes_that_are_no_value_change_nothing(self):
        harness.run("kept = 1")
        for data in (b"", b"\1", values.packed([1, 2], "x")[:-1]):
            with self.subTest(data):
                status, head, _parts = asked(2, "kept", data)
                self.assertEqual((status, head["type"]), (1, "ValueError"))
        self.assertEqual(harness.run("kept").value, "1")

    def test_a_malformed_request_is_an_answer(self):
        for request in (b"\1", b"\1\xff\xff\xff\xff", b"\2\0\0\0\0"):
            with self.subTest(request):
                self.assertEqual(channel.parse(harness.entry.inspect(request))[0], 1)


if __name__ == "__main__":
    unittest.main()
