//! Programs and servers behind tools that would make the command hold far more than they
//! send, or send without an end.

use crate::killed::{COMMAND_TOOL, Workshop};
use crate::memex::spawn;
use crate::resident::resident;
use std::io::{BufRead, BufReader};
use std::process::Child;

const MIB: u64 = 1 << 20;

/// A command whose first lines are read one by one, and its memory.
struct Watched {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Watched {
    fn start(shop: &Workshop, code: &str) -> Self {
        let mut command = shop.run(code);
        // This is about memory, also on a machine that has much else to do.
        command.args(["--limit", "guest_time_ms=600s"]);
        let mut child = spawn(&mut command);
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// What the command holds, and has held at most.
    fn resident(&self) -> (u64, u64) {
        resident(&self.child)
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Asks its client while nobody calls it, and reads no answers.
const ASKING_SERVER: &str = r#"
def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()

answers = 0
for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method is None:
        answers += 1
    elif method == "initialize":
        send(id=message["id"], result={"protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "asking", "version": "1"}})
    elif method == "tools/list":
        send(id=message["id"], result={"tools": [{"name": "t", "inputSchema": {"type": "object",
            "properties": {"mode": {"type": "string"}}, "required": ["mode"]}}]})
    elif method == "tools/call":
        mode = message["params"]["arguments"]["mode"]
        send(id=message["id"], result={"content": [{"type": "text", "text": f"{answers} answers"}]})
        if mode == "ten":
            for n in range(10):
                send(id=f"ask{n}", method="ping")
        n = 0
        while mode == "flood":
            sys.stdout.write("".join('{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % k for k in range(n, n + 100)))
            n += 100
        while mode == "log":
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/message",
                "params": {"level": "info", "data": [{"": 0}] * 100_000}}) + "\n")
"#;

#[test]
fn what_a_server_asks_and_does_not_read_ends_its_connection() {
    const SERVER_TOOL: &str = "[[mcp]]\nname = 's'\nprefix = ''\nargv = ['python3', 'run.py']\nstart_timeout_ms = 100000\n";
    let shop = Workshop::new(SERVER_TOOL, ASKING_SERVER, 600_000);
    let calls = |mode: &str| {
        format!(
            "import time\nprint(t(mode='{mode}'), flush=True)\ntime.sleep(5)\nprint(t(mode='no'), flush=True)\ntime.sleep(500)"
        )
    };
    // The control: one that asks little keeps its connection, and all is answered.
    let mut watched = Watched::start(&shop, &calls("ten"));
    assert_eq!(watched.line(), "0 answers\n");
    assert_eq!(watched.line(), "10 answers\n");
    watched.end();
    let mut watched = Watched::start(&shop, &calls("flood"));
    assert_eq!(watched.line(), "0 answers\n");
    let (before, _) = watched.resident();
    // Another server answers: the first one's connection counts as broken.
    assert_eq!(watched.line(), "0 answers\n");
    let (_, most) = watched.resident();
    let grown = most.saturating_sub(before) / MIB;
    assert!(grown < 64, "the host grew by {grown} MiB");
    watched.end();
    // What a server logs is read one by one.
    let mut watched = Watched::start(&shop, &calls("log").replace("t(mode='no')", "0"));
    assert_eq!(watched.line(), "0 answers\n");
    let (before, _) = watched.resident();
    assert_eq!(watched.line(), "0\n");
    let (_, most) = watched.resident();
    let grown = most.saturating_sub(before) / MIB;
    assert!(grown < 400, "the host grew by {grown} MiB");
    watched.end();
}

/// Answers in JSON of this many bytes.
const ANSWERING: &str = r#"
kind, size = json.load(sys.stdin)["mode"].split()
element = {"objects": '{"":0}', "lists": "[]", "numbers": "0"}.get(kind)
if kind == "text":
    print(json.dumps("x" * int(size)))
else:
    print("[" + ",".join([element] * (int(size) // (len(element) + 1))) + "]")
"#;

#[test]
fn answers_are_bounded_by_what_they_take_as_values() {
    let declared = format!("{COMMAND_TOOL}output_max_bytes = 16777216\n");
    let shop = Workshop::new(&declared, ANSWERING, 600_000);
    // Eight calls at once, of which nothing stays in the guest.
    let calls = |mode: &str| {
        format!(
            "import asyncio, time\nprint('begins', flush=True)\nasync def one():\n    try: return len(await t.aio(mode='{mode}'))\n    except Exception as e: return str(e)\nr = await asyncio.gather(*[one() for _ in range(8)])\nprint(len(r), r[0], flush=True)\ntime.sleep(500)"
        )
    };
    for (mode, wanted, most_mib) in [
        // The controls: as texts, and as few values, such answers pass.
        ("text 15000000", "8 15000000\n", 1_500),
        ("objects 140000", "8 20000\n", 400),
        // 16 MiB that would take 1.5 GB, eight times over.
        ("objects 16000000", "bytes as values", 700),
        ("lists 16000000", "bytes as values", 700),
        ("numbers 16000000", "bytes as values", 700),
        // More than 100 MB each: they wait for one another.
        ("objects 1000000", "8 142857\n", 600),
    ] {
        let mut watched = Watched::start(&shop, &calls(mode));
        assert_eq!(watched.line(), "begins\n");
        let (before, _) = watched.resident();
        let line = watched.line();
        assert!(line.contains(wanted), "{mode}: {line}");
        let (_, most) = watched.resident();
        let grown = most.saturating_sub(before) / MIB;
        eprintln!("{mode}: {grown} MiB");
        assert!(grown < most_mib, "{mode}: the host grew by {grown} MiB");
        watched.end();
    }
}
