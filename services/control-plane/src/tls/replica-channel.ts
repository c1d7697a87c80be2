import { credentials } from '@grpc/grpc-js';
import { tlsChannel, type TlsMaterial } from '@postrider/runtime';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import type { ApiTls } from './tls-env.ts';

/** How the connection to one replica is protected. */
export interface ReplicaChannel {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/**
 * How other replicas are called: as callers are asked to call this one. Their certificates must be vouched for by the given
 * authorities and bear the given name, or else the host of their address; where clients must show a certificate, this
 * replica's own is shown. For the same address, and the same files, the same object is given back.
 */
export function createReplicaChannels(
  tls: ApiTls | undefined,
  current: () => TlsMaterial | null,
): (address: string) => ReplicaChannel {
  let last: {
    readonly address: string;
    readonly material: TlsMaterial | null;
    readonly channel: ReplicaChannel;
  } | null = null;
  return (address) => {
    const material = current();
    if (last === null || last.address !== address || last.material !== material) {
      last = { address, material, channel: channelOf(address, tls, material) };
    }
    return last.channel;
  };
}

function channelOf(address: string, tls: ApiTls | undefined, material: TlsMaterial | null): ReplicaChannel {
  if (material === null) return { credentials: credentials.createInsecure(), options: {} };
  const { ca, cert, key } = material;
  const { secureContext, verify, options } = tlsChannel({
    address,
    ...(ca === undefined ? {} : { ca }),
    ...(tls?.clients === 'required' ? { cert, key: key.reveal() } : {}),
    ...(tls?.serverName === undefined ? {} : { serverName: tls.serverName }),
  });
  return { credentials: credentials.createFromSecureContext(secureContext, verify), options };
}
