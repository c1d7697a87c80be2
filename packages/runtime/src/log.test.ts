import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { envSecret } from './env-secret.ts';
import { createLogger, recordingLogger, silentLogger, type LoggerOptions, type Logger } from './log.ts';

function linesOf(write: (log: Logger) => void, options: LoggerOptions = {}): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger('router', { ...options, write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is one JSON object with level, time, name, message and fields', () => {
  const [line] = linesOf((log) => log.child({ partition: 3 }).info({ epoch: 7 }, 'taken over'));
  assert.ok(line);
  assert.ok(!Number.isNaN(Date.parse(String(line['time']))));
  delete line['time'];
  assert.deepEqual(line, {
    level: 'info',
    name: 'router',
    partition: 3,
    epoch: 7,
    message: 'taken over',
  });
});

test('lines below the level are not written', () => {
  const write = (log: Logger): void => {
    log.debug({}, 'a');
    log.warn({}, 'b');
  };
  assert.deepEqual(
    linesOf(write, { level: 'warn' }).map((line) => line['message']),
    ['b'],
  );
  assert.deepEqual(linesOf(write, { level: 'silent' }), []);
});

test('secrets are not printed, by type and by name', () => {
  const text = JSON.stringify(
    linesOf((log) => {
      log.info(
        {
          key: envSecret('hunter2'),
          headers: { authorization: 'hunter2' },
          password: 'hunter2',
        },
        'a',
      );
      log.child({ secret: 'hunter2' }).info({ endpoint: { secrets: ['hunter2'] } }, 'b');
    }),
  );
  assert.ok(!text.includes('hunter2'), text);
  assert.equal(text.split('[secret]').length - 1, 5);
});

test('hiding a secret leaves what stands beside it, and the logged object itself, as it was', () => {
  const fields = { epoch: 3, endpoint: { url: 'https://a.example', token: 'hunter2' }, list: [1, 2], at: new Date(0) };
  const [line] = linesOf((log) => log.info(fields, 'a'));
  assert.deepEqual(line?.['endpoint'], { url: 'https://a.example', token: '[secret]' });
  assert.deepEqual([line?.['epoch'], line?.['list'], line?.['at']], [3, [1, 2], '1970-01-01T00:00:00.000Z']);
  assert.equal(fields.endpoint.token, 'hunter2');
});

test('an error shows type, code, stack and causes, and nothing a library hung on it', () => {
  const cause = Object.assign(new TypeError('inner'), { code: 'EINNER' });
  const error = Object.assign(new Error('outer', { cause }), {
    request: { authorization: 'hunter2' },
    token: 'hunter2',
  });
  const [line] = linesOf((log) => log.error({ error }, 'failed'));
  const shown = line?.['error'] as Record<string, unknown>;
  assert.deepEqual(Object.keys(shown), ['type', 'message', 'stack', 'cause']);
  assert.equal((shown['cause'] as Record<string, unknown>)['code'], 'EINNER');
});

test('an error that is its own cause does not loop', () => {
  const error = new Error('round');
  error.cause = error;
  assert.equal(linesOf((log) => log.error({ error }, 'failed')).length, 1);
});

test('a thrown value that is no error is shown as text', () => {
  assert.equal(linesOf((log) => log.error({ error: 42 }, 'failed'))[0]?.['error'], '42');
});

test('a recording logger keeps the lines of its children', () => {
  const log = recordingLogger();
  log.child({ a: 1 }).child({ b: 2 }).warn({ c: 3 }, 'x');
  assert.deepEqual(log.lines, [{ level: 'warn', message: 'x', fields: { a: 1, b: 2, c: 3 } }]);
});

test('the silent logger has silent children', () => silentLogger.child({ a: 1 }).fatal({}, 'x'));

test('lines of the turn in which a process ends are written, whether it ends by itself, at once, or by an error', () => {
  const log = JSON.stringify(new URL('./log.ts', import.meta.url).href);
  for (const end of ['', 'process.exit(0)', 'throw new Error("oh")']) {
    const code = `
      import { createLogger } from ${log};
      const logs = [createLogger('a'), createLogger('b')];
      for (let number = 0; number < 1_000; number += 1) logs[number % 2].info({ number }, 'x');
      ${end}`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    const numbers = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { number: number }).number);
    // What is being written already may be overtaken.
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      [...Array(1_000).keys()],
      end,
    );
  }
});
