"""Uses the console as a person does, and takes pictures of it. Started by `run-console.sh`."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

# What a sandbox might try: none of it may become part of the page.
HOSTILE = "<img src=x onerror=\"window.__ran=1\"><script>window.__ran=1</script>"
PICTURE = (
    "import base64\n"
    "class Picture:\n"
    "    def _repr_png_(self):\n"
    "        from PIL import Image\n"
    "        import io\n"
    "        out = io.BytesIO()\n"
    "        Image.new('RGB', (240, 80), (40, 120, 220)).save(out, 'PNG')\n"
    "        return out.getvalue()\n"
    "Picture()"
)


def start(folder):
    config = Path(folder, "serve.toml")
    config.write_text("[serve.tenants.acme]\n[serve.tenants.other]\n")
    command = [os.environ["MEMEX"], "--config", str(config), "serve", "--dev", "--data", folder + "/data"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(folder + "/log", "w"), text=True)
    told = json.loads(server.stdout.readline())
    return server, told["url"], told["key"]


def ask(url, key, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def run(page, code):
    page.fill("#code", code)
    page.press("#code", "Control+Enter")
    expect(page.locator("#run button")).to_be_enabled(timeout=60_000)


def use(page, url, key, pictures, scheme):
    outside, problems = [], []
    page.on("request", lambda request: outside.append(request.url) if not request.url.startswith((url, "data:", "blob:")) else None)
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url + "/")
    expect(page).to_have_url(url + "/console")
    page.screenshot(path=pictures / f"{scheme}-1-sign-in.png")

    # A key that is wrong is refused, and the page says why.
    page.fill("#key", "memex_wrong")
    page.press("#key", "Enter")
    expect(page.locator("#problem")).to_contain_text("not valid")
    problems.clear()
    page.fill("#key", key)
    page.press("#key", "Enter")
    expect(page.locator("#frame")).to_be_visible()
    expect(page.locator("#tenant")).to_contain_text("acme")

    # A sandbox, by keys alone.
    page.keyboard.press("n")
    expect(page.locator("#one")).to_be_visible()
    expect(page.locator("#code")).to_be_focused()
    name = page.locator("#name").text_content()
    run(page, "import pandas as pd\ntable = pd.DataFrame({'a': [1, 2, 3]})\nprint('hello')\ntable")
    expect(page.locator("#output")).to_contain_text("hello")
    expect(page.locator("#history tbody tr")).to_have_count(1)
    run(page, f"text = {HOSTILE!r}\nprint(text)\ntext")
    expect(page.locator("#output")).to_contain_text("onerror")
    run(page, "1 / 0")
    expect(page.locator("#output pre.error")).to_contain_text("ZeroDivisionError")
    run(page, PICTURE)
    expect(page.locator("#output img")).to_be_visible()
    assert page.evaluate("document.querySelector('#output img').naturalWidth") == 240
    page.keyboard.press("Escape")
    page.screenshot(path=pictures / f"{scheme}-2-turns.png")

    # Output while the turn runs, and an interrupt by key.
    page.fill("#code", "import time\nfor i in range(1000):\n    print('tick', i, flush=True)\n    time.sleep(0.1)")
    page.press("#code", "Control+Enter")
    expect(page.locator("#output")).to_contain_text("tick 3")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    expect(page.locator("#output")).to_contain_text("KeyboardInterrupt")
    expect(page.locator("#run button")).to_be_enabled()

    page.keyboard.press("2")
    expect(page.locator("#variables tbody")).to_contain_text("DataFrame")
    expect(page.locator("#variables tbody")).to_contain_text("onerror")
    page.screenshot(path=pictures / f"{scheme}-3-variables.png")
    page.keyboard.press("1")
    run(page, "open('note.txt', 'w').write('kept')")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.locator("#files tbody")).to_contain_text("note.txt")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").first.click()
    assert Path(download.value.path()).read_text() == "kept"

    # Forks and snapshots are a tree.
    page.keyboard.press("s")
    page.keyboard.press("f")
    expect(page.locator("#name")).not_to_have_text(name)
    page.keyboard.press("4")
    expect(page.locator("#tree")).to_contain_text("snapshot")
    assert page.locator("#tree li").count() >= 3
    page.screenshot(path=pictures / f"{scheme}-4-forks.png")

    # Pause, resume, and the list by keys.
    page.keyboard.press("p")
    expect(page.locator("#state")).to_have_text("paused")
    page.keyboard.press("p")
    expect(page.locator("#state")).not_to_have_text("paused")
    fork = page.locator("#name").text_content()
    page.keyboard.press("j")
    expect(page.locator("#name")).to_have_text(name)
    page.keyboard.press("k")
    expect(page.locator("#name")).to_have_text(fork)

    # Back to an earlier turn.
    page.keyboard.press("j")
    page.keyboard.press("1")
    page.locator("#history tbody tr", has_text="import pandas").get_by_role("button").click()
    expect(page.locator("#sure")).to_be_visible()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#history tbody tr")).to_have_count(1)

    # Kill asks first, and Enter keeps the sandbox.
    page.keyboard.press("x")
    expect(page.locator("#sure")).to_be_visible()
    page.screenshot(path=pictures / f"{scheme}-5-sure.png")
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_be_hidden()
    expect(page.locator("#state")).not_to_have_text("gone")
    page.keyboard.press("x")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#state")).to_have_text("gone")

    # All tenants, for a key with the scope `admin`.
    expect(page.locator("#tenants")).to_contain_text("other")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.screenshot(path=pictures / f"{scheme}-6-help.png")
    page.keyboard.press("Escape")

    assert page.evaluate("window.__ran") is None, "markup of a sandbox was run"
    assert not outside, f"the page loaded {outside}"
    kept = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length, location.href]")
    assert kept == ["", 0, 0, url + "/console"], kept
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert key not in page.content() and page.input_value("#key") == ""
    assert not problems, problems

    page.set_viewport_size({"width": 420, "height": 800})
    page.fill("#key", key)
    page.press("#key", "Enter")
    expect(page.locator("#frame")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#one")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels are beside a narrow screen"
    page.screenshot(path=pictures / f"{scheme}-7-narrow.png")


def main():
    pictures = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as browsers:
        server, url, key = start(folder)
        try:
            browser = browsers.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                context = browser.new_context(color_scheme=scheme, viewport={"width": 1360, "height": 900}, accept_downloads=True)
                use(context.new_page(), url, key, pictures, scheme)
                context.close()
                print(scheme, "ok")
            browser.close()
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
