/** Which replica answers a call, and what is told when none does. Doubles: the view, the lead, the other replica. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { PostriderError } from '@postrider/core';
import { createFakeClock, settled } from '@postrider/kafka/testing';
import { createCallRouting, MIN_REVISION_METADATA } from './call-routing.ts';
import { serverLimits } from './server-limits.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { MethodName } from '@postrider/core';

const unknown = new PostriderError('outcome_unknown', 'whether it took effect is unknown');

/** A replica that leads as long as `leads` says, and whose configuration has the revision `revision`. */
function scene() {
  const clock = createFakeClock();
  const state = { leads: true, revision: '7', refusal: null as ServiceError | null };
  const awaited: PromiseWithResolvers<boolean>[] = [];
  const other = { processId: 'other', randomId: '', address: '192.0.2.7:8080' };
  const snapshot = () =>
    ({ revision: state.revision, writer: state.refusal === null ? null : other }) as unknown as ConfigSnapshot;
  const whenReached = () => {
    const one = Promise.withResolvers<boolean>();
    awaited.push(one);
    return one.promise;
  };
  const routing = createCallRouting({
    view: { snapshot, whenReached, reached: (revision) => revision === '', onChange: () => () => {} },
    leadership: { leads: () => state.leads, readOnlyBecause: () => null },
    forward: {
      know: () => {},
      to: () => (state.refusal === null ? Promise.resolve(null) : Promise.reject(state.refusal)),
      [Symbol.dispose]: () => {},
    },
    processId: 'me',
    readOnly: false,
    clock,
  });
  const answer = <T>(method: MethodName, requestId: string, here: () => T | Promise<T>) => {
    const connection = {
      getPath: () => '',
      getPeer: () => '',
      getDeadline: () => Infinity,
      getAuthContext: () => ({}),
      cancelled: false,
    };
    const call = { ...connection, metadata: new Metadata(), request: { requestId } };
    return routing.answer(method, call, here);
  };
  return { clock, state, awaited, routing, answer };
}

test('a creation that may have happened is repeated; when nobody can tell in time, that is what is told', async () => {
  const { clock, state, answer } = scene();
  const outcomes: (() => string)[] = [
    () => {
      throw unknown;
    },
    () => 'created',
  ];
  const create = () => answer('CreateTenant', 'q', () => (outcomes.shift() ?? assert.fail)());
  assert.equal((await settled(clock, create())).response, 'created');
  for (const later of ['none leads', 'unavailable'] as const) {
    outcomes.push(() => {
      state.leads = later !== 'none leads';
      throw unknown;
    });
    outcomes.push(() => {
      throw new PostriderError('unavailable', 'nothing was written');
    });
    await assert.rejects(settled(clock, create()), { code: 'outcome_unknown' }, later);
    outcomes.length = 0;
    state.leads = true;
  }
});

test('what is not known by a request id, or shows a secret once, is not repeated behind the caller’s back', async () => {
  const { clock, answer } = scene();
  for (const [method, requestId] of [
    ['CreateTenant', ''],
    ['CreateApiKey', 'q'],
    ['CreateEndpoint', 'q'],
  ] as const) {
    let tries = 0;
    const tried = answer(method, requestId, () => {
      tries += 1;
      throw unknown;
    });
    await assert.rejects(settled(clock, tried), { code: 'outcome_unknown' }, method);
    assert.equal(tries, 1, method);
  }
});

test('a change that an older leader does not know is told so at once: it has not happened', async () => {
  const { clock, state, answer } = scene();
  state.leads = false;
  const details = 'The server does not implement the method';
  const refusal = Object.assign(new Error(details), { code: status.UNIMPLEMENTED, details, metadata: new Metadata() });
  state.refusal = refusal;
  await assert.rejects(settled(clock, answer('CreateTenant', 'q', assert.fail)), { answer: refusal });
});

test('without a leader a change is told that nothing was written', async () => {
  const { clock, state, answer } = scene();
  state.leads = false;
  const started = clock.now();
  await assert.rejects(settled(clock, answer('CreateTenant', 'q', assert.fail)), { code: 'not_leader' });
  assert.ok(clock.now() - started >= serverLimits.leaderWaitMs);
});

test('a read tells the revision that it began with: what came meanwhile may not be in its answer', async () => {
  const { state, answer } = scene();
  const slow = Promise.withResolvers<string>();
  const reading = answer('ExplainDelivery', '', () => slow.promise);
  state.revision = '8';
  slow.resolve('told');
  assert.deepEqual(await reading, { response: 'told', revision: '7' });
});

test('only so many calls wait for a revision', async () => {
  const { awaited, routing } = scene();
  const asking = (revision: string) => {
    const metadata = new Metadata();
    if (revision !== '') metadata.set(MIN_REVISION_METADATA, revision);
    return routing.untilRevision(metadata, 1_000);
  };
  await asking('');
  const waiting = Array.from({ length: serverLimits.revisionWaitsMax }, () => asking('9'));
  await assert.rejects(asking('9'), { code: 'unavailable', message: /too many calls are waiting/ });
  for (const one of awaited) one.resolve(true);
  await Promise.all(waiting);
  const late = asking('9');
  awaited.at(-1)?.resolve(false);
  await assert.rejects(late, { code: 'unavailable', message: /up to revision 7 only/ });
});
