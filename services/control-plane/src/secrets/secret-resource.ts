import { Secret, SecretState } from '@postrider/contract/postrider/v1/secret_service';
import { durationOf, signsAt } from '@postrider/core';
import { endpointName, parseSecretName } from '../names.ts';
import { found } from '../reject.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { EndpointConfig, EndpointSecret } from '@postrider/contract/postrider/v1/config';

/** When a secret ends, ms since the Unix epoch; null: it does not. */
export function endOf({ expireTime }: EndpointSecret): number | null {
  return expireTime?.getTime() ?? null;
}

/** A secret as clients see it, without its value. */
export function shownSecret(endpoint: string, secret: EndpointSecret, nowMs: number): Secret {
  const { id, scheme, imported, createTime, expireTime, fingerprintEnd, publicKey } = secret;
  const told = { name: `${endpoint}/secrets/${id}`, scheme, imported, fingerprintEnd, publicKey };
  return {
    ...Secret.fromPartial({ ...told, state: stateOf(secret, nowMs) }),
    createTime,
    expireTime,
    age: createTime === undefined ? undefined : durationOf(Math.max(0, nowMs - createTime.getTime())),
  };
}

function stateOf(secret: EndpointSecret, nowMs: number): SecretState {
  const endsAt = endOf(secret);
  if (endsAt === null) return SecretState.ACTIVE;
  return signsAt({ endsAt }, nowMs) ? SecretState.ENDING : SecretState.ENDED;
}

/** A secret and whose it is. */
export interface FoundSecret {
  readonly config: EndpointConfig;
  /** The endpoint's name. */
  readonly endpoint: string;
  readonly secret: EndpointSecret;
}

/**
 * The secret of this name.
 * @throws PostriderError `invalid_argument`, `not_found`
 */
export function findSecret(snapshot: ConfigSnapshot, name: string): FoundSecret {
  const parsed = parseSecretName(name, 'name');
  const endpoint = endpointName(parsed);
  const config = found(snapshot.endpointByName(endpoint), name);
  const secret = found(
    config.secrets.find(({ id }) => id === parsed.secret),
    name,
  );
  return { config, endpoint, secret };
}
