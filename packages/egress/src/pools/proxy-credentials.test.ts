/** A proxy that is played on a raw socket of loopback, and a password in a real file. Observed: results, and the pool. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { letThrough, scriptedProxy } from '../../testing/scripted-proxy.ts';
import { answering, openEgress, requestTo, sendOne } from '../../testing/support.ts';
import { parsePools } from '../index.ts';
import { proxyCredentials } from './proxy-credentials.ts';

const authorizationOf = (password: string): string => Buffer.from(`postrider:${password}`).toString('base64');

test('a password that is changed in its file is used from then on, and opens a pool that was closed for want of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'password-'));
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, 'old\n');
  let wanted = 'old';
  await using endpoint = await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  await using proxy = await scriptedProxy((client, target, head) => {
    if (head.includes(`proxy-authorization: Basic ${authorizationOf(wanted)}\r\n`)) letThrough(client, target, head);
    else client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  const vetted = { kind: 'proxy', proxyUrl: `http://127.0.0.1:${proxy.port}`, username: 'postrider', passwordFile };
  const pools = parsePools(JSON.stringify({ vetted }), (path) => readFileSync(path, 'utf8'));
  await using egress = openEgress({ pools, limits: { poolLookEveryMs: 20 } });
  const send = async () => {
    const result = await sendOne(egress, requestTo(endpoint.origin, { pool: 'vetted' }));
    return result.kind === 'failure' ? result.code : result.status;
  };
  const opened = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = egress.pools.onChange(() => {
      if (egress.pools.isOpen('vetted')) resolve();
    });
    return promise.finally(stop);
  };
  assert.equal(await send(), 200);
  wanted = 'new';
  assert.equal(await send(), 'proxy_auth');
  assert.equal(egress.pools.isOpen('vetted'), false);
  // A file that is being replaced may be away for a moment.
  await rm(passwordFile);
  const isOpen = opened();
  await writeFile(passwordFile, 'new\n');
  await isOpen;
  assert.equal(await send(), 200);
  await rm(folder, { recursive: true });
});

test('a file that cannot be read, or is empty while it is written anew, leaves the password as it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'password-'));
  const passwordFile = join(folder, 'password');
  const credentials = proxyCredentials('postrider', passwordFile, 'old\n');
  assert.equal(await credentials.refresh(), false);
  await writeFile(passwordFile, '');
  assert.equal(await credentials.refresh(), false);
  assert.equal(credentials.authorization.reveal(), `Basic ${authorizationOf('old')}`);
  await writeFile(passwordFile, 'new\n');
  assert.equal(await credentials.refresh(), true);
  assert.equal(credentials.authorization.reveal(), `Basic ${authorizationOf('new')}`);
  await rm(folder, { recursive: true });
});
