/**
 * The operator changes the egress policy of a running dispatcher. Doubles: Kafka, the clock, and in the first test
 * the door. Observed: attempts, and what arrives.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { tempDir } from '../../../test/support/resources.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { onRequest, rawEndpoint } from '../../../packages/egress/testing/support.ts';
import { createHarness } from '../testing/harness.ts';

test('endpoints are judged by the new policy without a restart, whichever way it has changed', async () => {
  await using folder = await tempDir();
  const policyFile = join(folder.path, 'policy.json');
  writeFileSync(policyFile, '{"ports":[443]}');
  const run = createHarness();
  run.config.endpoint('shop', { url: 'https://hooks.example.com:8443/shop' });
  const dispatcher = await run.start('dispatcher', { policyFile });
  let delivered = 0;
  const outcomeOf = async (): Promise<Outcome | undefined> => {
    delivered += 1;
    const webhook = run.deliver(`event-${delivered}`, 'shop');
    const attempt = () => run.attempts().find(({ webhookId }) => webhookId === webhook);
    await run.until(() => attempt() !== undefined, `attempt ${delivered}`);
    return attempt()?.outcome;
  };
  /** Delivers until it ends so: the file is read in real time, and looked at in that of the clock. */
  const until = (outcome: Outcome) =>
    waitFor(() => run.clock.advance(1_000).then(async () => (await outcomeOf()) === outcome), {
      what: `a delivery that ends as ${outcome}`,
    });

  assert.equal(await outcomeOf(), Outcome.BLOCKED);
  writeFileSync(policyFile, '{"ports":[443,8443]}');
  await until(Outcome.DELIVERED);
  writeFileSync(policyFile, '{"ports":[443]}');
  await until(Outcome.BLOCKED);
  await run.stop(dispatcher);
});

test('a connection that the new policy does not allow is closed, though nobody uses it', async () => {
  await using folder = await tempDir();
  const policyFile = join(folder.path, 'policy.json');
  writeFileSync(policyFile, '{}');
  await using endpoint = await rawEndpoint((socket) =>
    onRequest(socket, () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')),
  );
  const run = createHarness();
  run.config.endpoint('shop', { url: `http://localhost:${endpoint.port}/shop` });
  const laptop = { allowHttp: true, allowLoopback: true, policyFile };
  const dispatcher = await run.start('dispatcher', laptop, { ownDoor: true });
  /** In real time less than an unused connection is kept. */
  const until = (condition: () => boolean, what: string) =>
    waitFor(() => run.clock.advance(20).then(condition), { what, timeoutMs: 3_000 });
  run.deliver('before', 'shop');
  await until(() => run.attempts().length === 1, 'the delivery');
  assert.equal(run.attempts()[0]?.outcome, Outcome.DELIVERED);
  writeFileSync(policyFile, '{"ports":[443]}');
  let closed = false;
  void endpoint.untilClosed().then(() => (closed = true));
  await until(() => closed, 'the connection to be closed');
  await run.stop(dispatcher);
});
