import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkDisk, checkJava, checkMemory, checkPort } from './preflight.ts';

const directory = mkdtempSync(join(tmpdir(), 'postrider-preflight-'));
after(() => rmSync(directory, { recursive: true }));

function fakeJava(version: string): string {
  const path = join(directory, `java-${version}`);
  writeFileSync(path, `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a missing Java and one that is too old are told apart, with the way to get one', async () => {
  const missing = await checkJava(join(directory, 'no-such-java'));
  assert.equal(missing?.code, 'JAVA_MISSING');
  assert.match(missing.message, /apt-get install openjdk-17-jre-headless/);
  const old = await checkJava(fakeJava('11.0.2'));
  assert.equal(old?.code, 'JAVA_TOO_OLD');
  assert.match(old.message, /^Java 11 is too old/);
  assert.equal(await checkJava(fakeJava('17.0.1')), undefined);
});

test('a taken port is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const problem = await checkPort(port);
  assert.equal(problem?.code, 'PORT_TAKEN');
  assert.ok(problem.message.startsWith(`Port ${port} of 127.0.0.1 is already taken`));
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await checkPort(port), undefined);
});

test('memory is asked for by the number of brokers, and not at all where the system does not tell it', async () => {
  const meminfo = join(directory, 'meminfo');
  writeFileSync(meminfo, 'MemTotal: 9999999 kB\nMemFree: 1 kB\nMemAvailable: 716800 kB\n');
  assert.equal(await checkMemory(1, meminfo), undefined);
  const problem = await checkMemory(3, meminfo);
  assert.equal(problem?.code, 'MEMORY_SHORT');
  assert.match(problem.message, /need 1300 MiB and 700 MiB are available/);
  assert.equal(await checkMemory(1, join(directory, 'absent')), undefined);
});

test('a disk without room is told for a directory that is yet to be made', async () => {
  const problem = await checkDisk(join(directory, 'a/b/c'), Number.MAX_SAFE_INTEGER);
  assert.equal(problem?.code, 'DISK_SHORT');
  assert.equal(await checkDisk(join(directory, 'a/b/c'), 0), undefined);
});
