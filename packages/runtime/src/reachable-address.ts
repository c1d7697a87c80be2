import { hostname } from 'node:os';
import { text, type Told } from './env-fields.ts';

/** What listens on `host`, and what its operator says of how others reach it: nothing when empty. */
export interface ListeningHost {
  readonly host: string;
  /** A host name or address, with or without a port. */
  readonly address: string;
}

/** The variable that says where others reach this process. */
export function reachableAddressEnv(name: string, told: Told) {
  return text(name, {
    ...told,
    optional: true,
    pattern:
      /^(?:(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$/,
    hint: 'a host name or address, with or without a port; an IPv6 address with a port stands in brackets',
  });
}

/** Where others reach what listens here on `port`: by default the host, or this machine's name where that stands for all addresses. */
export function reachableAddress({ host, address }: ListeningHost, port: number): string {
  if (/^(?:[^:]+|\[.*\]):\d+$/.test(address)) return address;
  const everywhere = host === '0.0.0.0' || host === '::';
  const plain = address !== '' ? address : everywhere ? hostname() : host;
  return plain.includes(':') && !plain.startsWith('[') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
