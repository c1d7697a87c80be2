import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

/** Runs a program with telemetry loaded first, in a process with only the given `OTEL_*` variables. */
async function program(source: string, env: Record<string, string>) {
  const args = ['--import', './telemetry.ts', '--input-type=module-typescript', '-e', source];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code: code as number, text };
}

const oneRequest = `import http from 'node:http'; import { once } from 'node:events';
  const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const path of ['/livez', '/hello']) {
    const request = http.get({ port: server.address().port, host: '127.0.0.1', path, agent: false });
    const [response] = await once(request, 'response'); response.resume(); await once(response, 'end');
  }
  server.close();`;

test('with nothing configured no SDK is loaded and nothing is said', async () => {
  const source = `console.log(Object.getOwnPropertySymbols(globalThis).filter((symbol) => String(symbol).includes('opentelemetry')));`;
  assert.deepEqual(await program(source, {}), { code: 0, text: '[]\n' });
});

test('with a collector configured traces and metrics reach it, probes are left out, and no warning is printed', async () => {
  const received: { path: string; body: string }[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString('latin1') });
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const source = `import { createMetrics } from './metrics.ts';
    createMetrics().counter('postrider_seen_by_collector', 'x').with({}).add();
    ${oneRequest}`;
  const { code, text } = await program(source, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_SERVICE_NAME: 'router-under-test',
  });
  collector.close();
  assert.deepEqual({ code, text }, { code: 0, text: '' });
  const sent = (path: string): string =>
    received
      .filter((one) => one.path === path)
      .map((one) => one.body)
      .join('');
  assert.match(sent('/v1/traces'), /router-under-test/);
  assert.match(sent('/v1/traces'), /\/hello/);
  assert.match(sent('/v1/metrics'), /postrider_seen_by_collector/);
  assert.equal(sent('/v1/logs'), '');
});

test('a collector that is away changes neither the exit code nor the output', async () => {
  const { code, text } = await program(oneRequest, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
  });
  assert.deepEqual({ code, text }, { code: 0, text: '' });
});

test('gRPC calls are traced through the import hooks, and lose nothing of their answers', async () => {
  const source = `const grpc = await import(['@grpc', 'grpc-js'].join('/')); import { once } from 'node:events';
    const raw = { requestSerialize: (v) => v, requestDeserialize: (v) => v, responseSerialize: (v) => v, responseDeserialize: (v) => v };
    const method = { path: '/t.T/Call', requestStream: false, responseStream: false, ...raw };
    const server = new grpc.Server();
    const end = new grpc.Metadata(); end.set('at-the-end', 'is kept');
    server.addService({ call: method }, { call: (_, done) => done(null, Buffer.from('x'), end) });
    const port = await new Promise((resolve) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, p) => resolve(p)));
    const Client = grpc.makeGenericClientConstructor({ call: method }, 'T');
    const client = new Client('127.0.0.1:' + port, grpc.credentials.createInsecure());
    const call = client.call(Buffer.from('x'), () => {});
    const [{ metadata }] = await once(call, 'status');
    console.log('trailer', ...metadata.get('at-the-end'));
    client.close(); server.forceShutdown();`;
  const { code, text } = await program(source, { OTEL_TRACES_EXPORTER: 'console' });
  assert.equal(code, 0, text);
  assert.match(text, /rpc\.system|t\.T\/Call/);
  assert.match(text, /trailer is kept/);
  assert.doesNotMatch(text, /Deprecat/);
});
