/**
 * Three control planes as processes on a real Kafka. Their leader is killed among a thousand concurrent creations, and
 * stopped and woken up again. One round is run; `TEST_LEADER_ROUNDS=10` asks for more of them.
 */
// test-timeout: 900 s
// test-alone: elections of seconds are at stake
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { startConfigView, type ConfigProblem, type ConfigView } from '@postrider/config-view';
import { createAuditCheck, readAuditRecord } from '@postrider/core';
import { connectKafka, topicName, type IncomingRecord, type KafkaPort } from '@postrider/kafka';
import { recordingLogger, systemClock } from '@postrider/runtime';
import type { LocalKafka } from '../../deploy/local/index.ts';
import { startKafka } from '../support/kafka.ts';
import { isUnavailable, startReplicas, type Replica, type Replicas } from '../support/replicas.ts';
import { waitFor } from '../support/wait-for.ts';

const rounds = Number(process.env['TEST_LEADER_ROUNDS'] ?? 1);
const creations = 1_000;
const electionMsMax = 15_000;

let kafka: LocalKafka;
let port: KafkaPort;
before(async () => {
  kafka = await startKafka({ brokers: 1 });
  port = connectKafka({ brokers: kafka.bootstrapServers, clientId: 'test', clock: systemClock });
});
after(async () => {
  await port[Symbol.asyncDispose]();
  await kafka[Symbol.asyncDispose]();
});

/** Follows `config`, and keeps what did not take effect. */
async function follow({ topicPrefix }: Replicas): Promise<{ view: ConfigView; problems: ConfigProblem[] }> {
  const problems: ConfigProblem[] = [];
  const topic = topicName(topicPrefix, 'config');
  const onProblem = (problem: ConfigProblem) => void problems.push(problem);
  const view = await startConfigView({ kafka: port, topic, log: recordingLogger(), clock: systemClock, onProblem });
  return { view, problems };
}

/** As a client does: again with the same request_id, elsewhere, while it is told that it may. */
async function createSurely(all: readonly Replica[], id: string, first: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await (all[(first + tries) % all.length] as Replica).createTenant(id);
      return;
    } catch (error) {
      if (!isUnavailable(error) || tries >= 20) throw error;
    }
  }
}

async function recordsOf({ topicPrefix }: Replicas, id: 'config' | 'audit' = 'config'): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = [];
  const onBatch = (batch: { readonly records: readonly IncomingRecord[] }) => void records.push(...batch.records);
  await using reader = await port.reader({ topic: topicName(topicPrefix, id), onBatch });
  await reader.caughtUp;
  return records;
}

/** The chain is whole, and the tenants that it tells of as made are these, each once. */
async function assertAudited(replicas: Replicas, keys: readonly string[]): Promise<void> {
  const check = createAuditCheck();
  const made: string[] = [];
  for (const { value, offset } of await recordsOf(replicas, 'audit')) {
    check.take(value, offset);
    const entry = readAuditRecord(value);
    if (entry?.kind === 'tenant') made.push(entry.resource.replace('tenants/', 'tenant/'));
  }
  assert.equal(check.broken, null);
  assert.deepEqual(made.toSorted(), keys.toSorted());
}

for (let round = 1; round <= rounds; round += 1) {
  test(`round ${round}: a leader killed among 1,000 creations: what was acknowledged is there, once, and another leads soon`, async (context: TestContext) => {
    await using replicas = await startReplicas(kafka, 3);
    const { view, problems } = await follow(replicas);
    await using _ = view;
    const victim = await replicas.leader();
    const before = view.snapshot().writer?.epoch ?? -1;
    let acknowledged = 0;
    const started = performance.now();
    const all = Array.from({ length: creations }, (_unused, index) =>
      createSurely(replicas.all, `t-${index}`, index).then(() => (acknowledged += 1)),
    );
    const done = Promise.all(all);
    done.catch(() => {});
    await waitFor(() => acknowledged >= creations / 4, { what: 'a quarter of the answers', timeoutMs: 60_000 });
    const atKill = acknowledged;
    const killed = await victim.process.kill('SIGKILL');
    const claimed = () => (view.snapshot().writer?.epoch ?? -1) > before;
    await waitFor(claimed, { what: 'the claim of another leader', timeoutMs: 30_000 });
    const electionMs = Date.now() - killed;
    await done;
    const seconds = Math.round(performance.now() - started) / 1_000;
    context.diagnostic(`${atKill} answers before the kill, another leader after ${electionMs} ms, all in ${seconds} s`);
    assert.ok(atKill < creations, 'the kill came when all was done');
    assert.ok(electionMs <= electionMsMax, `${electionMs} ms`);
    const keys = (await recordsOf(replicas)).map(({ key }) => String(key)).filter((key) => key.startsWith('tenant/'));
    assert.equal(keys.length, creations);
    assert.equal(new Set(keys).size, creations);
    await assertAudited(replicas, keys);
    assert.deepEqual(problems, []);
  });
}

/** The process itself no longer keeps itself from writing, neither by its session nor by another's claim: only the broker does. */
const believesItself = [
  {
    file: 'services/control-plane/src/writer-seat.ts',
    find: 'mayWrite: () => held && isHeard(member, clock),',
    replace: 'mayWrite: () => held,',
  },
  {
    file: 'services/control-plane/src/config-writer.ts',
    find: 'return this.#options.view.snapshot().writer?.randomId.equals(this.#randomId) === true;',
    replace: 'return true;',
  },
];

test('a leader that was stopped and takes itself for one when it wakes up is refused by the broker', async () => {
  await using replicas = await startReplicas(kafka, 3, { plant: believesItself });
  const { view, problems } = await follow(replicas);
  await using _ = view;
  const stale = await replicas.leader();
  const before = view.snapshot().writer?.epoch ?? -1;
  await stale.createTenant('before');
  stale.process.signal('SIGSTOP');
  // They wait in its sockets, and are the first that it sees when it wakes up.
  const late = Array.from({ length: 20 }, (_unused, index) => stale.createTenant(`late-${index}`));
  await waitFor(() => (view.snapshot().writer?.epoch ?? -1) > before, { what: 'a new claim', timeoutMs: 30_000 });
  stale.process.signal('SIGCONT');
  await Promise.all(late);
  const ended = stale.process.log.split('\n').find((line) => line.includes('leader.ended'));
  assert.match(ended ?? '', /Kafka error (?:47|90)/, stale.process.log.slice(-4_000));
  assert.deepEqual(problems, []);
  const keys = (await recordsOf(replicas)).map(({ key }) => String(key)).filter((key) => key.startsWith('tenant/'));
  assert.equal(keys.filter((key) => key.startsWith('tenant/late')).length, late.length);
  await assertAudited(replicas, keys);
});

test('a leader that is told to stop is followed by another within 2 s', async (context: TestContext) => {
  await using replicas = await startReplicas(kafka, 3);
  const { view } = await follow(replicas);
  await using _ = view;
  const leader = await replicas.leader();
  const before = view.snapshot().writer?.epoch ?? -1;
  const asked = Date.now();
  const stopped = leader.process.kill('SIGTERM');
  await waitFor(() => (view.snapshot().writer?.epoch ?? -1) > before, { what: 'a new claim', timeoutMs: 30_000 });
  const tookMs = Date.now() - asked;
  await stopped;
  context.diagnostic(`another leads after ${tookMs} ms`);
  assert.ok(tookMs <= 2_000, `${tookMs} ms`);
});
