// What measure.py asks, of Pyodide in Node: `npm install pyodide`, then
// `node pyodide.mjs [N]`. One interpreter for each session; there is no other.
import { loadPyodide } from "pyodide";

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

async function timed(count, block) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await block();
    times.push((performance.now() - start) * 1000);
  }
  return Math.round(median(times) * 10) / 10;
}

const count = Number(process.argv[2] ?? 200);
const quiet = { stdout: () => {} };
const session = await loadPyodide(quiet);
session.runPython("x = 1");
const fresh = await timed(Math.max(5, count / 20), async () =>
  (await loadPyodide(quiet)).runPython("print(1)"),
);
const increment = await timed(count, () => session.runPython("x += 1"));
let process_of_the_host;
try {
  process_of_the_host = session.runPython(
    "import js; str(js.process.pid) if hasattr(js, 'process') else 'not there'",
  );
} catch (error) {
  process_of_the_host = String(error).split("\n").at(-2);
}
console.log(
  JSON.stringify(
    {
      peer: "pyodide",
      n: count,
      fresh_print_us: fresh,
      turn_increment_us: increment,
      reads_the_hosts_process_id: process_of_the_host === String(process.pid),
    },
    null,
    1,
  ),
);
