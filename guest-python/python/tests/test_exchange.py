"""Single variables go out of the scope and into it as data."""

import struct
import unittest

import harness
from memex_guest import channel, kinds, values  # noqa: F401 (the kinds of values are found when they are imported)


def asked(op, name, *parts):
    """The reply to a request for a variable."""
    pieces = b"".join(struct.pack("<I", len(piece)) + piece for piece in (name.encode(), *parts))
    return harness.entry.inspect(bytes([op]) + pieces)


def refusal(reply):
    """The type and the message of a refusal."""
    first, head, _parts = channel.parse(reply)
    assert first == 0, reply
    return head["type"], head["message"]


class Exchange(unittest.TestCase):
    def test_a_variable_goes_out_and_comes_back_under_another_name(self):
        harness.run("kept = {'a': (1, 2.5), 'b': {3}, 4: b'x'}")
        packed = asked(1, "kept")
        self.assertEqual(values.unpacked(packed), {"a": (1, 2.5), "b": {3}, 4: b"x"})
        self.assertEqual(asked(2, "again", packed), b"")
        self.assertEqual(harness.run("again == kept, again is kept").value, "(True, False)")

    def test_what_is_not_there_or_no_data_is_refused_by_name(self):
        harness.run("def function(): pass\nloop = []\nloop.append(loop)")
        for name, kind, message in (
            ("nowhere", "NameError", "'nowhere' is not defined"),
            ("function", "TypeError", "function: a value of type function"),
            ("loop", "ValueError", "loop[0]: it contains itself"),
        ):
            with self.subTest(name):
                found, said = refusal(asked(1, name))
                self.assertEqual(found, kind)
                self.assertIn(message, said)

    def test_bytes_that_are_no_value_change_nothing(self):
        harness.run("kept = 1")
        for data in (b"", b"\1", values.packed([1, 2], "x")[:-1]):
            with self.subTest(data):
                self.assertEqual(refusal(asked(2, "kept", data))[0], "ValueError")
        self.assertEqual(harness.run("kept").value, "1")

    def test_a_malformed_request_is_an_answer(self):
        for request in (b"\1", b"\1\xff\xff\xff\xff", b"\2\0\0\0\0"):
            with self.subTest(request):
                self.assertTrue(refusal(harness.entry.inspect(request)))


if __name__ == "__main__":
    unittest.main()
