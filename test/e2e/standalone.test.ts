// test-timeout: 300 s
/**
 * `npm start` as a user sees it: the real main file in a process of its own, a real Kafka, real HTTP, real signatures. What
 * may be observed: what it prints, its exit code, its data folder, the command line, and which processes are left behind.
 * Not part of it: the bootstrap in front of it, which has tests of its own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, tempDir, uniqueName } from '../support/resources.ts';
import { sharedKafka } from '../support/kafka.ts';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');
const storyMs = 90_000;

interface Program extends AsyncDisposable {
  readonly pid: number;
  readonly output: string;
  /** Resolves when the output holds the pattern; rejects with the output when the program ends before. */
  says(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts a main file with this environment only. */
function start(main: string, args: readonly string[], env: Record<string, string>, cwd = root): Program {
  const preload = ['--import', join(root, 'test/support/end-with-parent.ts')];
  const child = spawn(process.execPath, [...preload, join(root, main), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? -1,
    get output() {
      return output;
    },
    async says(pattern) {
      const what = `${String(pattern)} in the output`;
      await waitFor(() => pattern.test(output) || !running(), { what, timeoutMs: storyMs }).catch(() => {});
      assert.match(output, pattern);
    },
    signal: (name) => void child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const standalone = (args: readonly string[], env: Record<string, string>) =>
  start('services/standalone/src/main.ts', args, { POSTRIDER_GRPC_PORT: '0', POSTRIDER_KAFKA_PORT: '0', ...env });

/** Pids of processes whose command line names the path; on systems that tell it. */
function processesNaming(path: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path);
    } catch {
      return false;
    }
  });
}

/** The story as it must be told, whatever the ids, ports and times are. */
function assertStory(output: string): void {
  const steps = [
    /created over gRPC/,
    /tenants\/demo\/endpoints\/orders {2}ep_[0-9a-f]{32} {2}http:\/\/127\.0\.0\.1:\d+\/orders/,
    /event is on its topic: \S+events, partition \d+, offset \d+/,
    /written its delivery: \S+deliveries, partition \d+, offset \d+/,
    /POST \/orders HTTP\/1\.1/,
    /webhook-id: msg_[0-9a-f]{32}/,
    /webhook-signature: v1,[A-Za-z0-9+/]{43}=/,
    /answered 200; the official standardwebhooks verifier calls the signature valid/,
    /delivered \S+ m?s after the event was on its topic/,
    /attempt 1 .*: 500 rejected\n.*waits in \S+retry\.1m, partition \d+, offset \d+/,
    /attempt 2 .* after it was due: 500 rejected\n.*waits in \S+retry\.1m, partition \d+, offset \d+/,
    /attempt 3 .* after it was due: 500 rejected, given up/,
    /dead letter \S+dead-letters, partition \d+, offset \d+: exhausted after 3 attempts/,
  ];
  let rest = output;
  for (const step of steps) {
    const at = rest.search(step);
    assert.ok(at >= 0, `${String(step)} is missing, or not in its place:\n${output}`);
    rest = rest.slice(at);
  }
  assert.ok(!output.includes('\u001b'), 'colours away from a terminal');
}

test('npm start tells its story, ends with 0 and leaves no process behind', async () => {
  await using directory = await tempDir();
  await using program = standalone(['--fresh', '--exit-after-story'], { POSTRIDER_DATA_DIR: directory.path });
  assert.equal(await program.ended, 0, program.output);
  assertStory(program.output);
  assert.deepEqual(processesNaming(directory.path), []);
  assert.deepEqual(
    readdirSync(directory.path).toSorted(),
    ['admin-key', 'kafka', 'kek', 'log', 'scratch'],
    'what stays in the data folder',
  );
});

test('it stays up for the command line, refuses a second one, and keeps its data when it is stopped', async () => {
  await using directory = await tempDir();
  const env = { POSTRIDER_DATA_DIR: join(directory.path, '.postrider') };
  await using program = standalone([], env);
  await program.says(/Ctrl-C stops everything/);
  assert.equal(statSync(join(env.POSTRIDER_DATA_DIR, 'connection.json')).mode & 0o777, 0o600);

  await using second = standalone([], env);
  assert.equal(await second.ended, 1);
  assert.match(second.output, new RegExp(`already running here \\(pid ${program.pid}\\)`));

  const event = ['publish', '--tenant', 'demo', '--type', 'order.shipped', '--data', '{"order": 18}'];
  await using publish = start('packages/cli/src/main.ts', event, {}, directory.path);
  assert.equal(await publish.ended, 0, publish.output);
  await program.says(/endpoints\/orders received order\.shipped, attempt 1: signature valid, answered 200/);

  await using doctor = start('packages/cli/src/main.ts', ['doctor'], {}, directory.path);
  assert.equal(await doctor.ended, 0, doctor.output);
  assert.doesNotMatch(doctor.output, /ERROR|WARNING/);
  await using backlog = start('packages/cli/src/main.ts', ['backlog', 'demo/orders'], {}, directory.path);
  assert.equal(await backlog.ended, 0, backlog.output);
  assert.match(backlog.output, /^Nothing waits; 0 in flight/);

  program.signal('SIGINT');
  assert.equal(await program.ended, 0, program.output);
  assert.deepEqual(processesNaming(directory.path), []);

  await using again = standalone(['--exit-after-story'], env);
  assert.equal(await again.ended, 0, again.output);
  assertStory(again.output);
});

test('with one’s own Kafka none is started, and the story is the same', async () => {
  await using directory = await tempDir();
  const kafka = await sharedKafka();
  await using program = standalone(['--exit-after-story'], {
    POSTRIDER_DATA_DIR: directory.path,
    POSTRIDER_KAFKA_BROKERS: kafka.bootstrapServers.join(','),
    POSTRIDER_TOPIC_PREFIX: `${uniqueName('standalone')}.`,
    POSTRIDER_PARTITIONS: '3',
  });
  assert.equal(await program.ended, 0, program.output);
  assertStory(program.output);
  assert.ok(!readdirSync(directory.path).includes('kafka'));
});

test('one’s own Kafka that is not there is waited for, which is said, and Ctrl-C ends the waiting with 0', async () => {
  await using directory = await tempDir();
  await using program = standalone([], {
    POSTRIDER_DATA_DIR: directory.path,
    POSTRIDER_KAFKA_BROKERS: `127.0.0.1:${await freePort()}`,
  });
  await program.says(/no broker answers yet; waiting/);
  program.signal('SIGINT');
  assert.equal(await program.ended, 0, program.output);
});
