/**
 * What an endpoint may do and what the attempt must say: every row of `testdata/hostile-responses.json`, played on raw
 * sockets of loopback against the door with its default limits. The door stands in processes of its own, whose memory and
 * CPU are measured: one for the rows that end by themselves, one for those that a limit ends, which run side by side.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { classify, limits, maskHeaders, plainEnum } from '@postrider/core';
import { behaviours, endless, reusable } from '../testing/hostile-behaviours.ts';
import { isolatedNetwork } from '../testing/isolated-network.ts';
import { startSender, type Sender } from '../testing/sender.ts';
import { answering, rawEndpoint, type RawEndpoint } from '../testing/support.ts';
import { tlsReceivers } from '../testing/tls-receivers.ts';
import type { EgressResult } from './index.ts';

interface Row {
  readonly id: string;
  readonly behaviour: string;
  readonly outcome: string;
  readonly code: string;
}

const { rows } = JSON.parse(readFileSync(new URL('../testdata/hostile-responses.json', import.meta.url), 'utf8')) as {
  rows: readonly Row[];
};
const rowOf = (id: string): Row => {
  const row = rows.find((one) => one.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return row;
};

const totalDeadlineMs = limits.attemptTimeoutDefaultMs;
const rssGrowthBytesMax = 32 * 1_024 * 1_024;
/** 5 % of a core for as long as an attempt may take. */
const cpuMsMax = 0.05 * totalDeadlineMs;
/** The table allows these too. */
const also: Readonly<Record<string, string>> = { 'early-hints-flood': 'unreachable protocol_error' };

const verdictOf = (result: EgressResult): string => {
  const { outcome, code } = classify(result, undefined, Date.now());
  return `${plainEnum(outcome, 'OUTCOME')} ${code}`;
};

function assertRow(id: string, result: EgressResult): void {
  const { outcome, code } = rowOf(id);
  const told = verdictOf(result);
  assert.ok([`${outcome} ${code}`, also[id]].includes(told), `${told} instead of ${outcome} ${code}`);
  if (result.kind === 'failure') assert.equal(result.owner, 'endpoint');
  assert.ok(result.timings.totalMs <= totalDeadlineMs + 1_000, `took ${result.timings.totalMs} ms`);
}

/** Sends one request, which costs the sender no more than it may. */
async function sendBounded(sender: Sender, send: () => Promise<EgressResult>): Promise<EgressResult> {
  const idle = await sender.usage();
  const result = await send();
  const { cpuMs, rssPeakBytes } = await sender.usage();
  assert.ok(cpuMs - idle.cpuMs <= cpuMsMax, `${cpuMs - idle.cpuMs} ms of CPU`);
  assert.ok(rssPeakBytes - idle.rssBytes <= rssGrowthBytesMax, `${rssPeakBytes - idle.rssBytes} bytes more`);
  return result;
}

let good: RawEndpoint;
let sender: Sender;
let patientSender: Sender;
const cleanup = new AsyncDisposableStack();

before(async () => {
  good = cleanup.use(await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  [sender, patientSender] = await Promise.all([startSender(), startSender()]);
  cleanup.use(sender);
  cleanup.use(patientSender);
  // What a process needs once is not a row's doing.
  for (let i = 0; i < 200; i++) await Promise.all([sender.send(good.origin), patientSender.send(good.origin)]);
  // Name servers that answer for another name: what a broken one does is its endpoint's fault.
  for (const one of [sender, patientSender]) await one.send(`http://hook.example.com:${good.port}`);
  startPatient();
});
after(() => cleanup.disposeAsync());

/** Rows that nothing but a limit ends, all at once; each test waits for its own. */
const patient = new Map<string, Promise<EgressResult>>();
const patientReceivers = new Map<string, RawEndpoint>();
let idlePatient: Promise<Awaited<ReturnType<Sender['usage']>>>;
function startPatient(): void {
  idlePatient = patientSender.usage();
  const start = (id: string, result: Promise<EgressResult>): void => {
    result.catch(() => {});
    patient.set(id, result);
  };
  for (const [id, behave] of Object.entries(endless)) {
    const receiving = rawEndpoint(behave);
    start(
      id,
      receiving.then((receiver) => {
        patientReceivers.set(id, cleanup.use(receiver));
        return patientSender.send(receiver.origin);
      }),
    );
  }
  const stalling = tlsReceivers['tls-stall'] as () => ReturnType<typeof rawEndpoint>;
  start(
    'tls-stall',
    stalling().then((receiver) => {
      patientReceivers.set('tls-stall', cleanup.use(receiver));
      return patientSender.send(`https://hook.example.com:${receiver.port}`);
    }),
  );
  start('dns-silence', patientSender.send('https://silence.example.com'));
}

for (const [id, behave] of Object.entries(behaviours)) {
  if (Object.hasOwn(endless, id)) continue;
  test(`${id} → ${rowOf(id).outcome} ${rowOf(id).code}`, async () => {
    await using receiver = await rawEndpoint(behave);
    // An early answer comes while there is more to send.
    const bodyBytes = ['early-413', 'early-200-close'].includes(id) ? limits.bodyBytesMax : 10;
    const result = await sendBounded(sender, () => sender.send(receiver.origin, { bodyBytes }));
    assertRow(id, result);
    assert.equal(verdictOf(await sender.send(good.origin)), 'delivered ok');
    assert.equal(verdictOf(await sender.send(receiver.origin)), verdictOf(result));
    if (id !== 'early-413') assert.equal(receiver.accepts(), Object.hasOwn(reusable, id) ? 1 : 2);
    assert.doesNotMatch(receiver.received(), /^cookie:/im);
  });
}

for (const id of ['tls-self-signed', 'tls-expired', 'tls-wrong-name', 'tls-1.0', 'tls-no-cipher', 'plain-on-tls']) {
  test(`${id} → ${rowOf(id).outcome} ${rowOf(id).code}`, async () => {
    await using receiver = await tlsReceivers[id]!();
    const origin = `https://hook.example.com:${receiver.port}`;
    assertRow(id, await sendBounded(sender, () => sender.send(origin)));
    assert.equal(verdictOf(await sender.send(good.origin)), 'delivered ok');
  });
}

for (const [id, host] of [
  ['dns-nxdomain', 'nxdomain.example.com'],
  ['dns-servfail', 'servfail.example.com'],
] as const) {
  test(`${id} → ${rowOf(id).outcome} ${rowOf(id).code}`, async () => {
    assertRow(id, await sendBounded(sender, () => sender.send(`https://${host}`)));
  });
}

test('port-closed → unreachable connection_refused', async () => {
  const receiver = await rawEndpoint(() => {});
  await receiver[Symbol.asyncDispose]();
  assertRow('port-closed', await sendBounded(sender, () => sender.send(receiver.origin)));
});

test('tls-3200-bad → unreachable tls_certificate, and the heap stays flat', async () => {
  await using receiver = await tlsReceivers['tls-3200-bad']!();
  const origin = `https://hook.example.com:${receiver.port}`;
  const sendMany = async (count: number) => {
    for (let sent = 0; sent < count; sent += 16) {
      const results = await Promise.all(Array.from({ length: 16 }, () => sender.send(origin)));
      for (const result of results) assertRow('tls-3200-bad', result);
    }
  };
  await sendMany(320);
  const begun = await sender.usage();
  await sendMany(3_200 - 320);
  const { heapBytes } = await sender.usage();
  assert.ok(heapBytes - begun.heapBytes < 8 * 1_024 * 1_024, `${heapBytes - begun.heapBytes} bytes more`);
});

test('blackhole → timed-out connect_timeout', async (t) => {
  await using network = await isolatedNetwork();
  if (network === null) return t.skip('needs root and ip(8) to make a network namespace');
  await using inside = await startSender(network.name);
  assertRow('blackhole', await inside.send(`http://${network.silentAddress}`));
});

for (const id of [...Object.keys(endless), 'tls-stall', 'dns-silence']) {
  test(`${id} → ${rowOf(id).outcome} ${rowOf(id).code}, at its limit`, async () => {
    const result = await patient.get(id);
    assert.ok(result !== undefined);
    assertRow(id, result);
    await patientReceivers.get(id)?.untilClosed();
  });
}

test('all that a limit ends, side by side, is cheap and harms no other endpoint', async () => {
  const sent = await Promise.all(patient.values());
  assert.equal(sent.length, patient.size);
  const idle = await idlePatient;
  const { cpuMs, rssPeakBytes, dialled } = await patientSender.usage();
  assert.ok(cpuMs - idle.cpuMs <= cpuMsMax, `${cpuMs - idle.cpuMs} ms of CPU`);
  assert.ok(rssPeakBytes - idle.rssBytes <= rssGrowthBytesMax, `${rssPeakBytes - idle.rssBytes} bytes more`);
  assert.equal(verdictOf(await patientSender.send(good.origin)), 'delivered ok');
  assert.deepEqual([...dialled, ...(await sender.usage()).dialled], ['127.0.0.1', '127.0.0.1']);
});

test('every row of the table is played, and nothing else', () => {
  const played = [
    ...Object.keys(behaviours),
    ...Object.keys(tlsReceivers),
    ...['port-closed', 'blackhole', 'dns-nxdomain', 'dns-servfail', 'dns-silence'],
  ];
  assert.deepEqual(played.toSorted(), rows.map(({ id }) => id).toSorted());
});

test('bytes above 0x7f in a header are kept escaped', async () => {
  await using receiver = await rawEndpoint(behaviours['header-8bit']!);
  const result = await sender.send(receiver.origin);
  assert.ok(result.kind === 'response');
  assert.equal(maskHeaders(result.headers)[0]?.value, 'a\\x80\\xff');
});
