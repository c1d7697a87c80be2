import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { TLS_VERSION_MIN } from './tls-files.ts';

export interface TlsChannelOptions {
  /** `host:port`; an IPv6 address in brackets. */
  readonly address: string;
  /** Authorities that are believed, PEM; absent: those that Node believes. */
  readonly ca?: string;
  /** What the client shows of itself, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must bear, where that is not the host's. */
  readonly serverName?: string;
  /** Is shown the certificate of every server that was connected to and bears the name. */
  readonly onServer?: (certificate: PeerCertificate) => void;
}

/** What a channel of gRPC is made with. */
export interface TlsChannel {
  readonly secureContext: SecureContext;
  readonly verify: { checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined };
  readonly options: Readonly<Record<string, string>>;
}

/** Sent in place of an address, which has no place in a handshake (RFC 6066): Node refuses to send one. */
const NO_NAME = 'localhost';

/**
 * How a client of gRPC speaks TLS to `address`: the server's certificate must bear the name or address that was dialled, or
 * `serverName` where one is given.
 * @throws Error when a PEM cannot be used
 */
export function tlsChannel({ address, ca, cert, key, serverName, onServer }: TlsChannelOptions): TlsChannel {
  const wanted = serverName ?? hostOf(address);
  return {
    secureContext: createSecureContext({ ca, cert, key, minVersion: TLS_VERSION_MIN }),
    verify: {
      checkServerIdentity(_host, certificate) {
        const problem = checkServerIdentity(wanted, certificate);
        if (problem === undefined) onServer?.(certificate);
        return problem;
      },
    },
    options: { 'grpc.ssl_target_name_override': isIP(wanted) === 0 ? wanted : NO_NAME },
  };
}

/** The host of an address, `host:port` with an IPv6 address in brackets; the port may be absent. */
export function hostOf(address: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(address) ?? [];
  return bracketed ?? plain ?? address;
}

/** Whether what listens on this host, or is called there, can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
