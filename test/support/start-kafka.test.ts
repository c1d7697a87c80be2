/** Real brokers. Nothing is doubled; what may be observed: processes, files, and what a client gets from the brokers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { connectKafka } from '../../packages/kafka/src/index.ts';
import { systemClock } from '../../packages/runtime/src/clock.ts';
import { waitFor } from './wait-for.ts';
import { choosePorts, startKafka } from '../../deploy/local/index.ts';
import type { LocalKafka, UnexpectedExit } from '../../deploy/local/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'postrider-start-kafka-'));
after(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));

const isRunning = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
const pidOf = (kafka: LocalKafka) => kafka.brokers[0]?.pid ?? assert.fail('no broker is running');

/** Makes the topic if it is not there, writes one record, and tells the end of its only partition. */
async function writeOne(kafka: LocalKafka): Promise<number> {
  const brokers = kafka.bootstrapServers;
  await using port = connectKafka({ brokers, clientId: 'test', clock: systemClock });
  await waitFor(() => port.admin.describeCluster(), { what: 'the cluster to answer', timeoutMs: 30_000 });
  await port.admin.createTopics([{ name: 'kept', partitions: 1, replicationFactor: 1, config: {} }]);
  await using producer = port.producer({ name: 'test' });
  await producer.send({ topic: 'kept', partition: 0, key: null, value: Buffer.from('x') });
  return (await port.admin.offsets('kept'))[0]?.high ?? -1;
}

test('data outlives a stop, a kill -9 and the process that started it, in one directory that one process may use', async () => {
  const dataDir = join(scratch, 'kept');
  const exits: UnexpectedExit[] = [];
  {
    await using kafka = await startKafka({ brokers: 1, dataDir, onUnexpectedExit: (exit) => exits.push(exit) });
    const [broker] = kafka.brokers;
    assert.ok(broker !== undefined);
    const first = pidOf(kafka);
    assert.equal(await writeOne(kafka), 1);

    await assert.rejects(startKafka({ brokers: 1, dataDir }), {
      code: 'DATA_LOCKED',
      message: new RegExp(`^Another Postrider is already running here \\(pid ${process.pid}\\)`),
    });

    await broker.stop();
    assert.equal(broker.pid, undefined);
    assert.ok(!isRunning(first));
    await broker.start();
    assert.equal(await writeOne(kafka), 2);

    await broker.kill();
    await broker.start();
    assert.equal(await writeOne(kafka), 3);
    assert.equal(exits.length, 0, 'an end that was asked for is not unexpected');

    process.kill(pidOf(kafka), 'SIGKILL');
    const exit = await waitFor(() => exits[0], { what: 'the unexpected end to be told' });
    assert.equal(exit.broker.nodeId, 1);
    assert.match(exit.problem.message, /^Kafka ended by SIGKILL/);
  }
  await using again = await startKafka({ brokers: 1, dataDir });
  assert.equal(await writeOne(again), 4);
});

test('brokers do not outlive a starter that is killed, and their data can be opened at once', async () => {
  const dataDir = join(scratch, 'orphan');
  const script = `import { startKafka } from ${JSON.stringify(import.meta.resolve('../../deploy/local/index.ts'))};
    const kafka = await startKafka({ brokers: 1, dataDir: ${JSON.stringify(dataDir)} });
    console.log(kafka.brokers[0].pid);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(isRunning(pid));
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  await using kafka = await startKafka({ brokers: 1, dataDir });
  assert.ok(!isRunning(pid));
  assert.equal(await writeOne(kafka), 1);
});

test('temporary data is removed with its Kafka', async () => {
  let directory = '';
  {
    await using kafka = await startKafka({ brokers: 1 });
    const commandLine = readFileSync(`/proc/${pidOf(kafka)}/cmdline`, 'utf8').split('\0');
    const config = commandLine.find((argument) => argument.endsWith('server.properties')) ?? assert.fail();
    directory = dirname(dirname(config));
    assert.ok(existsSync(directory));
  }
  assert.ok(!existsSync(directory));
});

async function occupy(port = 0): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

test('a taken port is told before anything starts, and one that is taken just then by the broker', async () => {
  await using taken = await occupy();
  await assert.rejects(startKafka({ brokers: 1, ports: [taken.port] }), {
    code: 'PORT_TAKEN',
    message: new RegExp(`^Port ${taken.port} of 127\\.0\\.0\\.1 is already taken`),
  });

  const [port] = (await choosePorts(1)) as [number];
  const takenLate = Promise.withResolvers<AsyncDisposable>();
  const log = (line: string) => line === 'Starting Kafka' && takenLate.resolve(occupy(port));
  await assert.rejects(startKafka({ brokers: 1, ports: [port], log }), {
    code: 'PORT_TAKEN',
    message: /It said: .*Address already in use/,
  });
  await (await takenLate.promise)[Symbol.asyncDispose]();
});

test('a property that Kafka refuses is shown in its own words', async () => {
  const refused = startKafka({ brokers: 1, properties: { 'num.io.threads': 'many' } });
  await assert.rejects(refused, { message: /num\.io\.threads/ });
});

test('a start that is given up leaves nothing running and nothing on disk', async () => {
  const dataDir = join(scratch, 'given-up');
  const giveUp = new AbortController();
  const log = (line: string) => line === 'Starting Kafka' && giveUp.abort();
  await assert.rejects(startKafka({ brokers: 1, dataDir, signal: giveUp.signal, log }), { code: 'ABORTED' });
  await using kafka = await startKafka({ brokers: 1, dataDir });
  assert.equal(await writeOne(kafka), 1);
});
