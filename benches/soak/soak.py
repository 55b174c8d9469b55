"""Load on a running server: creations, turns, files and streams, for as long as one likes.

    memex serve --dev > said.json &
    python3 benches/soak/soak.py said.json --pid $! --clients 200 --seconds 1800

Each client makes sandboxes, and in each of them runs pandas turns, writes and reads a file and
reads a turn as a stream, one request a second; now and then it ends its sandbox and makes
another. Every ten seconds a line says how many requests there were, how long they took in
milliseconds, and with --pid how much private memory the server has. An answer that is not what was
asked for ends it with 1. Python 3.8 or later, nothing besides.
"""

import argparse
import http.client
import json
import sys
import threading
import time

MAKE = "import pandas as pd\nd = pd.DataFrame({'k': [1, 2] * 500, 'v': range(1000)})\nn = 0"
TURN = "d['v'] += 1\nn += 1\nn, int(d.groupby('k')['v'].sum().min())"


class Client:
    """One connection, which is opened again when the server has closed it."""

    def __init__(self, said):
        self.host = said["url"].split("//")[1]
        self.headers = {"Authorization": "Bearer " + said["key"]}
        self.connection = http.client.HTTPConnection(self.host, timeout=60)

    def ask(self, method, path, body=None, **headers):
        data = json.dumps(body) if isinstance(body, dict) else body
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, data, {**self.headers, **headers})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def turn(self, sandbox, code):
        outcome = json.loads(self.ask("POST", sandbox + "/turns", {"code": code}))
        if outcome["status"] != "ok":
            raise RuntimeError(f"{code!r}: {outcome}")
        return outcome


class Load:
    def __init__(self, said, until):
        self.said, self.until = said, until
        self.lock = threading.Lock()
        self.taken, self.failure = [], None

    def timed(self, kind, ask):
        began = time.monotonic()
        answer = ask()
        took = (time.monotonic() - began) * 1e3
        with self.lock:
            self.taken.append((kind, took))
        return answer

    def client(self, number):
        try:
            time.sleep(number % 100 / 100)
            client = Client(self.said)
            while time.monotonic() < self.until and self.failure is None:
                self.sandbox(client, number)
        except Exception as error:  # told by the main thread
            self.failure = self.failure or error

    def sandbox(self, client, number):
        made = self.timed("create", lambda: client.ask("POST", "/v1/sandboxes", {}))
        sandbox = "/v1/sandboxes/" + json.loads(made)["id"]
        client.turn(sandbox, MAKE)
        for turn in range(1, 21 + number % 20):
            if time.monotonic() > self.until:
                break
            due = time.monotonic() + 1
            outcome = self.timed("turn", lambda: client.turn(sandbox, TURN))
            if outcome["value"] != str((turn, 249_500 + 500 * turn)):
                raise RuntimeError(f"turn {turn}: {outcome}")
            if turn % 5 == 1:
                self.file(client, sandbox, turn)
            if turn % 5 == 3:
                self.stream(client, sandbox)
            time.sleep(max(0, due - time.monotonic()))
        self.timed("delete", lambda: client.ask("DELETE", sandbox))

    def file(self, client, sandbox, turn):
        content = bytes([turn]) * 50_000
        path = sandbox + "/files?path=/tmp/f"
        self.timed("write", lambda: client.ask("PUT", path, content))
        if self.timed("read", lambda: client.ask("GET", path)) != content:
            raise RuntimeError("a file is not what was written")

    def stream(self, client, sandbox):
        code = {"code": "for i in range(20): print(i)"}
        path, accept = sandbox + "/turns", {"Accept": "text/event-stream"}
        events = self.timed("stream", lambda: client.ask("POST", path, code, **accept))
        if b"event: done" not in events:
            raise RuntimeError(f"a stream has no end: {events[-300:]!r}")


def private_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        lines = [line.split() for line in file if line.startswith("Private_")]
    return sum(int(line[1]) for line in lines) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("said", help="the server's first line of output, in a file")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--pid", type=int, help="of the server, to tell its memory")
    options = parser.parse_args()
    with open(options.said) as file:
        said = json.loads(file.readline())
    load = Load(said, time.monotonic() + options.seconds)
    clients = [threading.Thread(target=load.client, args=(n,)) for n in range(options.clients)]
    began = time.monotonic()
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        time.sleep(10)
        with load.lock:
            taken, load.taken = load.taken, []
        line = {"s": round(time.monotonic() - began), "requests": len(taken)}
        for kind in sorted({kind for kind, _ in taken}):
            times = sorted(took for of, took in taken if of == kind)
            at = (len(times) // 2, len(times) * 99 // 100)
            line[kind] = [round(times[place], 1) for place in at]
        if options.pid:
            line["private_mib"] = round(private_mib(options.pid), 1)
        print(json.dumps(line), flush=True)
    if load.failure:
        sys.exit(f"it failed: {load.failure}")


if __name__ == "__main__":
    main()
