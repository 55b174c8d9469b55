"""How much a command line may take, beside the limits of its session."""

# Simple commands that one command line runs.
COMMANDS_MAX = 100_000
# How deep functions, subshells and substitutions lie in each other.
DEPTH_MAX = 24
# What goes through one pipe, or comes out of a substitution.
PIPE_BYTES = 16 << 20
# The fields of one command, and the paths of one pattern.
FIELDS_MAX = 100_000
MATCHES_MAX = 20_000
# How long a variable may be.
VARIABLE_CHARACTERS = 4 << 20


class Exhausted(Exception):
    """A command line that takes more than it may; the message says of what."""


def is_limit(error: BaseException) -> bool:
    """Whether this is the session's limit of time, which no command may take for an error of its own."""
    return type(error) is TimeoutError and not error.args
