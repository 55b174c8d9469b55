"""LiteLLM's code interpreter against the server, as its provider for OpenSandbox."""

import asyncio

import litellm
import pytest


def run(server, code, **options):
    call = litellm.acode_interpreter_tool(
        provider="opensandbox", code=code, api_base=server["url"] + "/v1", api_key=server["key"], **options
    )
    return asyncio.run(call)


def test_output_results_and_errors(server):
    made = run(server, "import sys\nprint(6 * 7)\nprint('e', file=sys.stderr)\n'last'")
    assert (made.stdout, made.stderr, made.error) == ("42\n", "e\n", None)
    assert made.results[0]["text/plain"] == "'last'" and made.execution_count == 1
    failed = run(server, "1 / 0")
    assert failed.error["name"] == "ZeroDivisionError"


def test_pictures_are_passed_on(server):
    made = run(server, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert made.results[0]["image/png"].startswith("iVBOR")


def test_by_the_environment(server, monkeypatch):
    monkeypatch.setenv("OPEN_SANDBOX_API_BASE", server["url"] + "/v1")
    monkeypatch.setenv("OPEN_SANDBOX_API_KEY", server["key"])
    made = asyncio.run(litellm.acode_interpreter_tool(provider="opensandbox", code="print(1)"))
    assert made.stdout == "1\n"


def test_a_wrong_key_is_refused(server):
    with pytest.raises(Exception, match="401|key"):
        run({**server, "key": "wrong"}, "1")
