/** Whoever has a role without a key: by his token, by a group in it, and by his client certificate. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority } from '../../../test/support/certificates.ts';
import { startTestPlane, type Running } from './harness.ts';
import { channelOf, writtenTls } from './tls.ts';
import { AUDIENCE, claims, ISSUER, issuerKey, signed } from './tokens.ts';
import { createFakeKafka } from '@postrider/kafka/testing';
import type { ReplicaChannel } from '../src/tls/replica-channel.ts';

/** One way to call. */
export interface OtherCaller {
  readonly kind: 'user' | 'group' | 'certificate';
  /** As role bindings name it. */
  readonly principal: string;
  readonly authorization: string | null;
  readonly channel: ReplicaChannel;
}

export interface Principals extends AsyncDisposable {
  readonly run: Running;
  /** How whoever shows a key calls. */
  readonly channel: ReplicaChannel;
  /** The three of this name, which is made of a–z and dots. */
  called(name: string): Promise<readonly OtherCaller[]>;
}

/** A control plane that believes tokens and client certificates as well as keys. */
export async function startWithPrincipals(): Promise<Principals> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await createTestAuthority());
  const tls = stack.use(await writtenTls(await authority.issue('api', { names: 'IP:127.0.0.1' }), authority.ca));
  const folder = await mkdtemp(join(tmpdir(), 'postrider-principals-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys.json');
  const key = await issuerKey('one');
  await writeFile(path, JSON.stringify({ keys: [key.jwk] }));
  const believed = { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'], groupsClaim: 'groups' };
  const jwt = { ...believed, clockSkewMs: 30_000, keys: { kind: 'file', path } as const };
  const channel = channelOf('127.0.0.1:0', { ca: authority.ca });
  const config = { jwt, tls: { files: tls.files, clients: 'optional' } as const };
  const run = stack.use(await startTestPlane(config, createFakeKafka(), channel));
  const owned = stack.move();
  const bearer = async (sub: string, groups: readonly string[]): Promise<string> =>
    `Bearer ${await signed(key, claims(Date.now(), { sub, groups }))}`;
  return {
    ...{ run, channel },
    async called(name) {
      const shows = await authority.issue(name, { names: `DNS:${name}` });
      const shown = channelOf('127.0.0.1:0', { ca: authority.ca, shows });
      return [
        { kind: 'user', principal: `user/${name}`, authorization: await bearer(name, []), channel },
        { kind: 'group', principal: `group/${name}`, authorization: await bearer('somebody-else', [name]), channel },
        { kind: 'certificate', principal: `certificate/dns:${name}`, authorization: null, channel: shown },
      ];
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
