"""Models of functions that play scripts, and a tool for them."""

import memex


def block(code):
    return f"```python\n{code}\n```"


def scripted(*replies):
    """A model that gives these replies one after the other, and remembers what it was asked."""
    asked = []

    def model(messages):
        asked.append(messages)
        reply = replies[min(len(asked), len(replies)) - 1]
        return reply(messages) if callable(reply) else reply

    model.asked = asked
    return model


@memex.tool
def double(n: int) -> int:
    """Doubles a number.

    Args:
        n: The number.
    """
    return 2 * n
