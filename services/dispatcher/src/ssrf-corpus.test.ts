/**
 * The corpus of forged addresses at the dispatcher's door: endpoints stand on the config topic as if no control plane had ever
 * judged them, and requests leave by the real door. Doubles: Kafka, and an internet played on loopback, where addresses that
 * are not public lead to a canary. Observed: attempts, what was dialled, and what the endpoints and the canary saw.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import type { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { createEgress, type Egress } from '@postrider/egress';
import { openCanary, type Canary } from '../../../packages/egress/testing/canary.ts';
import {
  corpusRows,
  mustRefuseText,
  policyOf,
  policyTextOf,
  urlOf,
  type CorpusRow,
} from '../../../packages/egress/testing/corpus.ts';
import { playInternet, type PlayedInternet } from '../../../packages/egress/testing/played-internet.ts';
import { realClock } from '../../../packages/egress/testing/support.ts';
import { tempDir } from '../../../test/support/resources.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { createHarness } from '../testing/harness.ts';

/** Scenarios of connections and proxies are the door's own tests: packages/egress/src/corpus-scenarios.test.ts. */
const rows = corpusRows.filter((row) => !row.scenario || mustRefuseText(row));

interface Door {
  readonly row: CorpusRow;
  readonly internet: PlayedInternet;
  readonly egress: Egress;
}

/** A dispatcher with one endpoint for each of these rows, which all have the same policy. */
async function openDoors(policy: string, ofPolicy: readonly CorpusRow[], canary: Canary, stack: AsyncDisposableStack) {
  const folder = stack.use(await tempDir());
  const policyFile = join(folder.path, 'policy.json');
  writeFileSync(policyFile, policy);
  const doors = new Map<string, Door>();
  for (const row of ofPolicy) {
    const internet = stack.use(await playInternet(row, canary));
    const { resolve, dial } = internet;
    const egress = createEgress({ policy: policyOf(row), clock: realClock, resolve, dial });
    stack.defer(() => egress.close({ graceMs: 0 }));
    doors.set(`ep_${row.id.toLowerCase()}`, { row, internet, egress });
  }
  const run = createHarness();
  for (const { row } of doors.values()) run.config.endpoint(row.id.toLowerCase(), { url: urlOf(row) });
  const dispatcher = await run.start(
    'dispatcher',
    { policyFile },
    {
      wrapSend: () => (request, done) => doors.get(request.poolKey.split('/')[1] ?? '')?.egress.send(request, done),
    },
  );
  stack.defer(() => run.stop(dispatcher));
  return { doors, run };
}

type Doors = Awaited<ReturnType<typeof openDoors>>;

/** Delivers to each row's endpoint as often as its host has different answers; the last attempt of each. */
async function attemptsOf({ doors, run }: Doors): Promise<(readonly [Door, Attempt])[]> {
  const attemptsAt = ({ row }: Door): Attempt[] =>
    run.attempts().filter(({ endpointId }) => endpointId === `ep_${row.id.toLowerCase()}`);
  for (let time = 1; ; time += 1) {
    const again = [...doors.values()].filter(({ row }) => (row.answers_by_lookup?.length ?? 1) >= time);
    if (again.length === 0) break;
    for (const { row } of again) run.deliver(`${row.id}-${time}`, row.id.toLowerCase());
    // The dispatcher's time is played and the door's is not: each goes on while the other waits.
    const all = (): boolean => again.every((door) => attemptsAt(door).length >= time);
    await waitFor(() => run.clock.advance(5).then(all), { what: `${time} attempts at ${again.length} endpoints` });
    await Promise.all(again.map(({ internet }) => internet.endpoint.untilClosed()));
  }
  const newest = (attempts: Attempt[]) => attempts.toSorted((a, b) => Number(a.startedAt) - Number(b.startedAt)).at(-1);
  return [...doors.values()].map((door) => [door, newest(attemptsAt(door)) as Attempt]);
}

function check({ row, internet }: Door, { outcome, code, status }: Attempt): void {
  const told = `${row.id} ${row.reason}: ${outcome} ${code}, dialled ${internet.dialled.join()}`;
  const { endpoint, dialled } = internet;
  if (mustRefuseText(row)) {
    assert.deepEqual([outcome, code, dialled], [Outcome.BLOCKED, 'blocked_url', []], told);
  } else if (row.expect === 'reject_connect') {
    assert.deepEqual([outcome, code], [Outcome.BLOCKED, 'blocked_address'], told);
    assert.equal(dialled.length, (row.answers_by_lookup?.length ?? 1) - 1, told);
  } else if (row.expect === 'dns_error') {
    assert.match(code, /^dns_/, told);
    assert.deepEqual(dialled, [], told);
  } else if (row.expect === 'fail_not_followed') {
    assert.notEqual(outcome, Outcome.DELIVERED, told);
    assert.deepEqual([endpoint.accepts(), dialled.length], [1, 1], told);
  } else {
    assert.deepEqual([row.expect, endpoint.accepts()], ['allow', 1], told);
    if (urlOf(row).toLowerCase().startsWith('http:'))
      assert.deepEqual([outcome, status], [Outcome.DELIVERED, 200], told);
  }
}

test('each row of the corpus ends at the dispatcher’s door as it must, and the canary is silent', async (t) => {
  await using canary = await openCanary();
  let checked = 0;
  for (const [policy, ofPolicy] of Map.groupBy(rows, policyTextOf)) {
    await using stack = new AsyncDisposableStack();
    for (const [door, attempt] of await attemptsOf(await openDoors(policy, ofPolicy, canary, stack))) {
      check(door, attempt);
      checked += 1;
    }
  }
  t.diagnostic(`${checked} of ${rows.length}; canary: ${canary.accepts()}`);
  assert.deepEqual([checked, canary.accepts()], [190, 0]);
});
