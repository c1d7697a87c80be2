/** Over real sockets of loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startAccepting, type AcceptLimits } from './accept.ts';

async function open(changes: Partial<AcceptLimits> = {}, machineOf?: (address: string) => string) {
  const taken: Socket[] = [];
  const timers: (() => void)[] = [];
  const accepting = await startAccepting({
    ...{ host: '127.0.0.1', port: 0 },
    limits: { connectionsMax: 100, connectionsPerAddressMax: 100, firstUseMs: 1_000, ...changes },
    ...(machineOf === undefined ? {} : { machineOf }),
    take: (socket) => void taken.push(socket),
    after(_ms, callback) {
      timers.push(callback);
      return () => {
        const at = timers.indexOf(callback);
        if (at >= 0) timers.splice(at, 1);
      };
    },
  });
  const dial = (localAddress = '127.0.0.1'): Socket => {
    const socket = connect({ port: accepting.port, host: '127.0.0.1', localAddress });
    socket.on('error', () => {});
    return socket.resume();
  };
  return { accepting, taken, timers, dial, [Symbol.asyncDispose]: () => accepting.close(0) };
}

const closed = (socket: Socket): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, 'close'));
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

test('one address has so many connections and no more, while another still gets some; what ends makes room', async () => {
  await using listener = await open({ connectionsPerAddressMax: 3 });
  const { accepting, dial, taken } = listener;
  const first = [dial(), dial(), dial()];
  await until(() => taken.length === 3);
  await closed(dial());
  const other = dial('127.0.0.2');
  await until(() => taken.length === 4);
  first[0]?.destroy();
  await until(() => accepting.connections === 3);
  const again = dial();
  await until(() => taken.length === 5);
  for (const socket of [...first, other, again]) socket.destroy();
});

test('addresses of one machine share what one address may have', async () => {
  await using listener = await open({ connectionsPerAddressMax: 2 }, (address) => address.replace(/\.\d+$/, ''));
  const { accepting, dial, taken } = listener;
  const first = [dial('127.0.0.1'), dial('127.0.0.2')];
  await until(() => taken.length === 2);
  await closed(dial('127.0.0.3'));
  const other = dial('127.0.1.1');
  await until(() => taken.length === 3);
  first[0]?.destroy();
  await until(() => accepting.connections === 2);
  const again = dial('127.0.0.3');
  await until(() => taken.length === 4);
  for (const socket of [...first, other, again]) socket.destroy();
});

test('there are so many connections in all and no more', async () => {
  await using listener = await open({ connectionsMax: 2 });
  const { dial, taken } = listener;
  const kept = [dial(), dial('127.0.0.2')];
  await until(() => taken.length === 2);
  await closed(dial('127.0.0.3'));
  assert.equal(taken.length, 2);
  for (const socket of kept) socket.destroy();
});

test('a connection that is of no use in time is ended; one that is stays, until it is dropped', async () => {
  await using listener = await open();
  const { accepting, dial, taken, timers } = listener;
  const [useful, useless] = [dial(), dial('127.0.0.2')];
  await until(() => taken.length === 2);
  const peer = taken.find(({ remoteAddress }) => remoteAddress === '127.0.0.1');
  accepting.used(`${peer?.remoteAddress}:${peer?.remotePort}`);
  for (const due of [...timers]) due();
  await closed(useless);
  assert.equal(accepting.connections, 1);
  accepting.drop(`${peer?.remoteAddress}:${peer?.remotePort}`);
  await closed(useful);
  accepting.drop('nobody:1');
});

test('once it is closed nobody is accepted, and it is over when the last connection is; the useless are ended at once, others after the grace', async () => {
  const { accepting, dial, taken, timers } = await open();
  const [ends, stays, useless] = [dial(), dial('127.0.0.2'), dial('127.0.0.4')];
  await until(() => taken.length === 3);
  for (const { remoteAddress, remotePort } of taken)
    if (remoteAddress !== '127.0.0.4') accepting.used(`${remoteAddress}:${remotePort}`);
  let over = false;
  const closing = accepting.close(5_000).then(() => (over = true));
  await assert.rejects(closed(dial('127.0.0.3')), { code: 'ECONNREFUSED' });
  await closed(useless);
  assert.equal(ends.closed || stays.closed, false);
  ends.destroy();
  await until(() => accepting.connections === 1);
  assert.equal(over, false);
  for (const due of [...timers]) due();
  await Promise.all([closed(stays), closing]);
});
