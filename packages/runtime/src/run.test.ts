import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { EnvError } from './env.ts';
import { recordingLogger } from './log.ts';
import { run, type ProcessLike, type RunningService } from './run.ts';

/** A process whose exit is noted. Observe `exits`, `exitCode`, `text`; send signals with `emit`. */
function fakeProcess() {
  const emitter = new EventEmitter();
  const host = {
    exits: [] as number[],
    text: '',
    exitCode: undefined as number | undefined,
    emit: (event: string, ...values: unknown[]) => emitter.emit(event, ...values),
    listeners: () => emitter.eventNames(),
    on: (event: string, listener: (...values: never[]) => void) => emitter.on(event, listener as () => void),
    off: (event: string, listener: (...values: never[]) => void) => emitter.off(event, listener as () => void),
    exit: (code: number) => void host.exits.push(code),
    stdout: new EventEmitter(),
    stderr: Object.assign(new EventEmitter(), { write: (text: string) => (host.text += text) }),
  };
  return host satisfies ProcessLike;
}

function service(dispose: () => Promise<void> = async () => {}, more: object = {}): RunningService {
  return { ...more, [Symbol.asyncDispose]: dispose };
}

for (const signalName of ['SIGTERM', 'SIGINT']) {
  test(`${signalName} aborts the signal, disposes once and ends with 0 without a forced exit`, async () => {
    const host = fakeProcess();
    const started = Promise.withResolvers<void>();
    let disposals = 0;
    const ended = run(
      'x',
      async (signal) => {
        started.resolve();
        return service(async () => {
          assert.ok(signal.aborted);
          disposals++;
        });
      },
      { process: host },
    );
    await started.promise;
    host.emit(signalName);
    await ended;
    assert.deepEqual([disposals, host.exitCode, host.exits, host.text], [1, 0, [], '']);
    assert.deepEqual(host.listeners(), []);
  });
}

test('an unusable environment ends with 1 and lists every problem', async () => {
  const host = fakeProcess();
  await run('router', () => Promise.reject(new EnvError(['A is missing', 'B is set but empty'])), {
    process: host,
  });
  assert.equal(host.exitCode, 1);
  assert.equal(
    host.text,
    'router cannot start. 2 problems in the environment:\n  A is missing\n  B is set but empty\n',
  );
});

test('a failed start ends with 1 and one sentence', async () => {
  const host = fakeProcess();
  await run('router', () => Promise.reject(new Error('port 8080 is taken')), { process: host });
  assert.deepEqual([host.exitCode, host.text], [1, 'router cannot start: port 8080 is taken\n']);
});

test('a start that throws at once is a failed start', async () => {
  const host = fakeProcess();
  await run(
    'router',
    () => {
      throw new Error('no');
    },
    { process: host },
  );
  assert.equal(host.exitCode, 1);
});

test('a signal during the start is no failure when the start gives up because of it', async () => {
  const host = fakeProcess();
  const ended = run(
    'x',
    async (signal) => {
      await once(signal, 'abort');
      signal.throwIfAborted();
      return service();
    },
    { process: host },
  );
  host.emit('SIGTERM');
  await ended;
  assert.deepEqual([host.exitCode, host.text], [0, '']);
});

test('a service that was still started after the signal is disposed of', async () => {
  const host = fakeProcess();
  let disposed = false;
  const gate = Promise.withResolvers<void>();
  const ended = run(
    'x',
    async () => {
      await gate.promise;
      return service(async () => void (disposed = true));
    },
    { process: host },
  );
  host.emit('SIGTERM');
  gate.resolve();
  await ended;
  assert.deepEqual([disposed, host.exitCode], [true, 0]);
});

test('a disposal that hangs is cut off after the time the service asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const host = fakeProcess();
  const disposing = Promise.withResolvers<void>();
  void run(
    'x',
    async () =>
      service(
        () => {
          disposing.resolve();
          return new Promise(() => {});
        },
        { stopWithinMs: 45_000 },
      ),
    { process: host },
  );
  await new Promise(setImmediate);
  host.emit('SIGTERM');
  await disposing.promise;
  t.mock.timers.tick(44_999);
  assert.deepEqual(host.exits, []);
  t.mock.timers.tick(1);
  assert.deepEqual(host.exits, [1]);
  assert.match(host.text, /not stopped after 45000 ms/);
});

test('a second signal forces the exit at once', async () => {
  const host = fakeProcess();
  const disposing = Promise.withResolvers<void>();
  void run(
    'x',
    async () =>
      service(() => {
        disposing.resolve();
        return new Promise(() => {});
      }),
    { process: host },
  );
  await new Promise(setImmediate);
  host.emit('SIGINT');
  await disposing.promise;
  host.emit('SIGINT');
  assert.deepEqual(host.exits, [1]);
});

test('what holds the process open after a clean disposal is cut off without changing the exit code', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const host = fakeProcess();
  const ended = run('x', async () => service(), { process: host, stopWithinMs: 500 });
  await new Promise(setImmediate);
  host.emit('SIGTERM');
  await ended;
  t.mock.timers.tick(500);
  assert.deepEqual(host.exits, [0]);
});

test('a disposal that fails ends with 1 and says why', async () => {
  const host = fakeProcess();
  const log = recordingLogger();
  const ended = run('x', async () => service(() => Promise.reject(new Error('stuck'))), {
    process: host,
    log,
  });
  await new Promise(setImmediate);
  host.emit('SIGTERM');
  await ended;
  assert.equal(host.exitCode, 1);
  const error = log.lines.at(-1)?.fields['error'];
  assert.ok(error instanceof Error && error.message === 'stuck');
});

test('a service that ends by itself ends the process: with 0, or with 1 when it failed', async () => {
  for (const [ended, code] of [
    [Promise.resolve(), 0],
    [Promise.reject(new Error('fenced')), 1],
  ] as const) {
    const host = fakeProcess();
    let disposed = false;
    await run('x', async () => service(async () => void (disposed = true), { ended }), {
      process: host,
    });
    assert.deepEqual([disposed, host.exitCode], [true, code]);
  }
});

for (const event of ['uncaughtException', 'unhandledRejection']) {
  test(`${event} is logged and ends the process with 1 at once`, async () => {
    const host = fakeProcess();
    const log = recordingLogger();
    void run('x', async () => service(), { process: host, log });
    await new Promise(setImmediate);
    host.emit(event, new Error('bug'));
    assert.deepEqual(host.exits, [1]);
    assert.equal(log.lines.at(-1)?.level, 'fatal');
  });
}

test('a broken pipe on the output is ignored, any other error of it is not', async () => {
  const host = fakeProcess();
  void run('x', async () => service(), { process: host });
  await new Promise(setImmediate);
  host.stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
  assert.throws(() => host.stdout.emit('error', Object.assign(new Error('io'), { code: 'EIO' })), /io/);
  host.emit('SIGTERM');
});

/** Runs a program in a process of its own that may import from this folder. */
function program(source: string) {
  const imports = `import { run } from './run.ts'; import { createLogger } from './log.ts'; import { readEnv } from './env.ts';
    import { list } from './env-fields.ts';`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', imports + source], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, 'exit').then(([code]) => ({ code: code as number | null, text }));
  return { child, exit };
}

test('real process: an unusable environment ends it within 2 s although a server is open', async () => {
  const started = performance.now();
  const { exit } = program(`import { createServer } from 'node:net';
    await run('router', async () => { createServer().listen(0); return readEnv({}, { a: list('POSTRIDER_A') }); });`);
  const { code, text } = await exit;
  assert.equal(code, 1);
  assert.match(text, /POSTRIDER_A is missing/);
  assert.ok(performance.now() - started < 2_000);
});

test('real process: SIGTERM ends it with 0 once its handles are closed', async () => {
  const { child, exit } = program(`const timer = setInterval(() => {}, 1000);
    await run('x', async () => { console.log('up'); return { async [Symbol.asyncDispose]() { clearInterval(timer); } }; });`);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, { code: 0, text: '' });
});

test('real process: nobody reading the log does not end it', async () => {
  const { child, exit } = program(`const log = createLogger('x');
    await run('x', async (signal) => {
      log.info({}, 'up');
      const timer = setInterval(() => { log.info({}, 'line'); console.log('line'); }, 1);
      process.stdout.on('error', () => process.stderr.write('broken pipe'));
      return { async [Symbol.asyncDispose]() { clearInterval(timer); } };
    }, { log });`);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child.stderr, 'data');
  child.kill('SIGTERM');
  const { code, text } = await exit;
  assert.equal(code, 0);
  assert.match(text, /broken pipe/);
});
