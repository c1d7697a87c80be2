/**
 * The corpus of forged addresses at the API's door. Doubles: Kafka. Observed: answers, and a canary on loopback that must stay
 * silent. Names are not resolved here: what they lead to is judged at each connection.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { openCanary } from '../../../packages/egress/testing/canary.ts';
import {
  corpusRows,
  mustRefuseText,
  policyTextOf,
  urlOf,
  type CorpusRow,
} from '../../../packages/egress/testing/corpus.ts';
import { tempDir } from '../../../test/support/resources.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { failure, startTestPlane, type Running } from '../testing/harness.ts';

const parent = 'tenants/acme';

async function create(run: Running, url: string): Promise<Endpoint> {
  return run.endpoints.createEndpoint({
    parent,
    endpointId: '',
    endpoint: Endpoint.fromPartial({ url }),
    requestId: '',
  });
}

/** A control plane with this policy, and its tenant. */
async function startWith(policyFile: string): Promise<Running> {
  const run = await startTestPlane({ policyFile });
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  return run;
}

/** Refused, and so that a program knows why: INVALID_ARGUMENT, the field, and a reason that is stable. */
async function assertRefused(run: Running, url: string, id: string): Promise<void> {
  const answer = await failure(create(run, url));
  assert.deepEqual([answer.code, answer.fields], ['INVALID_ARGUMENT', ['endpoint.url']], id);
  assert.match(answer.fieldReasons.join(), /^URL_[A-Z_]+$/, id);
}

/** The row's host with each port of the canary, where it has a host: nothing but a verdict keeps us from there. */
function aimedAt(row: CorpusRow, ports: readonly number[]): string[] {
  const url = URL.parse(urlOf(row));
  if (url === null || url.hostname === '') return [];
  return ports.map((port) => `http://${url.hostname}:${port}/`);
}

test('201 of 201: the API refuses each forged URL with a stable reason, takes the others, and connects to nothing', async (t) => {
  await using canary = await openCanary();
  await using folder = await tempDir();
  const file = join(folder.path, 'policy.json');
  let [refused, taken] = [0, 0];
  for (const [policy, rows] of Map.groupBy(corpusRows, policyTextOf)) {
    const { ports, ...rest } = JSON.parse(policy) as { ports: number[] };
    writeFileSync(file, JSON.stringify({ ...rest, ports: [...ports, ...canary.ports] }));
    await using run = await startWith(file);
    for (const row of rows) {
      if (mustRefuseText(row)) {
        await assertRefused(run, urlOf(row), row.id);
        refused += 1;
        for (const url of row.class.startsWith('special-ip') ? aimedAt(row, canary.ports) : [])
          await assertRefused(run, url, row.id);
      } else {
        assert.equal((await create(run, urlOf(row))).url, urlOf(row), row.id);
        taken += 1;
      }
    }
  }
  t.diagnostic(`${refused} refused and ${taken} taken of ${corpusRows.length}; canary: ${canary.accepts()}`);
  assert.deepEqual([refused + taken, canary.accepts()], [201, 0]);
});

test('a policy that the operator changes holds for the next write, without a restart', async () => {
  await using folder = await tempDir();
  const file = join(folder.path, 'policy.json');
  writeFileSync(file, '{}');
  await using run = await startWith(file);
  await assertRefused(run, 'https://hooks.acme.dev:8443/', 'before');
  writeFileSync(file, '{"ports":[8443]}');
  await waitFor(() => create(run, 'https://hooks.acme.dev:8443/'), { what: 'the new policy to hold' });
});
