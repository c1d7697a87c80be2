import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { ConfigEntity } from './read-record.ts';

/** The newest schema of entities that this version reads and writes. */
export const CONFIG_SCHEMA_VERSION = 2;

/**
 * The schema that a reader must know to obey an entity. Records say no higher one than they need, so that older processes
 * go on with all others while an installation is upgraded.
 *
 * - 1: the first release;
 * - 2: an endpoint that is shown credentials, spoken to by TLS settings of its own, asked for a proof, reached from an
 *   egress pool or sent no more than so many bytes. A reader of 1 would send it requests without all that.
 */
export function schemaVersionOf(entity: ConfigEntity | null): number {
  return entity?.$case === 'endpoint' && needsSecond(entity.value) ? 2 : 1;
}

function needsSecond({ endpoint, credentials, verificationSince }: EndpointConfig): boolean {
  if (Object.keys(credentials).length > 0 || verificationSince !== '') return true;
  const { auth, tls, egressPool = '', limits } = endpoint ?? {};
  return auth !== undefined || tls !== undefined || egressPool !== '' || (limits?.bodyBytesMax ?? 0) !== 0;
}
