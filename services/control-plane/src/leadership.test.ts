/** Which of several control planes leads, and what the others do with changes. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createFakeKafka, settled } from '@postrider/kafka/testing';
import { failure, startTestPlane } from '../testing/harness.ts';
import { creation, recordsOf, startOn, tenantsOf, writeAs } from '../testing/replicas.ts';
import { auditedOf, verifiedOf } from '../testing/audited.ts';

test('of two replicas one leads; the other passes changes on to it, and what was written through it is read there', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const first = await settled(clock, startOn(kafka, 'first').starting);
  const second = await settled(clock, startOn(kafka, 'second').starting);
  assert.deepEqual([first.role(), second.role()], ['leader', 'follower']);
  using follower = tenantsOf(second);
  const created = await settled(clock, follower.tenants.createTenant(creation('acme')), 1);
  assert.deepEqual(await settled(clock, follower.tenants.getTenant({ name: 'tenants/acme' }), 1), created);
  const taken = await settled(clock, failure(follower.tenants.createTenant({ ...creation('acme'), requestId: '' })), 1);
  assert.deepEqual([taken.code, taken.reason], ['ALREADY_EXISTS', 'ALREADY_EXISTS']);
  await clock.advance(60_000);
  assert.deepEqual([first.role(), second.role()], ['leader', 'follower'], 'the seat stays where it is');
  for (const plane of [second, first]) await settled(clock, plane[Symbol.asyncDispose]());
});

test('of two that start at the same moment one leads, and both serve', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const both = [startOn(kafka, 'one'), startOn(kafka, 'two')];
  const planes = await settled(clock, Promise.all(both.map(({ starting }) => starting)));
  await clock.advance(5_000);
  assert.deepEqual(planes.map((plane) => plane.role()).toSorted(), ['follower', 'leader']);
  for (const plane of planes) await settled(clock, plane[Symbol.asyncDispose]());
});

test('when the leader falls silent another leads within 15 s, and a change that came meanwhile is made by it', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const first = startOn(kafka, 'first');
  const silent = await settled(clock, first.starting);
  const second = await settled(clock, startOn(kafka, 'second').starting);
  first.port.freeze();
  using client = tenantsOf(second);
  const died = clock.now();
  const created = await settled(clock, client.tenants.createTenant(creation('meanwhile')));
  assert.ok(clock.now() - died < 15_000, `${clock.now() - died} ms`);
  assert.equal(created.name, 'tenants/meanwhile');
  assert.deepEqual([second.role(), second.view.snapshot().writer?.processId], ['leader', 'second']);
  first.port.thaw();
  for (const plane of [silent, second]) await settled(clock, plane[Symbol.asyncDispose]());
});

test('a leader that is told to stop hands over within 2 s', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const first = await settled(clock, startOn(kafka, 'first').starting);
  const second = await settled(clock, startOn(kafka, 'second').starting);
  const asked = clock.now();
  await settled(clock, first[Symbol.asyncDispose]());
  while (second.role() !== 'leader' && clock.now() - asked < 60_000) await clock.advance(100);
  assert.ok(clock.now() - asked <= 2_000, `${clock.now() - asked} ms`);
  await settled(clock, second[Symbol.asyncDispose]());
});

test('a leader that sees a newer claim changes nothing by its own any more, and claims anew as long as the seat is its', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  const claim = {
    $case: 'writer' as const,
    value: { processId: 'intruder', randomId: Buffer.alloc(16, 7), address: '' },
  };
  const offset = writeAs(kafka, run.plane, 'writer/current', claim);
  await run.plane.view.whenOffset(offset, 5_000);
  await run.tenants.createTenant(creation('late'));
  const { writer } = run.plane.view.snapshot();
  assert.ok(writer?.processId !== 'intruder' && (writer?.epoch ?? 0) > offset);
  const late = recordsOf(kafka).find(({ key }) => key === 'tenant/late');
  assert.equal(late?.writerEpoch, BigInt(writer?.epoch ?? 0));
  assert.ok(run.log.lines.some(({ message }) => message.startsWith('leader.ended')));
});

test('a leader that was stopped and wakes up is refused by the broker, whatever it takes itself for, and follows', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const first = startOn(kafka, 'first');
  const old = await settled(clock, first.starting);
  const plane = await settled(clock, startOn(kafka, 'second').starting);
  first.port.freeze();
  // A change is on its way to the broker then: what came behind it over the same connection is answered already.
  using client = tenantsOf(old);
  const late = client.tenants.createTenant(creation('late'));
  await settled(clock, failure(client.tenants.getTenant({ name: 'tenants/late' })), 1);
  for (let seconds = 0; plane.role() !== 'leader' && seconds < 60; seconds += 1) await clock.advance(1_000);
  first.port.thaw();
  assert.equal((await settled(clock, late)).name, 'tenants/late');
  await clock.advance(10_000);
  assert.deepEqual([old.role(), plane.role()], ['follower', 'leader']);
  const records = recordsOf(kafka);
  const behind = records.slice(records.findLastIndex(({ key }) => key === 'writer/current') + 1);
  assert.deepEqual(
    behind.map(({ key, writerEpoch }) => [key, Number(writerEpoch)]),
    [['tenant/late', plane.view.snapshot().writer?.epoch]],
  );
  // What the broker refused of a change it refused of its entry, too.
  assert.equal(verifiedOf(kafka).broken, null);
  assert.equal(auditedOf(kafka).filter(({ resource }) => resource === 'tenants/late').length, 1);
  for (const one of [old, plane]) await settled(clock, one[Symbol.asyncDispose]());
});

test('how far operations were read, and what follows from them written, is noted for the next leader', async () => {
  const kafka = createFakeKafka();
  await using first = await startTestPlane({}, kafka);
  const topic = 'postrider.operations';
  const offset = kafka.append(topic, 3, { key: Buffer.from('ep_1'), value: Buffer.from('{}') });
  const noted = () => kafka.committed('postrider.config-writer', topic, 3)?.offset;
  await first.tenants.createTenant(creation('acme'));
  await first.stop();
  assert.equal(noted(), offset + 1);
  await using second = await startTestPlane({}, kafka);
  kafka.append(topic, 3, { key: Buffer.from('ep_1'), value: Buffer.from('{}') });
  await second.tenants.createTenant(creation('bell'));
  await second.stop();
  assert.equal(noted(), offset + 2);
});
