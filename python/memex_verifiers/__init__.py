"""The name under which verifiers finds memex's harness: see `memex.adapters.verifiers`."""

from memex.adapters.verifiers import MemexHarness

__all__ = ["MemexHarness"]
