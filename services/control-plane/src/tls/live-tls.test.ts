/** Files of a certificate that are watched on a fake clock. Observed: what is told. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createTestAuthority, type TestAuthority } from '../../../../test/support/certificates.ts';
import { writtenTls } from '../../testing/tls.ts';
import { watchTls } from './live-tls.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let authority: TestAuthority;
before(async () => {
  authority = await createTestAuthority();
});
after(() => authority[Symbol.asyncDispose]());

/** Whatever is told; `next` resolves with the first thing that is told from now on. */
function listening() {
  const told: string[] = [];
  let next = Promise.withResolvers<string>();
  const tell = (what: string): void => {
    told.push(what);
    next.resolve(what);
    next = Promise.withResolvers<string>();
  };
  const events = {
    apiCertificateRenewed: () => tell('renewed'),
    apiCertificateTrouble: (problem: string | null) => tell(problem ?? 'usable'),
    apiCertificateEnds: (_: Date, state: string) => tell(state),
  };
  return { told, events, next: () => next.promise };
}

test('that the certificate ends is told a fortnight before and when it has ended, each once; a new one ends that', async () => {
  await using tls = await writtenTls(await authority.issue('api', { days: 20 }), authority.ca);
  const clock = createFakeClock(Date.now());
  // Time between two looks at a time: the files are looked at every second.
  const pass = async (ms: number): Promise<void> => {
    clock.stepWallClock(ms);
    await clock.advance(hourMs);
  };
  const { told, events, next } = listening();
  using live = await watchTls({ tls: { files: tls.files, clients: 'optional' }, clock, events });
  assert.deepEqual(told.splice(0), ['renewed']);
  await pass(7 * dayMs);
  assert.deepEqual(told.splice(0), ['ending']);
  await pass(14 * dayMs);
  assert.deepEqual(told.splice(0), ['ended']);
  const { cert, key } = await authority.issue('api', { days: 300 });
  await tls.write({ certFile: cert, keyFile: key });
  const renewed = next();
  await clock.advance(1_000);
  await renewed;
  await pass(dayMs);
  assert.deepEqual(told, ['renewed']);
  assert.equal(live.current().cert, cert);
});

test('it does not start with files that cannot be used, and says which and why, without what is in them', async () => {
  const pair = await authority.issue('api');
  const other = await authority.issue('other');
  await using tls = await writtenTls(pair, authority.ca);
  const clock = createFakeClock();
  const start = () => watchTls({ tls: { files: tls.files, clients: 'optional' }, clock, events: listening().events });
  const refusals: readonly (readonly [Parameters<typeof tls.write>[0], RegExp])[] = [
    [{ keyFile: other.key }, /tls\.key" with ".*tls\.crt" is the key of another certificate$/],
    [{ keyFile: 'no key' }, /tls\.key" with ".*tls\.crt" cannot be used \(ERR_OSSL/],
    [{ keyFile: pair.key, certFile: 'x' }, /tls\.crt" holds no certificate in PEM form$/],
    [{ certFile: pair.cert, caFile: '' }, /ca\.crt" holds no certificate in PEM form$/],
    [
      { caFile: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      /ca\.crt" holds a certificate that cannot be read$/,
    ],
    [{ caFile: authority.ca, clientCaFile: pair.key }, /clients\.crt" holds no certificate in PEM form$/],
    [{ clientCaFile: 'x'.repeat(1_048_577) }, /clients\.crt" has more than 1048576 bytes$/],
  ];
  for (const [contents, refusal] of refusals) {
    await tls.write(contents);
    await assert.rejects(start(), ({ message }: Error) => refusal.test(message) && !message.includes('BEGIN'));
  }
  await tls.write({ clientCaFile: authority.ca });
  (await start())[Symbol.dispose]();
});

test('a key that OpenSSL finds too weak is refused when it is read: later, every connection would be dropped', async () => {
  await using tls = await writtenTls(await authority.issue('api', { rsaBits: 1_024 }), authority.ca);
  const tell = listening().events;
  const starting = watchTls({ tls: { files: tls.files, clients: 'optional' }, clock: createFakeClock(), events: tell });
  await assert.rejects(starting, /cannot be used \(ERR_SSL_EE_KEY_TOO_SMALL\)/);
});
