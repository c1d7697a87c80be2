import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { choosePorts, portIsFree } from './ports.ts';

test('a port that something listens on is not free, and is free again afterwards', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal(await portIsFree(port), false);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await portIsFree(port), true);
});

test('chosen ports differ and lie below those of outgoing connections', async () => {
  const ports = await choosePorts(20);
  assert.equal(new Set(ports).size, 20);
  for (const port of ports) assert.ok(port >= 15_000 && port < 32_000, `${port}`);
});

test('a port that somebody else has chosen already is not chosen again', async () => {
  const theirs = new Set(Array.from({ length: 8_500 }, (_, index) => 15_000 + 2 * index));
  const ports = await choosePorts(20, theirs);
  assert.ok(ports.every((port) => !theirs.has(port)));
});
