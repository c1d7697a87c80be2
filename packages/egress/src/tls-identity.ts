import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { clientCertificateEnd, type Secret } from '@postrider/core';
import { EgressError } from './failure.ts';

/** What an endpoint may set about TLS. Nothing here, or anywhere, turns the check of its certificate off. */
export interface TlsSettings {
  /** Certificates (PEM) trusted instead of the public roots. */
  readonly ca?: string;
  /** The certificate chain (PEM) by which we show who we are, the leaf first, with its key (PEM). */
  readonly client?: { readonly certificate: string; readonly key: Secret };
  /** Oldest version that is accepted. Default 1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** Who we are and whom we trust on the connections of an endpoint. Those of one identity never serve another. */
export interface TlsIdentity {
  /** Equal when everything about it is equal. Tells nothing of the key. */
  readonly id: string;
  /**
   * What a handshake needs, made once: reading the certificates costs more than the handshake.
   * @param ca certificates trusted where the identity names none; absent: the public roots
   * @throws EgressError `internal`, ours, when they cannot be read: nobody should have stored them
   */
  context(ca?: readonly (string | Buffer)[]): SecureContext;
  /** Whether the certificate by which we show who we are has ended (`now`: ms since the Unix epoch). */
  hasEnded(now: number): boolean;
}

/** The identity that these settings make. Reads no certificate yet. */
export function tlsIdentity({ ca, client, minVersion = 'TLSv1.2' }: TlsSettings): TlsIdentity {
  let context: SecureContext | undefined;
  const make = (trusted: readonly (string | Buffer)[] | undefined): SecureContext => {
    try {
      return createSecureContext({
        minVersion,
        ...(trusted === undefined ? {} : { ca: [...trusted] }),
        ...(client === undefined ? {} : { cert: client.certificate, key: client.key.revealBytes() }),
      });
    } catch (cause) {
      throw new EgressError('internal', 'ours', 'the certificates for this endpoint cannot be used', { cause });
    }
  };
  return {
    // The key belongs to the certificate, which says enough.
    id: createHash('sha256')
      .update(JSON.stringify([ca, client?.certificate, minVersion]))
      .digest('base64'),
    hasEnded: (now) => client !== undefined && (clientCertificateEnd(client.certificate) ?? Infinity) <= now,
    context: (otherwise) => (context ??= make(ca === undefined ? otherwise : [ca])),
  };
}
