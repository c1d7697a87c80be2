import { ServerCredentials } from '@grpc/grpc-js';
import { TLS_VERSION_MIN, type TlsMaterial } from '@postrider/runtime';
import { serverLimits } from '../server-limits.ts';
import type { ApiTls } from './tls-env.ts';

type ContextOptions = NonNullable<ReturnType<ServerCredentials['_getSecureContextOptions']>>;

/** What the API's listener shows of itself, which may change while it listens: new connections are shown the new one. */
export class RenewableCredentials extends ServerCredentials {
  constructor(first: TlsMaterial, clients: ApiTls['clients']) {
    const listener = {
      requestCert: first.clientCa !== undefined,
      rejectUnauthorized: clients === 'required',
      handshakeTimeout: serverLimits.handshakeMs,
    };
    super(listener, contextOf(first));
  }

  renew(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function contextOf({ cert, key, clientCa }: TlsMaterial): ContextOptions {
  return { cert, key: key.reveal(), ca: clientCa, minVersion: TLS_VERSION_MIN };
}
