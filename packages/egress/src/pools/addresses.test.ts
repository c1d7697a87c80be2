/**
 * Pools of local addresses over real sockets. All of 127.0.0.0/8 is this machine's; an address that comes and goes is added
 * to the loopback interface, which takes root.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  answering,
  onRequest,
  openEgress,
  rawEndpoint,
  requestTo,
  sendOne,
  type RawEndpoint,
} from '../../testing/support.ts';
import { parsePools } from './definition.ts';
import type { Egress, EgressResult } from '../index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const pools = (definitions: object) => parsePools(JSON.stringify(definitions), () => assert.fail('no file is named'));
const told = (result: EgressResult): string =>
  result.kind === 'failure' ? `${result.code} ${result.owner}` : `${result.status} ${result.sourceAddress}`;

/** Remembers where its connections come from. */
async function watching(): Promise<RawEndpoint & { readonly sources: string[] }> {
  const sources: string[] = [];
  const endpoint = await rawEndpoint((socket) => {
    sources.push(socket.remoteAddress ?? '');
    onRequest(socket, () => socket.write(ok));
  });
  return { ...endpoint, sources };
}

test('every request leaves from an address of its pool, and the result says which', async () => {
  await using endpoint = await watching();
  await using egress = openEgress({
    pools: pools({
      one: { kind: 'addresses', localAddresses: ['127.0.0.2'] },
      other: { kind: 'addresses', localAddresses: ['127.0.0.3'] },
    }),
  });
  const send = (pool: string, poolKey: string) => sendOne(egress, requestTo(endpoint.origin, { pool, poolKey }));
  assert.equal(told(await send('one', 'a')), '200 127.0.0.2');
  assert.equal(told(await send('other', 'b')), '200 127.0.0.3');
  assert.equal(told(await sendOne(egress, requestTo(endpoint.origin, { poolKey: 'c' }))), '200 127.0.0.1');
  // The endpoint of `a` moves to the other pool: the connection that is kept belongs to the first.
  assert.equal(told(await send('other', 'a')), '200 127.0.0.3');
  assert.deepEqual(endpoint.sources, ['127.0.0.2', '127.0.0.3', '127.0.0.1', '127.0.0.3']);
});

test('connections take the addresses in turn, or always the same for one endpoint', async () => {
  await using endpoint = await watching();
  const localAddresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  await using egress = openEgress({
    pools: pools({
      turn: { kind: 'addresses', localAddresses },
      stick: { kind: 'addresses', localAddresses, choice: 'sticky' },
    }),
  });
  const from = async (pool: string, poolKey: string) =>
    told(await sendOne(egress, requestTo(endpoint.origin, { pool, poolKey }))).slice(4);
  const inTurn: string[] = [];
  for (let index = 0; index < 6; index++) inTurn.push(await from('turn', `turn-${index}`));
  assert.deepEqual(inTurn, [...localAddresses, ...localAddresses]);
  const stuck: string[] = [];
  for (let index = 0; index < 30; index++) stuck.push(await from('stick', `stick-${index}`));
  assert.deepEqual(new Set(stuck), new Set(localAddresses));
  await using another = openEgress({
    pools: pools({ stick: { kind: 'addresses', localAddresses, choice: 'sticky' } }),
  });
  for (const [index, address] of stuck.entries()) {
    const again = await sendOne(another, requestTo(endpoint.origin, { pool: 'stick', poolKey: `stick-${index}` }));
    assert.equal(told(again).slice(4), address);
  }
});

test('an address that is not this machine’s is passed over for another of its pool, and for nothing else', async () => {
  await using endpoint = await watching();
  await using egress = openEgress({
    pools: pools({
      mixed: { kind: 'addresses', localAddresses: ['192.0.2.1', '127.0.0.5'] },
      gone: { kind: 'addresses', localAddresses: ['192.0.2.1'] },
    }),
  });
  const send = (pool: string | undefined, poolKey: string) =>
    sendOne(egress, requestTo(endpoint.origin, { ...(pool === undefined ? {} : { pool }), poolKey }));
  for (const key of ['a', 'b', 'c']) assert.equal(told(await send('mixed', key)), '200 127.0.0.5');
  assert.equal(told(await send('gone', 'd')), 'pool_unavailable ours');
  assert.equal(told(await send('nobody-defined-it', 'e')), 'pool_unavailable ours');
  assert.deepEqual(endpoint.sources, ['127.0.0.5', '127.0.0.5', '127.0.0.5']);
  const states = new Map(egress.pools.states().map((state) => [state.name, state]));
  assert.deepEqual(states.get('default'), { name: 'default', open: true, problems: [] });
  const problems = ['192.0.2.1: is not an address of this machine'];
  assert.deepEqual(states.get('mixed'), { name: 'mixed', open: true, problems });
  assert.deepEqual(states.get('gone'), { name: 'gone', open: false, problems });
});

test('a pool without an address of the host’s family cannot reach it', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress({ pools: pools({ six: { kind: 'addresses', localAddresses: ['::1'] } }) });
  const result = await sendOne(egress, requestTo(endpoint.origin, { pool: 'six' }));
  assert.equal(told(result), 'connection_refused endpoint');
  assert.equal(endpoint.accepts(), 0);
});

const ip = (verb: 'add' | 'del', address: string) =>
  execFileSync('ip', ['addr', verb, `${address}/32`, 'dev', 'lo'], { stdio: 'ignore' });

function canAddAddresses(address: string): boolean {
  try {
    ip('add', address);
    ip('del', address);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the pool is open, or is not. */
function until(egress: Egress, pool: string, open: boolean): Promise<void> {
  const holds = () => egress.pools.states().find(({ name }) => name === pool)?.open === open;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = egress.pools.onChange(() => holds() && resolve());
  if (holds()) resolve();
  return promise.finally(stop);
}

// Of its own, so that runs beside each other do not meet.
const borrowed = `10.254.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const skip = canAddAddresses(borrowed) ? false : 'adding an address to the loopback interface takes root and iproute2';

test(
  'an address that is taken away: nothing leaves from elsewhere, not even over a kept connection, until it is back',
  { skip, timeout: 30_000 },
  async () => {
    let held: (() => void) | undefined;
    const sources: string[] = [];
    await using endpoint = await rawEndpoint((socket) => {
      onRequest(socket, (request) => {
        sources.push(socket.remoteAddress ?? '');
        if (request.includes('/slow')) held = () => socket.destroy();
        else socket.write(ok);
      });
    });
    ip('add', borrowed);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => void ip('del', borrowed));
    const egress = stack.use(
      openEgress({
        pools: pools({ p: { kind: 'addresses', localAddresses: [borrowed] } }),
        limits: { idleSocketMs: 30_000 },
      }),
    );
    const send = (more: object = {}) => sendOne(egress, requestTo(endpoint.origin, { pool: 'p', ...more }));
    assert.equal(told(await send()), `200 ${borrowed}`);
    const slow = send({ path: '/slow', poolKey: 'another', totalDeadlineMs: 1_000 });
    while (sources.length < 2) await new Promise(setImmediate);
    ip('del', borrowed);
    await until(egress, 'p', false);
    // It was sent, and no answer can come any more: that is not its endpoint's doing.
    held?.();
    assert.equal(told(await slow), 'pool_unavailable ours');
    assert.equal(told(await send()), 'pool_unavailable ours');
    assert.equal(egress.connections(), 0);
    ip('add', borrowed);
    await until(egress, 'p', true);
    assert.equal(told(await send()), `200 ${borrowed}`);
    assert.deepEqual(sources, [borrowed, borrowed, borrowed]);
  },
);
