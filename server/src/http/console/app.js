// The console: it asks the API as any other client does, with the key that was typed in.
// Everything that comes from a sandbox is put into the page as text, never as markup.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const OUTPUT_MAX = 2000;        // pieces of output that are kept on the page
  const LOOK_MS = 4000;           // how often the page looks again
  const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
  let key = "";
  let chosen = null;
  let view = "turns";
  let listed = [];
  let next = null;
  let running = null;             // the stream of the turn that this page began
  let interrupts = 0;
  let looking = 0;

  function made(tag, text, kind) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = String(text);
    if (kind) element.className = kind;
    return element;
  }

  function tell(text) {
    const box = at("problem");
    box.textContent = text;
    box.hidden = !text;
    clearTimeout(tell.timer);
    if (text) tell.timer = setTimeout(() => { box.hidden = true; }, 9000);
  }

  async function ask(method, path, body, more) {
    const headers = { authorization: "Bearer " + key, ...(more || {}) };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(path, {
      method, headers, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) return answer;
    let problem = {};
    try { problem = await answer.json(); } catch { /* it is no problem of the API's */ }
    const error = new Error((problem.detail || answer.statusText) + (problem.remedy ? " — " + problem.remedy : ""));
    error.status = answer.status;
    error.code = problem.code;
    throw error;
  }

  const get = async (path) => (await ask("GET", path)).json();
  const post = async (path, body) => (await ask("POST", path, body || {})).json();
  const place = () => "/v1/sandboxes/" + encodeURIComponent(chosen);

  // Runs something that a person asked for, and says what went wrong.
  async function attempt(work) {
    try { tell(""); return await work(); } catch (error) {
      if (error.status === 401) leave();
      tell(error.message);
      return undefined;
    }
  }

  const bytes = (n) => {
    if (n === null || n === undefined) return "?";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
    return (unit ? n.toFixed(1) : n) + " " + units[unit];
  };
  const when = (ms) => (ms ? new Date(ms).toLocaleString() : "never");

  // Lists

  async function look(isOlder) {
    const states = at("states").value;
    const query = new URLSearchParams({ limit: "100" });
    if (states) query.set("state", states);
    if (isOlder && next) query.set("after", next);
    const page = await get("/v1/sandboxes?" + query);
    listed = isOlder ? listed.concat(page.items) : page.items;
    next = page.next;
    at("more").hidden = !next;
    showList();
    showUse(await get("/v1/tenant"));
  }

  function showList() {
    const list = at("list");
    list.replaceChildren(...listed.map((one) => {
      const item = made("li");
      item.id = "s-" + one.id;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(one.id === chosen));
      item.append(made("span", one.id, "id"));
      const line = made("span", one.state, one.state);
      item.append(line, made("span", " · " + (one.turns === null ? "? turns" : one.turns + " turns"), "quiet"));
      item.addEventListener("click", () => attempt(() => choose(one.id)));
      return item;
    }));
    if (!listed.length) list.append(made("li", "none", "quiet"));
    if (chosen) list.setAttribute("aria-activedescendant", "s-" + chosen);
  }

  const UNITS = { stored_bytes: bytes, body_bytes: bytes };
  function meters(used, quota) {
    return Object.keys(used).filter((name) => name in quota).map((name) => {
      const show = UNITS[name] || ((n) => n.toLocaleString());
      const row = made("div", null, "use");
      const line = made("div");
      line.append(made("span", name.replaceAll("_", " ")), made("span", show(used[name]) + " of " + show(quota[name]), "quiet"));
      const meter = made("meter");
      meter.max = Math.max(quota[name], 1);
      meter.value = used[name];
      meter.high = meter.max * 0.9;
      meter.setAttribute("aria-label", name);
      row.append(line, meter);
      return row;
    });
  }

  function showUse(tenant) {
    at("tenant").textContent = tenant.name + " · " + tenant.scopes.join(", ");
    at("use").replaceChildren(...meters(tenant.used, tenant.quota));
    at("all").hidden = !tenant.scopes.includes("admin");
    if (!at("all").hidden) attempt(showTenants);
  }

  async function showTenants() {
    const all = await get("/v1/tenants");
    at("tenants").replaceChildren(...all.items.map((one) => {
      const more = made("details");
      more.append(made("summary", one.name + " · " + one.used.sandboxes + " sandboxes · " + one.used.cpu_s_per_day + " s today"));
      more.append(...meters(one.used, one.quota));
      return more;
    }));
  }

  // One sandbox

  async function choose(id) {
    if (id !== chosen) { at("output").replaceChildren(); stopReading(); }
    chosen = id;
    showList();
    const item = at("s-" + id);
    if (item) item.scrollIntoView({ block: "nearest" });
    at("none").hidden = true;
    at("one").hidden = false;
    await show(true);
  }

  async function show(withView) {
    if (!chosen) return;
    const mark = ++looking;
    const one = await get(place());
    if (mark !== looking || one.id !== chosen) return;
    listed = listed.map((known) => (known.id === one.id ? one : known));
    showList();
    at("name").textContent = one.id;
    at("state").textContent = one.state;
    at("state").className = "tag " + one.state;
    const isGone = one.state === "gone";
    for (const id of ["interrupt", "pause", "fork", "snapshot", "kill"]) at(id).disabled = isGone;
    at("pause").firstChild.textContent = one.state === "paused" ? "Resume " : "Pause ";
    const facts = [
      ["image", one.image.length > 16 ? one.image.slice(0, 16) + "…" : one.image], ["made", when(one.created_ms)],
      ["ends", one.state === "paused" ? "not while paused" : when(one.expires_ms) + ", then " + one.on_timeout],
      ["turns", one.turns === null ? "not known while it sleeps" : one.turns],
      ["stored", bytes(one.stored_bytes)], ["durability", one.durability], ["made from", one.parent || "the image"],
    ];
    if (isGone) facts.push(["ended", one.ended.reason + ", " + when(one.ended.at_ms)]);
    for (const [name, value] of Object.entries(one.metadata)) facts.push([name, value]);
    if (!isGone) {
      const used = await get(place() + "/usage");
      if (mark !== looking) return;
      facts.push(["memory", bytes(used.memory_bytes) + " of " + bytes(used.memory_bytes_max)]);
      facts.push(["processor", (used.cpu_us / 1e6).toFixed(2) + " s"]);
    }
    at("facts").replaceChildren(...facts.map(([name, value]) => {
      const fact = made("div");
      fact.append(made("dt", name), made("dd", value));
      return fact;
    }));
    if (view === "tree") await VIEWS.tree();
    else if (withView && !isGone && one.state !== "paused") await VIEWS[view]();
  }

  const rows = (id, lines) => at(id).querySelector("tbody").replaceChildren(...lines.map((cells) => {
    const row = made("tr");
    for (const cell of cells) {
      const place = made("td");
      if (cell instanceof Node) place.append(cell); else place.textContent = cell === null || cell === undefined ? "" : String(cell);
      row.append(place);
    }
    return row;
  }));

  function button(text, work, kind) {
    const found = made("button", text, kind);
    found.type = "button";
    found.addEventListener("click", () => attempt(work));
    return found;
  }

  const VIEWS = {
    async turns() {
      const turns = await get(place() + "/turns");
      rows("history", turns.reverse().map((turn) => [
        turn.turn, turn.status, made("code", turn.first_line), when(turn.saved_ms),
        button("Go back here", async () => {
          if (!await sure("Put " + chosen + " into its state after turn " + turn.turn + "? Later turns are lost.")) return;
          await post(place() + "/rewind", { turn: turn.turn });
          await show(true);
        }),
      ]));
    },
    async variables() {
      const told = await get(place() + "/variables");
      rows("variables", told.names.map((one) => [
        made("code", one.name), one.type,
        one.shape ? one.shape.join(" × ") : one.len, made("code", one.preview),
      ]));
    },
    async files() { await folder(at("folder").dataset.path || "/home/user"); },
    async tree() { await showTree(); },
  };

  async function folder(path) {
    at("folder").dataset.path = path;
    at("folder").textContent = path;
    const found = await get(place() + "/folders?path=" + encodeURIComponent(path));
    const above = path.replace(/\/[^/]*$/, "") || "/";
    const lines = found.map((file) => [
      file.kind === "folder" ? button(file.name + "/", () => folder(file.path)) : made("code", file.name),
      file.kind, file.kind === "file" ? file.bytes.toLocaleString() : "",
      file.kind === "file" ? button("Download", () => download(file)) : "",
    ]);
    if (path !== "/") lines.unshift([button("..", () => folder(above)), "folder", "", ""]);
    rows("files", lines);
  }

  async function download(file) {
    const answer = await ask("GET", place() + "/files?path=" + encodeURIComponent(file.path));
    const link = made("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function showTree() {
    const [there, gone, snapshots] = await Promise.all([
      get("/v1/sandboxes?limit=1000"), get("/v1/sandboxes?limit=1000&state=gone"), get("/v1/snapshots"),
    ]);
    const nodes = new Map();
    const add = (id, text, parent, isSandbox) => nodes.set(id, { id, text, parent, isSandbox, children: [] });
    for (const one of [...there.items, ...gone.items]) add(one.id, one.id + " · " + one.state, one.parent, true);
    for (const one of snapshots) add(one.id, "snapshot " + (one.name || one.id) + " · turn " + one.turn, one.sandbox, false);
    const roots = [];
    for (const node of nodes.values()) {
      const parent = nodes.get(node.parent);
      if (parent && parent !== node) parent.children.push(node); else roots.push(node);
    }
    // The tree that the chosen one is in.
    let root = nodes.get(chosen);
    for (let steps = 0; root && nodes.get(root.parent) && steps < 1000; steps += 1) root = nodes.get(root.parent);
    const draw = (node, depth) => {
      const item = made("li");
      const shown = node.isSandbox ? button(node.text, () => choose(node.id), node.id === chosen ? "here" : "") : made("span", node.text, "quiet");
      item.append(shown);
      if (node.children.length && depth < 200) {
        const below = made("ul");
        below.append(...node.children.map((child) => draw(child, depth + 1)));
        item.append(below);
      }
      return item;
    };
    const top = made("ul");
    top.append(...(root ? [root] : roots).map((node) => draw(node, 0)));
    at("tree").replaceChildren(top);
  }

  // Running

  function write(text, kind) {
    const output = at("output");
    const isDown = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    const last = output.lastElementChild;
    if (last && last.className === kind && last.textContent.length < 8000 && kind !== "code") last.textContent += text;
    else output.append(made("pre", text, kind));
    while (output.childElementCount > OUTPUT_MAX) output.firstElementChild.remove();
    if (isDown) output.scrollTop = output.scrollHeight;
  }

  function picture(display) {
    const data = display.data || {};
    for (const [kind, content] of Object.entries(data)) {
      if (!PICTURES.has(kind) || !content.base64) continue;
      const image = made("img");
      image.alt = "picture that the code showed";
      image.src = "data:" + kind + ";base64," + content.base64;
      at("output").append(image);
      image.addEventListener("load", () => { at("output").scrollTop = at("output").scrollHeight; });
      return;
    }
    const plain = data["text/plain"];
    if (plain && plain.text && !display.main) write(plain.text + "\n", "value");
  }

  function done(outcome) {
    if (outcome.value !== null && outcome.value !== undefined) write(outcome.value + "\n", "value");
    if (outcome.error) write((outcome.error.traceback || outcome.error.type + ": " + outcome.error.message) + "\n", "error");
    if (outcome.limit) write("limit " + outcome.limit.name + ": " + outcome.limit.limit + "\n", "error");
    const rolled = outcome.rolled_back ? ", rolled back" : "";
    write("turn " + outcome.turn + ": " + outcome.status + rolled + ", " + (outcome.wall_us / 1000).toFixed(1) + " ms, " + bytes(outcome.memory_bytes) + "\n", "note");
  }

  const EVENTS = {
    stdout: (data) => write(data.text, "stdout"),
    stderr: (data) => write(data.text, "stderr"),
    dropped: (data) => write("… " + data.bytes + " bytes were not shown …\n", "note"),
    display: picture,
    waiting: (data) => write("waits for answers to " + data.calls.map((call) => call.tool).join(", ") + "\n", "note"),
    done,
    error: (data) => write(data.detail + " — " + data.remedy + "\n", "error"),
  };

  function stopReading() {
    if (running) running.abort();
    running = null;
  }

  async function run() {
    const code = at("code").value;
    if (!code.trim() || !chosen || running) return;
    write(code + "\n", "code");
    interrupts = 0;
    const reading = running = new AbortController();
    const button = at("run").querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(place() + "/turns", {
        method: "POST", cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", signal: reading.signal,
        headers: { authorization: "Bearer " + key, "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify({ code }),
      });
      if (!answer.ok) { EVENTS.error(await answer.json()); return; }
      at("code").value = "";
      await events(answer.body.getReader());
    } catch (error) {
      if (error.name !== "AbortError") write(error.message + "\n", "error");
    } finally {
      button.disabled = false;
      if (running === reading) running = null;
      await attempt(async () => { await look(); await show(true); });
    }
  }

  async function events(reader) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done: isOver, value } = await reader.read();
      if (isOver) return;
      rest += decoder.decode(value, { stream: true });
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        let name = "";
        let data = "";
        for (const line of rest.slice(0, end).split("\n")) {
          if (line.startsWith("event: ")) name = line.slice(7);
          else if (line.startsWith("data: ")) data += line.slice(6);
        }
        rest = rest.slice(end + 2);
        if (name in EVENTS) EVENTS[name](JSON.parse(data));
      }
    }
  }

  // What buttons and keys do

  function sure(text) {
    at("sure-text").textContent = text;
    const dialog = at("sure");
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  const ACTIONS = {
    async new() {
      const fresh = await post("/v1/sandboxes", { metadata: { "made-by": "console" } });
      await look();
      await choose(fresh.id);
      at("code").focus();
    },
    async interrupt() {
      const told = await post(place() + "/interrupt", { hard: interrupts > 0 });
      interrupts += 1;
      if (!told.running) write("no turn runs\n", "note");
    },
    async pause() {
      const isPaused = at("state").textContent === "paused";
      await post(place() + (isPaused ? "/resume" : "/pause"));
      await look();
      await show(true);
    },
    async fork() {
      const told = await post(place() + "/fork", { count: 1 });
      if (told.problems.length) throw new Error(told.problems[0].detail);
      await look();
      await choose(told.forks[0].id);
    },
    async snapshot() {
      const taken = await post(place() + "/snapshots");
      write("snapshot " + taken.id + " of turn " + taken.turn + "\n", "note");
      if (view === "tree") await showTree();
    },
    async kill() {
      if (!await sure("Kill " + chosen + "? Its state is lost.")) return;
      await ask("DELETE", place());
      await look();
      await show(false);
    },
  };
  for (const name of Object.keys(ACTIONS)) at(name).addEventListener("click", () => attempt(ACTIONS[name]));

  const tabs = [...at("tabs").children];
  function turnTo(tab) {
    view = tab.getAttribute("aria-controls");
    for (const other of tabs) {
      const isIt = other === tab;
      other.setAttribute("aria-selected", String(isIt));
      other.tabIndex = isIt ? 0 : -1;
      at(other.getAttribute("aria-controls")).hidden = !isIt;
    }
    attempt(() => VIEWS[view]());
  }
  for (const tab of tabs) tab.addEventListener("click", () => turnTo(tab));
  at("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const found = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    found.focus();
    turnTo(found);
  });

  function move(step) {
    if (!listed.length) return;
    const now = listed.findIndex((one) => one.id === chosen);
    const index = Math.min(Math.max(now + step, 0), listed.length - 1);
    attempt(() => choose(listed[index].id));
  }
  at("list").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); move(step); }
  });

  document.addEventListener("keydown", (event) => {
    if (at("frame").hidden || document.querySelector("dialog[open]")) return;
    const isTyping = ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement.tagName);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && document.activeElement === at("code")) {
      event.preventDefault();
      run();
      return;
    }
    if (event.key === "Escape" && isTyping) { document.activeElement.blur(); return; }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const names = { n: "new", i: "interrupt", p: "pause", f: "fork", s: "snapshot", x: "kill" };
    const name = names[event.key];
    if (name && (name === "new" || (chosen && !at(name).disabled))) { event.preventDefault(); attempt(ACTIONS[name]); }
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "r") attempt(async () => { await look(); await show(true); });
    else if (event.key === "c" && chosen) { event.preventDefault(); at("code").focus(); }
    else if (event.key === "?") at("help").showModal();
    else if ("1234".includes(event.key) && chosen) turnTo(tabs[Number(event.key) - 1]);
  });
  at("help-open").addEventListener("click", () => at("help").showModal());
  at("run").addEventListener("submit", (event) => { event.preventDefault(); run(); });
  at("states").addEventListener("change", () => attempt(() => look()));
  at("more").addEventListener("click", () => attempt(() => look(true)));

  // In and out

  async function open() {
    await look();
    at("sign-in").hidden = true;
    at("frame").hidden = false;
    at("leave").hidden = false;
    at("list").focus();
  }

  function leave() {
    stopReading();
    key = "";
    chosen = null;
    listed = [];
    at("key").value = "";
    at("frame").hidden = true;
    at("leave").hidden = true;
    at("tenant").textContent = "";
    at("one").hidden = true;
    at("none").hidden = false;
    at("output").replaceChildren();
    at("sign-in").hidden = false;
    at("key").focus();
  }
  at("leave").addEventListener("click", leave);
  at("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    key = at("key").value.trim();
    at("key").value = "";
    attempt(open);
  });

  setInterval(() => {
    if (at("frame").hidden || document.hidden || running || next) return;
    // What fails here fails again when somebody asks for it.
    look().then(() => show(false)).catch(() => {});
  }, LOOK_MS);
  at("key").focus();
})();
