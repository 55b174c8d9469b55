// E2B's clients for JavaScript against the server: `node --test`, with MEMEX_URL and MEMEX_KEY.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Sandbox } from '@e2b/code-interpreter'
import { CommandExitError, FilesystemEventType, NotFoundError, Sandbox as Plain } from 'e2b'

const where = { apiKey: process.env.MEMEX_KEY, apiUrl: process.env.MEMEX_URL, sandboxUrl: process.env.MEMEX_URL }
let sandbox

before(async () => {
  sandbox = await Sandbox.create({ ...where, timeoutMs: 600_000, metadata: { user: 'ann' } })
})
after(async () => {
  await sandbox?.kill()
})

test('code keeps its state and tells values, output and errors', async () => {
  const heard = []
  const first = await sandbox.runCode("x = 20\nprint('hello')\nx + 22", { onStdout: (message) => heard.push(message.line) })
  assert.equal(first.text, '42')
  assert.deepEqual(first.logs.stdout, ['hello\n'])
  assert.deepEqual(heard, ['hello\n'])
  const second = await sandbox.runCode('x / 0')
  assert.equal(second.error.name, 'ZeroDivisionError')
  assert.equal(second.executionCount, first.executionCount + 1)
  const shown = await sandbox.runCode('import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()')
  assert.ok(shown.results[0].png.startsWith('iVBOR'))
  const variables = await sandbox.runCode("import os\nos.environ['KEY']", { envs: { KEY: 'v' } })
  assert.equal(variables.text, "'v'")
})

test('contexts', async () => {
  const context = await sandbox.createCodeContext({ cwd: '/home/user/js' })
  await sandbox.runCode('y = 1', { context })
  assert.equal((await sandbox.runCode('y', { context })).text, '1')
  assert.equal((await sandbox.runCode('y')).error.name, 'NameError')
  assert.ok((await sandbox.listCodeContexts()).some((one) => one.id === context.id))
  await sandbox.restartCodeContext(context)
  await sandbox.removeCodeContext(context)
  await assert.rejects(sandbox.runCode('y', { context }), NotFoundError)
})

test('a client that leaves interrupts its code', async () => {
  await assert.rejects(sandbox.runCode('while True: pass', { timeoutMs: 1_000 }))
  assert.equal((await sandbox.runCode('1 + 1')).text, '2')
})

test('files', async () => {
  const written = await sandbox.files.write('dir/a.txt', 'hello')
  assert.equal(written.path, '/home/user/dir/a.txt')
  assert.equal(await sandbox.files.read('dir/a.txt'), 'hello')
  await sandbox.files.write('bytes', new Uint8Array([0, 255, 10]).buffer)
  assert.deepEqual(await sandbox.files.read('bytes', { format: 'bytes' }), new Uint8Array([0, 255, 10]))
  await sandbox.files.write([
    { path: 'one', data: '1' },
    { path: 'two', data: '2' },
  ])
  const [entry] = await sandbox.files.list('dir')
  assert.equal(entry.name, 'a.txt')
  assert.equal(entry.size, 5)
  assert.equal((await sandbox.files.rename('one', 'three')).path, '/home/user/three')
  assert.equal(await sandbox.files.exists('one'), false)
  assert.equal(await sandbox.files.makeDir('made'), true)
  assert.equal(await sandbox.files.makeDir('made'), false)
  await sandbox.files.remove('three')
  await assert.rejects(sandbox.files.read('three'), NotFoundError)
  const answer = await fetch(await sandbox.downloadUrl('dir/a.txt', { useSignatureExpiration: 60 }))
  assert.equal(await answer.text(), 'hello')
})

test('a watcher hears of changes', async () => {
  await sandbox.files.makeDir('watched')
  const heard = new Map()
  const handle = await sandbox.files.watchDir('watched', (event) => heard.set(event.name, event.type))
  await sandbox.files.write('watched/a', '')
  await sandbox.runCode("open('/home/user/watched/b', 'w').close()")
  for (let tries = 0; heard.size < 2 && tries < 100; tries += 1) await new Promise((done) => setTimeout(done, 50))
  assert.deepEqual([...heard.keys()].sort(), ['a', 'b'])
  assert.equal(heard.get('a'), FilesystemEventType.CREATE)
  await handle.stop()
})

test('commands', async () => {
  const ran = await sandbox.commands.run('echo $KEY | tr a-z A-Z', { envs: { KEY: 'v' } })
  assert.equal(ran.stdout, 'V\n')
  await assert.rejects(sandbox.commands.run('exit 3'), (error) => error instanceof CommandExitError && error.exitCode === 3)
  const handle = await sandbox.commands.run('sleep 30', { background: true })
  assert.equal((await sandbox.commands.list())[0].pid, handle.pid)
  assert.equal(await sandbox.commands.kill(handle.pid), true)
  await assert.rejects(handle.wait(), (error) => error.exitCode === 130)
  assert.deepEqual(await sandbox.commands.list(), [])
})

test('the life of a sandbox', async () => {
  const made = await Plain.create({ ...where, metadata: { user: 'bob' } })
  assert.equal((await made.getInfo()).state, 'running')
  const page = await Plain.list({ ...where, query: { metadata: { user: 'bob' } } }).nextItems()
  assert.deepEqual(page.map((one) => one.sandboxId), [made.sandboxId])
  await made.setTimeout(60_000)
  assert.equal(await made.pause(), true)
  assert.equal(await made.isRunning(), false)
  const again = await Plain.connect(made.sandboxId, where)
  assert.equal(await again.isRunning(), true)
  const saved = await again.createSnapshot()
  const copy = await Plain.create(saved.snapshotId, where)
  assert.equal(await copy.kill(), true)
  assert.equal(await again.kill(), true)
  assert.equal(await again.kill(), false)
  await assert.rejects(Plain.connect(made.sandboxId, where), NotFoundError)
})
