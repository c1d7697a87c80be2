import { every, lookAgain, type Clock } from '@postrider/core';
import { isSameTls, readTlsFiles, type TlsMaterial } from '@postrider/runtime';
import { serverLimits } from '../server-limits.ts';
import { RenewableCredentials } from './server-credentials.ts';
import type { ApiTls } from './tls-env.ts';
import type { TlsEvents } from './tls-events.ts';

export interface LiveTlsOptions {
  readonly tls: ApiTls;
  readonly clock: Clock;
  readonly events: Omit<TlsEvents, 'replicaClockApart'>;
}

/** What the API shows of itself and whom it believes, as the files say it now. */
export interface LiveTls extends Disposable {
  readonly credentials: RenewableCredentials;
  /** What was read last and can be used. */
  current(): TlsMaterial;
  /** Calls `listener` when other authorities vouch for clients than before: who is connected may not be believed any more. */
  onClientAuthorities(listener: () => void): void;
}

/**
 * Reads the files now and again every second. What cannot be used is told, and what was there before stays in use: a
 * certificate and its key are two files, and may be looked at between the writing of one and the other.
 * @throws Error one sentence, when they cannot be used now
 */
export async function watchTls({ tls, clock, events }: LiveTlsOptions): Promise<LiveTls> {
  const { files, clients } = tls;
  let material = await readTlsFiles(files);
  const credentials = new RenewableCredentials(material, clients);
  const listeners: (() => void)[] = [];
  let told: 'nothing' | 'ending' | 'ended' = 'nothing';

  const judge = (): void => {
    const leftMs = material.endsAt - clock.now();
    const state = leftMs <= 0 ? 'ended' : leftMs <= serverLimits.certificateEndsSoonMs ? 'ending' : 'nothing';
    if (state === told) return;
    told = state;
    if (state !== 'nothing') events.apiCertificateEnds(new Date(material.endsAt), state);
  };

  const renew = (next: TlsMaterial): void => {
    const others = next.clientCa !== material.clientCa;
    material = next;
    credentials.renew(next);
    told = 'nothing';
    events.apiCertificateRenewed(new Date(next.endsAt));
    judge();
    if (others) for (const listener of listeners) listener();
  };

  const looking = lookAgain({
    clock,
    everyMs: serverLimits.filesLookEveryMs,
    async read() {
      const now = await readTlsFiles(files);
      return isSameTls(now, material) ? null : now;
    },
    changed: renew,
    trouble: events.apiCertificateTrouble,
  });
  const stopJudging = every(clock, serverLimits.certificateLookEveryMs, judge);
  events.apiCertificateRenewed(new Date(material.endsAt));
  judge();
  return {
    credentials,
    current: () => material,
    onClientAuthorities: (listener) => void listeners.push(listener),
    [Symbol.dispose]() {
      looking[Symbol.dispose]();
      stopJudging();
    },
  };
}
